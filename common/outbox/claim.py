"""Taking jobs: ``FOR UPDATE SKIP LOCKED`` and a lease, one statement a claim.

The attempt is counted here and committed before the work begins, so a job that kills its worker cannot do so
for ever. Every read goes through a partial index, so what is done costs nothing however much it is.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from common.outbox.failures import KEPT_ERRORS
from common.outbox.registry import Condition, Pool
from common.outbox.types import NO_ORGANIZATION, Lane

LOCAL_BATCH = 20
# On top of the time-out: for the claim, the finish and a slow machine. What a lost worker held shall be worked two
# minutes later.
LEASE_MARGIN = timedelta(seconds=15)
# What takes longer has its lease prolonged while it runs (`heartbeat`).
LONGEST_LEASE = timedelta(seconds=90)

_COLUMNS = """j.id, j.kind, j.payload::text, j.attempts, j.max_attempts, j.claim, j.organization_id, j.trace_id,
    j.not_after, j.run_at"""

_TAKE = f"""
UPDATE common_job j
SET status = 'running', attempts = j.attempts + 1, claim = j.claim + 1, alone = %s, lease_until = %s
FROM picked WHERE j.id = picked.id
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants

_IN_ORDER = """
WITH picked AS MATERIALIZED (
    SELECT j.id FROM common_job j
    WHERE j.status = 'pending' AND j.lane = %s AND j.pool = %s AND j.run_at <= %s AND {condition}
    ORDER BY j.run_at, j.id LIMIT %s FOR UPDATE SKIP LOCKED
)
"""

_TURN = f"coalesce(j.organization_id, '{NO_ORGANIZATION}'::uuid)"

# The next organizations that have something due, found by stepping through the index (not by reading all that
# waits), then an equal share of each.
_IN_TURNS = f"""
WITH RECURSIVE turns AS (
    (SELECT {_TURN} AS turn, 1 AS place FROM common_job j
     WHERE j.status = 'pending' AND j.lane = 'bulk' AND j.pool = %s AND {_TURN} > %s
       AND j.run_at <= %s AND {{condition}}
     ORDER BY {_TURN} LIMIT 1)
    UNION ALL
    SELECT (SELECT {_TURN} FROM common_job j
            WHERE j.status = 'pending' AND j.lane = 'bulk' AND j.pool = %s AND {_TURN} > t.turn
              AND j.run_at <= %s AND {{condition}}
            ORDER BY {_TURN} LIMIT 1), t.place + 1
    FROM turns t WHERE t.turn IS NOT NULL AND t.place < %s
), share AS (
    SELECT greatest(1, %s / greatest(1, count(turn))) AS jobs FROM turns
), picked AS MATERIALIZED (
    SELECT mine.id FROM turns t CROSS JOIN LATERAL (
        SELECT j.id FROM common_job j
        WHERE j.status = 'pending' AND j.lane = 'bulk' AND j.pool = %s AND {_TURN} = t.turn
          AND j.run_at <= %s AND {{condition}}
        ORDER BY j.run_at, j.id LIMIT (SELECT jobs FROM share) FOR UPDATE SKIP LOCKED
    ) mine
)
"""  # noqa: S608 - constants

