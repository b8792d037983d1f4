"""Writing jobs: inside the caller's transaction, one statement however many there are."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.backends.utils import CursorWrapper

from common import statements
from common.facts import Fact
from common.outbox import wake
from common.outbox.ids import new_id
from common.outbox.registry import Kind, registry
from common.outbox.types import Lane, NewJob
from common.requests import current_request_id

# A key that is still pending or running takes no second job. The row is touched all the same: a job in the
# middle of its work is told to run again, since it may have read the state before this transaction changed it,
# and one that waits cannot begin before this transaction is visible.
_INSERT = """
INSERT INTO common_job (id, kind, lane, pool, payload, dedupe_key, status, run_at, not_after, attempts,
    max_attempts, claim, alone, again, errors, error_group, note, trace_id, organization_id, created_at)
SELECT new.id, new.kind, new.lane, new.pool, new.payload::jsonb, new.dedupe_key, 'pending', new.run_at,
    new.not_after, 0, new.max_attempts, 0, false, false, '[]', '', '', %s, new.organization_id, %s
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::int[], %s::uuid[])
    AS new (id, kind, lane, pool, payload, dedupe_key, run_at, not_after, max_attempts, organization_id)
ORDER BY new.dedupe_key, new.id
ON CONFLICT (dedupe_key) WHERE status IN ('pending', 'running') AND dedupe_key IS NOT NULL
DO UPDATE SET again = (common_job.status = 'running')
RETURNING id, (xmax = 0) AS is_new
"""


def enqueue(
    kind: str,
    payload: Mapping[str, object],
    *,
    now: datetime,
    run_at: datetime | None = None,
    dedupe_key: str | None = None,
    not_after: datetime | None = None,
    organization_id: UUID | None = None,
) -> UUID | None:
    """Write one job in the caller's transaction and return its id.

    None: a job with this ``dedupe_key`` is still pending or running. If it is running it will run once more,
    as it may have looked before this transaction. The payload is kept as JSON (UUIDs, dates and decimals as
    text). Raises ``UnknownKind``.
    """
    added = _insert([NewJob(kind, payload, run_at, dedupe_key, not_after, organization_id)], now)
    return added[0] if added else None


def enqueue_many(jobs: Sequence[NewJob], *, now: datetime) -> int:
    """Write many jobs by one statement and return how many are new; see ``enqueue``."""
    return len(_insert(jobs, now))


def post(jobs: Sequence[NewJob], *, now: datetime) -> None:
    """Write many jobs as ``enqueue_many`` does, without waiting for how many are new."""
    _send(jobs, now)


def publish(fact: Fact, *, now: datetime, organization_id: UUID | None = None) -> None:
    """Write one job for each handler of the fact, by one statement; no handler: nothing is written."""
    handlers = registry.handlers_of(type(fact))
    if handlers:
        payload = fact.payload()
        _insert([NewJob(kind.name, payload, organization_id=organization_id) for kind in handlers], now)


def reschedule(dedupe_key: str, *, run_at: datetime) -> bool:
    """Move a pending job to another time; False when none with this key is pending."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE common_job SET run_at = %s WHERE dedupe_key = %s AND status = 'pending' RETURNING lane",
            [run_at, dedupe_key],
        )
        return cursor.fetchone() is not None


def cancel(dedupe_key: str) -> bool:
    """Remove a pending job; False when none with this key is pending (it may be running)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM common_job WHERE dedupe_key = %s AND status = 'pending'",
            [dedupe_key],
        )
        return bool(cursor.rowcount)


def encode(payload: Mapping[str, object]) -> str:
    """Return the payload as the JSON text that is stored; a value that JSON cannot say is a ``TypeError``."""
    return json.dumps(payload, cls=DjangoJSONEncoder, allow_nan=False)


def _insert(jobs: Sequence[NewJob], now: datetime) -> list[UUID]:
    cursor = _send(jobs, now)
    return [] if cursor is None else [row[0] for row in cursor.fetchall() if row[1]]


def _send(jobs: Sequence[NewJob], now: datetime) -> CursorWrapper | None:
    rows = [(registry.get(job.kind), job) for job in _one_a_key(jobs)]
    if not rows:
        return None
    cursor = statements.run(_INSERT, [current_request_id(), now, *_columns(rows, now)])
    wake.on_commit(_lanes_due(rows, now))
    return cursor


def _one_a_key(jobs: Iterable[NewJob]) -> list[NewJob]:
    """Keep the first job of each dedupe key: one statement may not touch a row twice."""
    seen: set[str] = set()
    kept = []
    for job in jobs:
        if job.dedupe_key is not None:
            if job.dedupe_key in seen:
                continue
            seen.add(job.dedupe_key)
        kept.append(job)
    return kept


def _columns(rows: Sequence[tuple[Kind, NewJob]], now: datetime) -> list[list[object]]:
    return [
        [new_id() for _ in rows],
        [kind.name for kind, _ in rows],
        [kind.lane.value for kind, _ in rows],
        [kind.pool for kind, _ in rows],
        [encode(job.payload) for _, job in rows],
        [job.dedupe_key for _, job in rows],
        [job.run_at or now for _, job in rows],
        [job.not_after for _, job in rows],
        [kind.max_attempts for kind, _ in rows],
        [job.organization_id for _, job in rows],
    ]


def _lanes_due(rows: Sequence[tuple[Kind, NewJob]], now: datetime) -> set[Lane]:
    return {kind.lane for kind, job in rows if job.run_at is None or job.run_at <= now}
