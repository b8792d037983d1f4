"""Which of the events that a front end sent are kept, as what; and why not."""

from collections.abc import Container, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Final
from uuid import UUID

import msgspec
from django.conf import settings

from analytics.models import RefusalReason, TrackedType
from analytics.services.known import Facts
from analytics.types.tracking import Batch, Incoming, Instant, Kept, Refused

# How late an event may be told. ``SeenEvent`` remembers longer.
LATEST: Final = timedelta(days=7)
# A clock that is off by less is not called wrong: the way here takes time as well.
CLOCK_TOLERANCE: Final = timedelta(minutes=1)
# Further ahead than this, after correction, is no clock's fault.
_AHEAD: Final = timedelta(minutes=10)
_LARGEST_METADATA: Final = 2_000
_TYPES: Final = frozenset(TrackedType.values)
_SAID: Final = {
    RefusalReason.UNKNOWN_TYPE: f"type: one of {', '.join(TrackedType.values)}.",
    RefusalReason.UNKNOWN_EVENT: "event_id: there is no such event.",
    RefusalReason.UNKNOWN_ENTITY: "entity_id: nothing of that kind belongs to the event.",
    RefusalReason.TOO_LATE: f"timestamp: more than {LATEST.days} days ago.",
    RefusalReason.FUTURE: "timestamp: in the future.",
}


class Refusal(Exception):
    """A verdict on one event, for whoever reads it."""

    def __init__(self, reason: str, message: str | None = None) -> None:
        self.reason, self.message = reason, message or _SAID[RefusalReason(reason)]


def wanted(batch: Batch) -> list[tuple[UUID, str, UUID]]:
    """Return (event, type, entity) of what may be kept, to ask for."""
    return [
        (event.event, event.type, event.entity)
        for _, event in batch.events
        if event.event and event.entity and event.type in _TYPES
    ]


def check(batch: Batch, facts: dict[UUID, Facts], *, now: datetime) -> tuple[list[Kept], list[Refused]]:
    """Return what is to be kept, each once and in the order of its key, and what is refused, in the body's order."""
    kept: dict[tuple[UUID, UUID], Kept] = {}
    refused = list(batch.unreadable)
    skew = clock_error(batch.sent_at, now)
    for index, event in batch.events:
        try:
            good = _kept(event, facts, skew, now)
        except Refusal as verdict:
            refused.append(Refused(index, verdict.reason, verdict.message))
        else:
            kept.setdefault((good.organization_id, good.id), good)
    # Whole numbers are in the order of PostgreSQL's ids, and are compared much faster.
    ordered = sorted(kept.values(), key=lambda one: (one.organization_id.int, one.id.int))
    return ordered, sorted(refused, key=lambda one: one.index)


def clock_error(sent_at: datetime | None, now: datetime) -> timedelta:
    """Return how far behind the client's clock is (negative: ahead), nothing within the tolerance."""
    if sent_at is None:
        return timedelta(0)
    error = now - sent_at
    return error if abs(error) > CLOCK_TOLERANCE else timedelta(0)


def _kept(event: Incoming, facts: dict[UUID, Facts], skew: timedelta, now: datetime) -> Kept:
    about, entity_id = _about(event, facts)
    occurred_at = moment(event.timestamp, skew, now)
    return Kept(
        organization_id=about.organization_id,
        id=event.own_id(),
        event_id=about.event_id,
        time_zone=about.time_zone,
        type=event.type,
        entity_id=entity_id,
        visitor=_visitor(event.token, about.organization_id),
        occurred_at=occurred_at,
        metadata=_metadata(event),
    )


def _about(event: Incoming, facts: dict[UUID, Facts]) -> tuple[Facts, UUID]:
    if event.type not in _TYPES:
        raise Refusal(RefusalReason.UNKNOWN_TYPE)
    if event.event is None or event.entity is None:
        missing = "event_id" if event.event is None else "entity_id"
        raise Refusal(RefusalReason.INVALID, f"{missing}: this field is required.")
    about = facts.get(event.event)
    if about is None:
        raise Refusal(RefusalReason.UNKNOWN_EVENT)
    if not about.holds(event.type, event.entity):
        raise Refusal(RefusalReason.UNKNOWN_ENTITY)
    return about, event.entity


def moment(timestamp: Instant | None, skew: timedelta, now: datetime) -> datetime:
    """Return when it happened by our clock. A little ahead is now; long ago and far ahead raise ``Refusal``."""
    if timestamp is None:
        return now
    try:
        said = instant(timestamp) + skew
    except (OverflowError, ValueError, OSError) as error:
        raise Refusal(RefusalReason.INVALID, "timestamp: not an instant.") from error
    if said < now - LATEST:
        raise Refusal(RefusalReason.TOO_LATE)
    if said > now + _AHEAD:
        raise Refusal(RefusalReason.FUTURE)
    return min(said, now)


def instant(said: datetime | float) -> datetime:
    """Read an instant as clients write it. Raises ``ValueError``, ``OverflowError``, ``OSError`` for what is none."""
    return said.astimezone(UTC) if isinstance(said, datetime) else datetime.fromtimestamp(said / 1000, UTC)


def _metadata(event: Incoming) -> str | None:
    """Return the client's own object as text that the database can keep: read once, so that no oddity of it gets in."""
    raw = bytes(event.metadata)
    if not raw:
        return None
    try:
        given = msgspec.json.decode(raw) if len(raw) <= _LARGEST_METADATA else ...
        text = msgspec.json.encode(given).decode() if given is None or isinstance(given, dict) else ""
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        text = ""
    # PostgreSQL keeps no NUL in text; an escaped backslash before it is only a backslash.
    if not text or "\\u0000" in text.replace("\\\\", ""):
        message = f"metadata: an object of at most {_LARGEST_METADATA} bytes."
        raise Refusal(RefusalReason.INVALID, message)
    return None if text == "null" else text


def _visitor(token: str | None, organization_id: UUID) -> UUID | None:
    """Hash a session token with the organization, so that nobody is followed from one to another."""
    if not token:
        return None
    text = organization_id.bytes + token.encode("utf-8", "backslashreplace")
    return UUID(bytes=blake2b(text, digest_size=16, key=_key(settings.SECRET_KEY)).digest())


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return sha256(b"analytics.visitors:" + secret.encode()).digest()


def named(refused: Iterable[Refused], batch: Batch) -> dict[int, UUID]:
    """Return which events the refused ones name, by their place, whether there are such events or not."""
    said = batch.named | {index: event.event for index, event in batch.events if event.event is not None}
    return {one.index: said[one.index] for one in refused if one.index in said}


def reasons(refused: Iterable[Refused], batch: Batch, ours: Container[UUID]) -> list[tuple[UUID | None, str]]:
    """Return (event, reason) of what was refused, the event only where it is one of ours."""
    refused = list(refused)
    said = named(refused, batch)
    found = [(said.get(one.index), one.code) for one in refused]
    return [(event_id if event_id in ours else None, reason) for event_id, reason in found]
