"""The brakes: caps of viewers and budgets of ads, kept in Redis, asked and reserved by one script.

They only hold back. What was counted and billed stands in PostgreSQL and is decided there: a brake that forgot
something costs an impression that is not billed. What is reserved ends long before its token does: who asks and shows
nothing holds an ad up for minutes. What is told later counts all the same.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from ads.decision import keys
from ads.decision.connections import Script
from ads.decision.types import Redeemed
from ads.decision.viewers import is_unnamed
from ads.models import EventKind
from common.outbox import enqueue
from common.redis import client, guarded

# The kind of job that restores an event's caps and spend.
RESTORE: Final = "ads.restore_brakes"
KEPT_SECONDS: Final = 30 * 86_400
# So far beyond its day a viewer's caps are kept, besides the life of a token: clocks differ.
_SLACK: Final = timedelta(hours=1)
_ID_BYTES: Final = 16
_EPOCHS_KEPT: Final = 2_000
_UNKNOWN: Final = b"?"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_take = Script("take")
_redeem = Script("redeem")
_publish = Script("publish")
_reserved = Script("reserved")

# What was learned of each event's epoch. A wrong one costs a second question.
_epochs: dict[UUID, bytes] = {}


def milliseconds(instant: datetime) -> int:
    """Return an instant as Redis is told it."""
    return (instant - _EPOCH) // _MILLISECOND


def forgotten_at(day_ends: datetime) -> bytes:
    """Return when caps of a day that ends then may be forgotten, in seconds: no token of it is good by then."""
    life = timedelta(seconds=settings.AD_TOKEN_TTL_SECONDS)
    return b"%d" % int((day_ends + life + _SLACK).timestamp())


def reserved_until(expires_at: datetime) -> datetime:
    """Return when the reservation ends of a token that ends then."""
    life = settings.AD_TOKEN_TTL_SECONDS
    return expires_at - timedelta(seconds=life - min(life, settings.AD_RESERVATION_SECONDS))


def take(
    *, event_id: UUID, version: int, viewer: UUID, day: date, forget_at: bytes, wanted: int, now: datetime,
    ends_at: datetime, candidates: Sequence[bytes], reserves: bool = True,
) -> bytes | None:  # fmt: skip
    """Reserve the first ads of the given order that nothing holds back, at most ``wanted``, in one round trip.

    ``candidates`` are ads as a pool has them ready. Without ``reserves`` it only says what it would reserve. Returns
    what ``take.lua`` says: ``:`` and a letter for each ad that was looked at; ``v`` and a number when the ads have a
    later version; ``m`` when caps are missing. None: Redis is away.
    """
    book = keys.book(event_id)
    arguments = [
        b"", b"%d" % version, b"%d" % milliseconds(now), b"%d" % milliseconds(ends_at), b"%d" % wanted,
        day.isoformat().encode(), forget_at, b"1" if reserves else b"0",
    ]  # fmt: skip
    named = not is_unnamed(viewer)
    answer: bytes | None = None
    for _ in range(3):
        epoch = _epochs.get(event_id, _UNKNOWN)
        names = [book, keys.caps(event_id, epoch, day, viewer)] if named else [book]
        arguments[0] = epoch
        answer = _ask(names, arguments, candidates)
        if answer is None or answer[:1] != b"e":
            return answer
        learn(event_id, answer[1:])
    return b"m" if answer is not None else None


def _ask(names: list[bytes], arguments: list[bytes], candidates: Sequence[bytes]) -> bytes | None:
    answer: bytes | None = guarded(lambda: _take(names, arguments, candidates), lambda: None)
    return answer


def learn(event_id: UUID, epoch: bytes) -> None:
    """Remember an event's epoch."""
    if len(_epochs) >= _EPOCHS_KEPT:
        _epochs.clear()
    _epochs[event_id] = epoch


def reserved(
    event_id: UUID, viewer: UUID | None, day: date, *, now: datetime
) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """Return what is decided and not yet counted, by ad: for all viewers of ads that have a budget, and for this viewer
    on this local day. It only looks; with Redis away nothing is known to be open.
    """
    start, end = keys.caps(event_id, b"|", day, viewer or event_id).split(b"|")
    arguments = [b"%d" % milliseconds(now), start, end if viewer is not None else b""]
    nothing: list[list[Any]] = [[], []]
    budgets, caps = guarded(lambda: _reserved([keys.book(event_id)], arguments), lambda: nothing)
    return _by_ad(budgets), _by_ad(caps)


def _by_ad(pairs: Sequence[Any]) -> dict[UUID, int]:
    named = zip(pairs[::2], pairs[1::2], strict=True)
    return {UUID(bytes=ad_id): int(count) for ad_id, count in named if len(ad_id) == _ID_BYTES and int(count)}


def publish(event_id: UUID, version: int) -> bool:
    """Tell all processes that an event's ads have this version, or a later one. False: Redis is away."""
    arguments = [b"%d" % version, b"%d" % KEPT_SECONDS]
    return guarded(lambda: _publish([keys.book(event_id)], arguments) is not None, lambda: False)


def redeemed(events: Sequence[Redeemed], *, now: datetime) -> None:
    """Have what was reserved be counted, and set what was billed. Called when the events are committed.

    One round trip for each event of the organizers. With Redis away a job restores that event's brakes from the
    database; nothing is raised for Redis.
    """
    by_event = attrgetter("event_id")
    for event_id, group in groupby(sorted(events, key=by_event), by_event):
        of_event = list(group)
        if not guarded(lambda: _redeemed(event_id, of_event, now), lambda: False):  # noqa: B023 called at once
            restore_later(event_id, now=now)


def forget(event_id: UUID) -> None:
    """Have an event's caps and spend be restored from the database before anything is decided by them again."""
    _epochs.pop(event_id, None)
    guarded(lambda: client().hdel(keys.book(event_id).decode(), "epoch"), lambda: 0)


def restore_later(event_id: UUID, *, now: datetime) -> None:
    """Have a job restore the event's brakes; one at a time for each event."""
    enqueue(RESTORE, {"event_id": event_id}, now=now, dedupe_key=f"ads-brakes-{event_id}")


def _redeemed(event_id: UUID, events: Sequence[Redeemed], now: datetime) -> bool:
    for _ in range(3):
        epoch = _epochs.get(event_id, _UNKNOWN)
        names = [keys.book(event_id)]
        arguments = [epoch, b"%d" % milliseconds(now)]
        for event in events:
            names += [keys.caps(event_id, epoch, day, event.viewer) for day in (event.issued_day, event.day)]
            arguments += _told(event)
        answer: Any = _redeem(names, arguments)
        if answer in (b"", b"-"):
            # Where there is no epoch nothing is lost: whoever makes one counts what is committed.
            return True
        learn(event_id, answer)
    return False


def _told(event: Redeemed) -> Iterable[bytes]:
    is_impression = event.kind == EventKind.IMPRESSION
    has_caps = is_impression and not is_unnamed(event.viewer)
    total, on_day = event.billed_total_micros, event.billed_day_micros
    is_billed = total is not None and on_day is not None
    # The day's end in a time zone is not known here; two days on it is over in each.
    day_ends = datetime(event.day.year, event.day.month, event.day.day, tzinfo=UTC) + timedelta(days=2)
    return (
        event.ad_id.bytes, b"1" if has_caps else b"0", b"1" if is_impression else b"0",
        b"%d" % milliseconds(reserved_until(event.expires_at)), forgotten_at(day_ends),
        b"%d" % (total if is_billed and total is not None else -1), event.day.isoformat().encode(),
        b"%d" % (on_day or 0),
    )  # fmt: skip