# A lease ran out: the worker was lost. A job that had been claimed together with others may be innocent, so that
# attempt is forgiven; from now on it is claimed alone, and alone it counts.
_RECLAIM = f"""
WITH picked AS MATERIALIZED (
    SELECT id FROM common_job
    WHERE status = 'running' AND lane = %s AND lease_until < %s
    ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE common_job j
SET claim = j.claim + 1, attempts = j.attempts + j.alone::int, alone = true, lease_until = %s,
    errors = CASE WHEN jsonb_array_length(j.errors) >= {KEPT_ERRORS} THEN j.errors - 0 ELSE j.errors END
        || jsonb_build_array(%s::jsonb || jsonb_build_object('attempt', j.attempts))
FROM picked WHERE j.id = picked.id
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants

_RENEW = """
UPDATE common_job SET lease_until = %s
FROM unnest(%s::uuid[], %s::int[]) AS mine (id, claim)
WHERE common_job.id = mine.id AND common_job.claim = mine.claim AND status = 'running'
RETURNING common_job.id
"""

_RELEASE = """
UPDATE common_job SET status = 'pending', attempts = attempts - 1, lease_until = NULL
FROM unnest(%s::uuid[], %s::int[]) AS mine (id, claim)
WHERE common_job.id = mine.id AND common_job.claim = mine.claim AND status = 'running'
"""

WORKER_LOST = "WorkerLost: the worker ended, or was too slow, while it ran this job"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this worker holds until its lease runs out; ``claim`` is what proves it."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    attempts: int
    max_attempts: int
    claim: int
    organization_id: UUID | None
    trace_id: str
    not_after: datetime | None
    run_at: datetime


class Turns:
    """Remembers, a process, which organization was served last in each pool of the bulk lane."""

    def __init__(self) -> None:
        self._last: dict[str, UUID] = {}

    def after(self, pool: str) -> UUID:
        """Return the organization after which to go on; a process starts anywhere, so that all are equal."""
        return self._last.setdefault(pool, uuid4())

    def served(self, pool: str, last: UUID) -> None:
        """Go on after this organization next time."""
        self._last[pool] = last


START = UUID(int=0)
turns = Turns()


def lease_for(pool: Pool, now: datetime) -> datetime:
    """Return when a claim made now runs out: later than the pool's longest time-out, or than the longest lease."""
    return now + min(timedelta(seconds=pool.longest_timeout), LONGEST_LEASE) + LEASE_MARGIN


def claim(lane: Lane, pool: Pool, now: datetime, want: int) -> list[Claimed]:
    """Take up to ``want`` due jobs (1 if they are remote), oldest first; in the bulk lane organizations take turns."""
    wanted = min(want, 1 if pool.is_remote else LOCAL_BATCH)
    condition: Condition | None = None
    if pool.gate is not None:
        wanted = min(wanted, pool.gate.available(now, wanted))
        condition = pool.gate.condition(now) if pool.gate.condition is not None else None
    if wanted <= 0:
        return []
    condition = condition or Condition("true")
    if lane == Lane.BULK:
        return _claim_in_turns(pool, now, wanted, condition)
    params = [lane.value, pool.name, now, *condition.params, wanted, pool.is_remote, lease_for(pool, now)]
    return _take(_IN_ORDER.format(condition=condition.sql) + _TAKE, params)


def reclaim(lane: Lane, now: datetime, lease_until: datetime) -> Claimed | None:
    """Take over one job whose worker was lost; its attempts may now be more than it has."""
    entry = json.dumps({"at": now.isoformat(), "error": WORKER_LOST})
    taken = _take(_RECLAIM, [lane.value, now, lease_until, entry])
    return taken[0] if taken else None


def renew(jobs: Collection[Claimed], lease_until: datetime) -> set[UUID]:
    """Prolong the leases and return which jobs are still held."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [lease_until, [job.id for job in jobs], [job.claim for job in jobs]])
        return {row[0] for row in cursor.fetchall()}


def release(jobs: Collection[Claimed]) -> None:
    """Give jobs back that were claimed and not begun; it was no attempt."""
    if jobs:
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, [[job.id for job in jobs], [job.claim for job in jobs]])


def _claim_in_turns(pool: Pool, now: datetime, wanted: int, condition: Condition) -> list[Claimed]:
    for after in (turns.after(pool.name), START):
        taken = _take(
            _IN_TURNS.format(condition=condition.sql) + _TAKE,
            _turn_params(pool, now, wanted, condition, after),
        )
        if taken:
            turns.served(pool.name, max(job.organization_id or NO_ORGANIZATION for job in taken))
            return taken[:wanted]
    return []


def _turn_params(pool: Pool, now: datetime, wanted: int, condition: Condition, after: UUID) -> list[object]:
    more = condition.params
    return [
        *(pool.name, after, now, *more),
        *(pool.name, now, *more, wanted),
        wanted,
        *(pool.name, now, *more),
        *(pool.is_remote, lease_for(pool, now)),
    ]


def _take(sql: str, params: Sequence[Any]) -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    jobs = [Claimed(row[0], row[1], json.loads(row[2]), *row[3:]) for row in rows]
    return sorted(jobs, key=lambda job: (job.run_at, job.id))
