"""The names of the keys in Redis. All of an event share a hash tag, so that a cluster keeps them together."""

from datetime import date
from uuid import UUID


def book(event_id: UUID) -> bytes:
    """Return an event's book: ``version`` of its ads, ``epoch`` of its caps, and per ad what was billed and is open."""
    return b"ads:{%s}:book" % event_id.hex.encode()


def caps(event_id: UUID, epoch: bytes, day: date, viewer: UUID) -> bytes:
    """Return what one viewer saw on one day of the event: per ad, what was counted and what is open."""
    return b"ads:{%s}:caps:%s:%s:%s" % (
        event_id.hex.encode(), epoch, day.isoformat().encode(), viewer.hex.encode(),
    )  # fmt: skip
