"""From rows to sockets: numbers what was committed, publishes it, and says so; one relay a part at a time.

Numbers are committed before anything is published, so a relay that was killed in between is followed by one that
publishes the same event under the same number: at least once. Redis away: rows wait for as long as they are news.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from common import statements
from notifications.realtime import emitter
from notifications.realtime.emitter import Message, NotEmitted
from notifications.realtime.legacy import older_copy
from notifications.realtime.streams import SHARDS

BATCH: Final = 500
# After so many batches a job ends, so that its lease does not; what is left is the next one's.
MOST_BATCHES: Final = 40
_LOCK: Final = 7_311_030  # advisory, for a transaction; the part is its second key

_NUMBER = """
WITH fresh AS MATERIALIZED (
    SELECT id, stream FROM notifications_realtimeevent
    WHERE state = 'new' AND shard = %s ORDER BY id LIMIT %s
), placed AS (
    SELECT id, stream, row_number() OVER (PARTITION BY stream ORDER BY id) AS place FROM fresh
), counters AS (
    INSERT INTO notifications_realtimestream AS s (stream, last_seq)
    SELECT stream, count(*) FROM fresh GROUP BY stream ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET last_seq = s.last_seq + excluded.last_seq
    RETURNING s.stream, s.last_seq
), totals AS (
    SELECT stream, count(*) AS number FROM fresh GROUP BY stream
)
UPDATE notifications_realtimeevent e
SET state = 'numbered', seq = counters.last_seq - totals.number + placed.place
FROM placed JOIN counters USING (stream) JOIN totals USING (stream)
WHERE e.id = placed.id AND e.state = 'new'
"""
_LATE = """
UPDATE notifications_realtimeevent SET state = 'late'
WHERE state = 'numbered' AND shard = %s AND not_after < %s
"""
_NUMBERED = """
SELECT id, event_id, stream, seq, event, payload::text FROM notifications_realtimeevent
WHERE state = 'numbered' AND shard = %s ORDER BY seq, id LIMIT %s
"""
_PUBLISHED = """
UPDATE notifications_realtimeevent SET state = 'published', published_at = %s
WHERE id = ANY(%s) AND state = 'numbered'
"""
_LEFT = """
SELECT DISTINCT shard FROM notifications_realtimeevent WHERE state IN ('new', 'numbered')
"""


@dataclass(frozen=True, slots=True)
class Numbered:
    """One event as it is told: its place in its stream, and what it says."""

    id: int
    event_id: UUID
    stream: str
    seq: int
    event: str
    payload: dict[str, Any]

    def envelope(self) -> dict[str, Any]:
        """Return what clients get (CONTRACT: Socket.IO): ``{event_id, stream, seq, ...payload}``."""
        return {
            "event_id": str(self.event_id),
            "stream": self.stream,
            "seq": self.seq,
            **self.payload,
        }


def relay(shard: int, *, now: datetime) -> bool:
    """Number and publish what waits in one part; False: there is more than one run may take.

    Raises ``NotEmitted`` while Redis is away: what was numbered stays so. Opens its own transactions.
    """
    for _ in range(MOST_BATCHES):
        numbered = number(shard)
        told = publish_numbered(shard, now=now)
        if numbered < BATCH and told < BATCH:
            return True
    return False


@transaction.atomic
def number(shard: int) -> int:
    """Give up to ``BATCH`` committed rows of a part their numbers, in the order of writing; return how many."""
    with statements.together():
        _lock(shard)
        cursor = statements.run(_NUMBER, [shard, BATCH])
    return int(cursor.rowcount)


def publish_numbered(shard: int, *, now: datetime) -> int:
    """Publish up to ``BATCH`` numbered rows of a part, each stream in order, and return how many.

    Rows whose time is over are left to those who read what they missed. Raises ``NotEmitted``.
    """
    failure: NotEmitted | None = None
    with transaction.atomic():
        with statements.together():
            _lock(shard)
            statements.run(_LATE, [shard, now])
            cursor = statements.run(_NUMBERED, [shard, BATCH])
        rows = [_numbered(*row) for row in cursor.fetchall()]
        if rows:
            try:
                emitter.emit_many(_messages(rows))
            except NotEmitted as error:
                failure = error  # what is late stays marked
            else:
                statements.run(_PUBLISHED, [now, [row.id for row in rows]])
    if failure is not None:
        raise failure
    return len(rows)


def shards_left() -> set[int]:
    """Return the parts in which something waits."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT)
        return {row[0] for row in cursor.fetchall()}


def _lock(shard: int) -> None:
    """Wait for the part's other relay to end; held until the transaction does."""
    if not 0 <= shard < SHARDS:
        raise ValueError(f"There is no part {shard}")
    statements.run("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, shard])


def _numbered(row_id: int, event_id: UUID, stream: str, seq: int, event: str, payload: str) -> Numbered:
    return Numbered(row_id, event_id, stream, seq, event, json.loads(payload))


def _messages(rows: Sequence[Numbered]) -> list[Message]:
    messages = []
    for row in rows:
        messages.append(Message(row.stream, row.event, row.envelope()))
        older = older_copy(row.event, row.payload) if settings.REALTIME_LEGACY_EVENTS else None
        if older is not None:
            messages.append(Message(row.stream, *older))
    return messages
