"""What is told to the mirror, and what it answers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

# More than this in one act: the queue is written anew, which holds Redis up for less long at a time.
LARGEST_DELTA: Final = 1_000
# The kind of job that rebuilds one session's mirror.
REBUILD: Final = "waitlist.rebuild_mirror"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class MirrorAway(Exception):
    """Redis does not answer, so nothing can be said about the mirror."""


@dataclass(frozen=True, slots=True)
class Put:
    """Somebody waits in this rank from this time on: new there, or moved within it."""

    rank: int
    user_id: UUID
    queue_at: datetime


@dataclass(frozen=True, slots=True)
class Drop:
    """Somebody waits in this rank no more."""

    rank: int
    user_id: UUID


Change = Put | Drop


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A mirror that was written anew: how many entries it has, and how many were missing, foreign or elsewhere."""

    session_id: UUID
    entries: int
    drift: int


def score_of(queue_at: datetime) -> int:
    """Return the score: whole microseconds since 1970, which a double holds exactly until the year 2255."""
    return (queue_at - _EPOCH) // _MICROSECOND


def member_of(user_id: UUID) -> bytes:
    """Return the member: the user's id as text."""
    return str(user_id).encode()
