"""Restoring an event's brakes from what was counted and billed: after a flush, or when Redis missed something.

It is done under a new epoch, whose keys nobody has written yet: caps are added up there, so that what is counted
meanwhile is not lost and nothing of before is mixed in. Something that is counted just then may count twice, which
caps a viewer sooner, never later. What was reserved before is forgotten.
"""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from prometheus_client import Counter

from ads.decision import brakes, keys
from ads.decision.connections import Script
from ads.decision.viewers import is_unnamed
from ads.models import Ad, AdIndexVersion, AdSpend, AdSpendDay, EventKind
from common import statements
from common.redis import client, guarded
from common.windows import Window, local_day
from events.models import Event

_log = structlog.stdlib.get_logger(__name__)
_RESTORED = Counter(
    "marquee_ads_brakes_restored_total", "Caps and spend of an event restored from the database."
)

# Up to so many impressions of a day a decision restores by itself, in some hundredths of a second; a job does more.
AT_ONCE: Final = 20_000
# Whoever began to restore and did not end within so many seconds has died.
_PATIENCE: Final = b"30"
# What begin.lua answers where what was told is not so any more.
_NOT_SO: Final = -2
_VIEWERS_AT_ONCE: Final = 500
# Clocks of two processes differ by less.
_CLOCKS: Final = timedelta(hours=1)

_begin, _restore, _finish = Script("begin"), Script("restore"), Script("finish")

_COUNTED = statements.one_line("""
    SELECT viewer, ad_id, count(*) FROM (
        SELECT viewer, ad_id FROM ads_adevent
         WHERE ad_id = ANY(%s) AND kind = %s AND occurred_at >= %s AND occurred_at < %s AND issue_day >= %s
         LIMIT %s
    ) AS seen GROUP BY viewer, ad_id ORDER BY viewer, ad_id
""")

_PAUSE: Final = 1.0
_EVENTS_KEPT: Final = 1_000

_Row = tuple[UUID, UUID, int]


class _End(NamedTuple):
    """When this process's last try for an event ended, by its monotonic clock, and how."""

    at: float
    is_done: bool


_locks = tuple(threading.Lock() for _ in range(16))
_ends: dict[UUID, _End] = {}


@dataclass(frozen=True, slots=True)
class _Restoring:
    """One try: whose brakes, under which epoch, as of which day."""

    event_id: UUID
    epoch: bytes
    day: date
    window: Window
    now: datetime

    @property
    def forget_at(self) -> bytes:
        """When the day's caps may be forgotten."""
        return brakes.forgotten_at(self.window.end or self.now)


def restore(event_id: UUID, *, now: datetime, at_most: int | None = None, told: bytes = b"") -> bool:
    """Write an event's caps of today and its spend anew; until that is done decisions are degraded.

    False: Redis is away, somebody else restores just now, or there are more than ``at_most`` impressions: then
    nothing was let go by, and a job has to do it. ``told``: the answer of Redis because of which it is done. Where
    somebody else has done it since then, what was reserved by theirs is not forgotten: nothing is written. True.
    """
    zone = Event.objects.only("time_zone").get(pk=event_id).zone
    day = now.astimezone(zone).date()
    trial = _Restoring(event_id, secrets.token_hex(6).encode(), day, local_day(day, zone), now)
    return guarded(lambda: _restored(trial, at_most, told), lambda: False)


def restore_now(event_id: UUID, *, now: datetime, told: bytes) -> bool:
    """Restore for a decision that was ``told`` so and waits, if that is quick; else a job does it. True: ask again.

    However many threads ask, one restores; after one that did not come to an end there is no other for a second.
    """
    lock, seen = _locks[event_id.int % len(_locks)], _ends.get(event_id)
    with lock:
        last = _ends.get(event_id)
        if last is not None and last is not seen:
            return last.is_done
        if last is not None and not last.is_done and time.monotonic() - last.at < _PAUSE:
            return False
        is_done = restore(event_id, now=now, at_most=AT_ONCE, told=told)
        if len(_ends) >= _EVENTS_KEPT:
            _ends.clear()
        _ends[event_id] = _End(time.monotonic(), is_done)
        return is_done


def _restored(trial: _Restoring, at_most: int | None, told: bytes) -> bool:
    book = keys.book(trial.event_id)
    before = int(_begin([book], [trial.epoch, _PATIENCE, b"%d" % brakes.KEPT_SECONDS, told]))
    if before < 0:
        return before == _NOT_SO
    # From here on whatever is committed is either read below or told to the new epoch.
    version = AdIndexVersion.objects.filter(pk=trial.event_id).values_list("version", flat=True).first() or 0
    ad_ids = list(Ad.objects.filter(event_id=trial.event_id).values_list("id", flat=True))
    rows = _counted(ad_ids, trial, at_most)
    if rows is None:
        client().hdel(book.decode(), "building")
        brakes.restore_later(trial.event_id, now=trial.now)
        return False
    if not _write_caps(trial, rows):
        return False
    spent = [part for ad in _spent(ad_ids, trial) for part in ad]
    if not _finish([book], [trial.epoch, b"%d" % version, b"%d" % before, *spent]):
        return False
    brakes.learn(trial.event_id, trial.epoch)
    _RESTORED.inc()
    _log.info("ads_brakes_restored", event_id=str(trial.event_id))
    return True


def _counted(ad_ids: Sequence[UUID], trial: _Restoring, at_most: int | None) -> list[_Row] | None:
    """Return how often each viewer was counted for each ad today; None when that is more than is wanted."""
    window = trial.window
    start = window.start or trial.now
    limit = None if at_most is None else at_most + 1
    parameters = [
        ad_ids,
        EventKind.IMPRESSION.value,
        start,
        window.end,
        _first_issued(start),
        limit,
    ]
    rows: list[_Row] = statements.run(_COUNTED, parameters).fetchall()
    return None if at_most is not None and sum(row[2] for row in rows) > at_most else rows


def _first_issued(start: datetime) -> date:
    """Return the first UTC day on which a token that counts from ``start`` on may have been issued."""
    return (start - timedelta(seconds=settings.AD_TOKEN_TTL_SECONDS) - _CLOCKS).date()


def _write_caps(trial: _Restoring, rows: Sequence[_Row]) -> bool:
    """Write them, some viewers in a round trip. False when another restoring began meanwhile."""
    commands = _commands(trial, rows)
    while batch := list(islice(commands, _VIEWERS_AT_ONCE)):
        if not all(_restore.all(batch)):
            return False
    return True


def _commands(trial: _Restoring, rows: Sequence[_Row]) -> Iterator[bytes]:
    for viewer, of_viewer in groupby(rows, itemgetter(0)):
        if is_unnamed(viewer):
            continue
        names = [keys.book(trial.event_id), keys.caps(trial.event_id, trial.epoch, trial.day, viewer)]
        pairs = [part for _, ad_id, count in of_viewer for part in (ad_id.bytes, b"%d" % count)]
        yield _restore.command(names, [trial.epoch, trial.forget_at, *pairs])


def _spent(ad_ids: Sequence[UUID], trial: _Restoring) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """Yield of each ad that was billed: it, how much in all, the day, how much on it."""
    on_day = dict(
        AdSpendDay.objects.filter(ad_id__in=ad_ids, day=trial.day).values_list("ad_id", "billed_micros")
    )
    for ad_id, billed in AdSpend.objects.filter(ad_id__in=ad_ids, billed_micros__gt=0).values_list(
        "ad_id", "billed_micros"
    ):
        day = trial.day.isoformat().encode()
        yield ad_id.bytes, b"%d" % billed, day, b"%d" % on_day.get(ad_id, 0)
