"""Writing jobs: inside the caller's transaction, one statement however many there are."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from common import statements
from common.facts import Fact
from common.outbox import wake
from common.outbox.ids import new_id
from common.outbox.registry import Kind, registry
from common.outbox.types import NewJob
from common.requests import current_request_id


# A key that is still pending or running takes no second job. A job in the middle of its work is told to run
# again, since it may have read the state before this transaction changed it. One that waits is locked all the same
# (PostgreSQL: INSERT, "all rows will be locked"), so it cannot begin before this transaction is visible.
def insertion(condition: str) -> str:
    """Return the statement that writes jobs where a condition holds; ``values_of`` gives its parameters.

    A service that must save round trips puts it into the one statement that writes its own rows.
    """
    return f"""
INSERT INTO common_job (id, kind, lane, pool, payload, dedupe_key, status, run_at, not_after, attempts,
    max_attempts, claim, alone, again, errors, error_group, note, trace_id, organization_id, created_at)
SELECT new.id, new.kind, new.lane, new.pool, new.payload, new.dedupe_key, 'pending', new.run_at,
    new.not_after, 0, new.max_attempts, 0, false, false, '[]', '', '', %(jobs_trace_id)s, new.organization_id,
    %(jobs_created_at)s
FROM json_to_recordset(%(jobs)s::json) AS new (id uuid, kind text, lane text, pool text, payload jsonb,
    dedupe_key text, run_at timestamptz, not_after timestamptz, max_attempts int, organization_id uuid)
WHERE {condition}
ORDER BY new.dedupe_key, new.id
ON CONFLICT (dedupe_key) WHERE status IN ('pending', 'running') AND dedupe_key IS NOT NULL
DO UPDATE SET again = true WHERE common_job.status = 'running'
RETURNING id, (xmax = 0) AS is_new
"""  # noqa: S608 - constants


_json = DjangoJSONEncoder(allow_nan=False).encode
_INSERT = insertion("true")


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
    _send(jobs_of(fact, organization_id=organization_id), now)


def jobs_of(fact: Fact, *, organization_id: UUID | None = None) -> list[NewJob]:
    """Return the job of each handler of the fact."""
    handlers = registry.handlers_of(type(fact))
    if not handlers:
        return []
    payload = fact.payload()
    return [NewJob(kind.name, payload, organization_id=organization_id) for kind in handlers]


def values_of(jobs: Sequence[NewJob], *, now: datetime) -> dict[str, object]:
    """Return the parameters of ``insertion``. Raises ``UnknownKind``, and ``TypeError`` for what is no JSON.

    The caller wakes the workers: ``wake_for``.
    """
    rows = [_row(registry.get(job.kind), job, now) for job in _one_a_key(jobs)]
    return {"jobs": _json(rows), "jobs_trace_id": current_request_id(), "jobs_created_at": now}


def wake_for(jobs: Sequence[NewJob], *, now: datetime) -> None:
    """Wake the workers of the lanes of jobs that are due, when the transaction commits."""
    wake.on_commit({registry.get(job.kind).lane for job in jobs if job.run_at is None or job.run_at <= now})


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
    return _json(payload)


def _insert(jobs: Sequence[NewJob], now: datetime) -> list[UUID]:
    cursor = _send(jobs, now)
    return [] if cursor is None else [row[0] for row in cursor.fetchall() if row[1]]


def _send(jobs: Sequence[NewJob], now: datetime) -> statements.Rows | None:
    if not jobs:
        return None
    cursor = statements.run(_INSERT, values_of(jobs, now=now))
    wake_for(jobs, now=now)
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


def _row(kind: Kind, job: NewJob, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "kind": kind.name,
        "lane": kind.lane.value,
        "pool": kind.pool,
        "payload": job.payload,
        "dedupe_key": job.dedupe_key,
        # The encoder would cut times to milliseconds.
        "run_at": (job.run_at or now).isoformat(),
        "not_after": None if job.not_after is None else job.not_after.isoformat(),
        "max_attempts": kind.max_attempts,
        "organization_id": job.organization_id,
    }
