"""Working a stored webhook once more, by a person's wish."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from common.audit.services import record
from common.db import retrying
from common.errors import Conflict, NotFound
from common.inbox.models import InboxEvent, InboxStatus
from common.inbox.store import run_again
from common.outbox import dead_letters, wake
from common.outbox.models import Job
from common.outbox.types import JobStatus, Lane
from common.types import Actor


@retrying
def replay(event_id: UUID, *, actor: Actor, reason: str, now: datetime) -> None:
    """Have an event worked again for real, whatever it came to: its job runs anew, due now.

    A dead job is retried, one that waits for its next attempt is due now, any other gets a successor. Raises
    ``NotFound``, ``Invalid`` without a reason, ``Conflict`` for an event that was not worked yet or is at work,
    and for a quarantined one, which only people may settle.
    """
    reason = dead_letters.given(reason)
    with transaction.atomic():
        event = InboxEvent.objects.defer("body").select_for_update(no_key=True).filter(pk=event_id).first()
        if event is None:
            raise NotFound("There is no such event")
        if event.status == InboxStatus.QUARANTINED:
            raise Conflict("A quarantined event is not worked again: settle it by hand.")
        job = Job.objects.select_for_update().filter(pk=event.job_id).first()
        before = event.status
        _run_job(event, job, actor, reason, now)
        record(
            actor=actor,
            action="common.replay_webhook",
            subject=event,
            organization_id=None,
            reason=reason,
            changes={"status": [before, InboxStatus.RECEIVED.value]},
            now=now,
        )


def _run_job(event: InboxEvent, job: Job | None, actor: Actor, reason: str, now: datetime) -> None:
    status = None if job is None else job.status
    if job is not None and status == JobStatus.DEAD:
        [answer] = dead_letters.retry([job.pk], actor=actor, reason=reason, now=now)
        if not answer.is_done:
            raise Conflict(answer.message)
    elif job is not None and status == JobStatus.PENDING and job.attempts:
        Job.objects.filter(pk=job.pk).update(run_at=now)
        wake.on_commit([Lane(job.lane)])
    elif status in {JobStatus.PENDING, JobStatus.RUNNING} or run_again(event, now=now) is None:
        raise Conflict("It waits for its turn or is at work: nothing to replay yet.")
