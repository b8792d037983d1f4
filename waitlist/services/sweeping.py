"""The nets under the waitlist's own jobs: what is over, and seats that are free, whatever was missed."""

from datetime import datetime
from uuid import UUID

from common.outbox import NewJob, enqueue_many
from events.models import Session
from waitlist.services import names
from waitlist.services.expiring import due_sessions
from waitlist.services.filling import sessions_with_room

# One statement's worth; the next run takes the rest.
_AT_ONCE = 1000


def sweep_due(*, now: datetime) -> int:
    """Have what is over closed, one job for each session, and return how many are new."""
    return _enqueue(names.EXPIRE, due_sessions(now=now)[:_AT_ONCE], now)


def sweep_free(*, now: datetime) -> int:
    """Have sessions with free seats and people waiting filled, and return how many jobs are new."""
    return _enqueue(names.FILL, sessions_with_room(now=now)[:_AT_ONCE], now)


def _enqueue(kind: str, session_ids: object, now: datetime) -> int:
    ids: list[UUID] = list(session_ids)  # type: ignore[call-overload]
    organizations = dict(Session.objects.filter(pk__in=ids).values_list("pk", "event__organization_id"))
    jobs = [
        NewJob(
            kind,
            {"session_id": str(session_id)},
            dedupe_key=f"{kind}:sweep:{session_id}",
            organization_id=organization_id,
        )
        for session_id, organization_id in organizations.items()
    ]
    return enqueue_many(jobs, now=now) if jobs else 0
