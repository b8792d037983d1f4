"""Jobs as the queue leaves them: ``make_dead(error="boom")``."""

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from common.outbox.failures import fingerprint
from common.outbox.models import Job

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def make_dead(
    *,
    kind: str = "test.job",
    error: str = "ValueError: boom",
    organization_id: UUID | None = None,
    at: datetime = NOW,
    **fields: Any,
) -> Job:
    """Write a job that died of ``error`` at ``at`` after its three attempts."""
    history = [{"at": at.isoformat(), "attempt": attempt, "error": error} for attempt in (1, 2, 3)]
    defaults: dict[str, Any] = {
        "lane": "money",
        "pool": "local",
        "payload": {"n": next(_numbers)},
        "status": "dead",
        "run_at": at,
        "attempts": 3,
        "max_attempts": 3,
        "claim": 3,
        "errors": history,
        "error_group": fingerprint(kind, error),
        "trace_id": "trace-1",
        "created_at": at,
        "finished_at": at,
    }
    return Job.objects.create(kind=kind, organization_id=organization_id, **(defaults | fields))
