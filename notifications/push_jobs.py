"""Jobs of the push channel."""

from functools import partial
from uuid import UUID

from common.outbox import Gate, GiveUp, JobContext, Lane, Postpone, job, remote_job
from notifications.pushing.types import Outcome
from notifications.services.push import campaigns, limits, recording, sending
from notifications.services.push.queueing import BULK_KIND, URGENT_KIND
from notifications.services.rates import NoRoom

# As e-mail's, in seconds (REQ NO-04).
RETRY_AFTER = (1, 5, 30, 300, 1800)
# A token of the service account and the call, each with tries and time-outs of their own.
TIMEOUT = 90


class NotSent(Exception):
    """The provider did not take it this time."""


def _on_dead(job: JobContext, error: str) -> None:
    recording.mark_failed(UUID(job.payload["delivery_id"]), error, job_id=job.id)


def _on_expired(job: JobContext) -> None:
    recording.mark_failed(UUID(job.payload["delivery_id"]), sending.TOO_LATE, job_id=None)


_terms = partial(
    remote_job, retry_after=RETRY_AFTER, timeout=TIMEOUT, on_dead=_on_dead, on_expired=_on_expired
)


@_terms(BULK_KIND, lane=Lane.BULK, gate=Gate("push_bulk", limits.available, limits.open_ones))
@_terms(URGENT_KIND, lane=Lane.URGENT_MAIL, gate=Gate("push_urgent", limits.available, limits.open_ones))
def send_push(job: JobContext) -> None:
    """Send one message to one device; a pause, quiet hours, a full hour are no attempt; a refusal ends it."""
    try:
        verdict = sending.deliver(
            UUID(job.payload["delivery_id"]), is_last_attempt=job.is_last_attempt, now=job.now
        )
    except NoRoom as full:
        raise Postpone(full.seconds, full.reason) from full
    if verdict is None or verdict.outcome in (Outcome.SENT, Outcome.GONE):
        return
    if verdict.outcome in (Outcome.REFUSED, Outcome.OFF_LIST):
        raise GiveUp(verdict.detail)
    if verdict.outcome in (Outcome.PAUSED, Outcome.DOUBTED):
        raise Postpone(recording.pause_of(verdict).total_seconds(), verdict.detail)
    raise NotSent(verdict.detail)


@job(campaigns.WRITE_KIND, lane=Lane.BULK)
def write_push_campaign(job: JobContext) -> None:
    """Write the messages of the next people of a campaign; while enough of them wait, it waits too."""
    try:
        campaigns.write_batch(UUID(job.payload["campaign_id"]), now=job.now)
    except NoRoom as full:
        raise Postpone(full.seconds, full.reason) from full
