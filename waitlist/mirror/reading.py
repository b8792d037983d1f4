"""Reading a position from the mirror."""

from datetime import datetime
from typing import Final
from uuid import UUID

from prometheus_client import Counter

from common.redis import guarded
from waitlist.mirror import keys
from waitlist.mirror.scripts import POSITION, script
from waitlist.mirror.types import member_of, score_of

_AWAY: Final = -2
_SOURCES = {0: "behind", -1: "wrong", _AWAY: "away"}
_READS = Counter(
    "marquee_waitlist_positions_total",
    "Positions asked for: read from the mirror, or why they had to be counted in the database.",
    ["source"],
)


def position(
    *, session_id: UUID, version: int, waiting: int, rank: int, queue_at: datetime, user_id: UUID
) -> int | None:
    """Return the position of one who waits, counted from 1; None when in doubt: count in the database then.

    One round trip. What is given was read by *one* statement: the mirror answers only for the same version,
    with this entry at this time, as many entries as wait, and nobody else at the same time. A mirror of this
    version that says otherwise is put out of use until it is rebuilt. Never raises for Redis.
    """
    read = script(POSITION)
    args: list[int | bytes] = [version, waiting, rank, member_of(user_id), score_of(queue_at)]
    found: int = guarded(lambda: read(keys=keys.to_read(session_id), args=args), lambda: _AWAY)
    _READS.labels(_SOURCES.get(found, "mirror")).inc()
    return found if found > 0 else None
