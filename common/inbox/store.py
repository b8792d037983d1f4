"""Storing a verified event once, with the job that will work it: one statement when it is new."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from common import statements
from common.errors import NotFound
from common.inbox.models import InboxEvent, InboxStatus
from common.outbox import wake
from common.outbox.ids import new_id
from common.outbox.queue import encode, enqueue
from common.outbox.registry import registry
from common.outbox.types import Lane
from common.requests import current_request_id

Params = dict[str, Any]
# What an event may have come to; its job does not run again by itself.
VERDICTS = frozenset({InboxStatus.DONE, InboxStatus.IGNORED, InboxStatus.QUARANTINED})

_STORE = """
WITH event AS (
    INSERT INTO common_inboxevent (id, provider, account, livemode, event_id, event_type, api_version, body,
        status, note, job_id, job_kind, lane, deliveries, trace_id, received_at)
    VALUES (%(id)s, %(provider)s, %(account)s, %(livemode)s, %(event_id)s, %(event_type)s, %(api_version)s,
        %(body)s, 'received', '', %(job_id)s, %(job_kind)s, %(lane)s, 1, %(trace_id)s, %(now)s)
    ON CONFLICT (provider, account, livemode, event_id) DO NOTHING
    RETURNING id
)
INSERT INTO common_job (id, kind, lane, pool, payload, status, run_at, attempts, max_attempts, claim, alone,
    again, errors, error_group, note, trace_id, created_at)
SELECT %(job_id)s, %(job_kind)s, %(lane)s, %(pool)s, %(payload)s::jsonb, 'pending', %(now)s, 0,
    %(max_attempts)s, 0, false, false, '[]', '', '', %(trace_id)s, %(now)s
FROM event
RETURNING id
"""

# An event that is not done has its job woken. One that runs is left alone, one that staff discarded too.
_DELIVERED_AGAIN = """
WITH event AS (
    UPDATE common_inboxevent SET deliveries = deliveries + 1,
        status = CASE WHEN status = 'dead' THEN 'received' ELSE status END
    WHERE provider = %(provider)s AND account = %(account)s AND livemode = %(livemode)s
        AND event_id = %(event_id)s
    RETURNING id, status, job_id
), job AS (
    SELECT j.id, j.status FROM common_job j JOIN event ON j.id = event.job_id
), woken AS (
    UPDATE common_job j SET status = 'pending', run_at = least(j.run_at, %(now)s), finished_at = NULL,
        attempts = CASE WHEN j.status = 'pending' THEN j.attempts ELSE 0 END, error_group = ''
    FROM event
    WHERE j.id = event.job_id AND event.status NOT IN ('done', 'ignored', 'quarantined')
        AND j.status IN ('pending', 'dead', 'done', 'expired')
    RETURNING j.lane
)
SELECT event.id, event.status, (SELECT lane FROM woken), (SELECT status FROM job) FROM event
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a delivery: the stored event, whether it is new, and where it stands."""

    id: UUID
    is_new: bool
    status: InboxStatus


def accept(
    *,
    provider: str,
    account: str = "",
    livemode: bool,
    event_id: str,
    event_type: str,
    api_version: str,
    body: bytes,
    job_kind: str,
    lane: Lane,
    now: datetime,
) -> Accepted:
    """Store a verified event and its job durably, once for (provider, account, livemode, event id).

    One statement when it is new, at most three when it is a duplicate. A duplicate of an event that is done,
    ignored or quarantined changes nothing but the count of deliveries; of any other it wakes the job again
    (a dead one starts afresh). The job's payload is ``{"inbox_id": ...}``. Raises ``UnknownKind``.
    """
    kind = registry.get(job_kind)
    inbox_id, job_id = new_id(), new_id()
    params: Params = {
        "id": inbox_id,
        "provider": provider,
        "account": account,
        "livemode": livemode,
        "event_id": event_id,
        "event_type": event_type,
        "api_version": api_version,
        "body": body,
        "job_id": job_id,
        "job_kind": kind.name,
        "lane": lane.value,
        "pool": kind.pool,
        "payload": encode({"inbox_id": inbox_id}),
        "max_attempts": kind.max_attempts,
        "trace_id": current_request_id(),
        "now": now,
    }
    if statements.run(_STORE, params).fetchone() is not None:
        wake.on_commit([lane])
        return Accepted(inbox_id, True, InboxStatus.RECEIVED)
    return _delivered_again(params, lane, now)


def mark(inbox_id: UUID, status: InboxStatus, note: str = "", *, now: datetime) -> None:
    """Say where the event stands, in the transaction that made it so. ``NotFound`` when there is none."""
    changed = InboxEvent.objects.filter(pk=inbox_id).update(
        status=status, note=note[:500], finished_at=now if _is_final(status) else None
    )
    if not changed:
        raise NotFound("There is no such event")


def run_again(event: InboxEvent, *, now: datetime) -> UUID | None:
    """Give an event a new job, whatever became of its last one; None when one is still pending or running."""
    job_id = enqueue(event.job_kind, {"inbox_id": event.pk}, now=now, dedupe_key=f"inbox:{event.pk}:again")
    if job_id is not None:
        event.job_id = job_id
        event.status = InboxStatus.RECEIVED
        event.finished_at = None
        event.save(update_fields=["job_id", "status", "finished_at"])
    return job_id


def jobs_retried(job_ids: Collection[UUID]) -> None:
    """Show the events of these jobs, if they have any, as received again: their jobs wait anew."""
    InboxEvent.objects.filter(job_id__in=job_ids).exclude(status__in=VERDICTS).update(
        status=InboxStatus.RECEIVED, finished_at=None
    )


def jobs_discarded(job_ids: Collection[UUID], reason: str, *, now: datetime) -> None:
    """Show the events of these jobs as ignored, so that a further delivery does not work them either."""
    InboxEvent.objects.filter(job_id__in=job_ids).exclude(status__in=VERDICTS).update(
        status=InboxStatus.IGNORED, note=f"Discarded: {reason}"[:500], finished_at=now
    )


def _delivered_again(params: Params, lane: Lane, now: datetime) -> Accepted:
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERED_AGAIN, params)
        found, status, woken_lane, job_status = cursor.fetchone()
    accepted = Accepted(found, False, InboxStatus(status))
    if woken_lane is not None:
        wake.on_commit([lane])
    elif job_status is None and not _is_final(accepted.status):
        run_again(InboxEvent.objects.get(pk=found), now=now)
    return accepted


def _is_final(status: InboxStatus) -> bool:
    return status in VERDICTS
