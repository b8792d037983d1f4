"""Jobs of the analytics room: each a few lines, then a service."""

from uuid import UUID

from analytics.services.reports import building
from common.outbox import JobContext, Lane, remote_job
from common.outbox.registry import Finisher

_RETRY_AFTER = (60, 300, 1800)
# Three formats of everything an event has.
_TIMEOUT = 300


def _on_dead(context: JobContext, error: str) -> None:
    building.mark_failed(UUID(context.payload["run_id"]), error, now=context.now)


@remote_job(building.JOB, lane=Lane.BULK, retry_after=_RETRY_AFTER, timeout=_TIMEOUT, on_dead=_on_dead)
def build_report(context: JobContext) -> Finisher | None:
    """Make a scheduled report; the e-mails are queued as the job ends."""
    run_id = UUID(context.payload["run_id"])
    return building.build(run_id, is_last_attempt=context.is_last_attempt, now=context.now)
