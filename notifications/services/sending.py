"""Sending what is queued: a token, an attempt that is on record, the provider, its answer."""

import logging
import time
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, TextField, Value
from django.db.models.functions import Cast, Concat

from common.db import retrying
from common.models import Job
from common.outbox import enqueue_many
from common.outbox.types import JobStatus
from notifications import mailer
from notifications.mailer import Verdict
from notifications.mailer.channel import is_resend
from notifications.mailer.resend import KEY_LIVES_HOURS
from notifications.models import (
    AttemptOutcome,
    EmailAttempt,
    EmailChannel,
    EmailMessage,
    EmailStatus,
    SuppressionReason,
)
from notifications.services import files, rates, suppression, tracking
from notifications.services.email import job_key, sending_job
from notifications.services.metrics import observe
from notifications.services.unwanted import suppress_if_unwanted

# A failed one is sent when somebody brings its job back from the dead letters.
SENDABLE = (EmailStatus.QUEUED, EmailStatus.FAILED)
PAUSE = timedelta(minutes=5)
TOO_OLD = (
    f"An earlier attempt more than {KEY_LIVES_HOURS} hours ago may have been sent, and the provider would not know it "
    "again: not repeated automatically"
)
_ORPHANED = timedelta(minutes=1)
_SWEPT_AT_ONCE = 500

log = structlog.get_logger(__name__)


def deliver(email_id: UUID, *, now: datetime) -> Verdict | None:
    """Send one e-mail and record what became of it; None when there is nothing (more) to send.

    One whose box is not written to any more ends as suppressed, however long before the bounce it was queued. Runs
    with no transaction open. Raises ``NoRoom`` when the limits or a pause forbid it now. A worker lost in the middle
    leaves an attempt that is begun for ever; the repetition says the same under the same ids.
    """
    rows = EmailMessage.objects.filter(id=email_id, status__in=SENDABLE)
    message = rows.annotate(is_held_back=suppression.standing()).first()
    if message is not None and message.is_held_back:
        suppression.hold_back(message)
        return None
    if message is None or suppress_if_unwanted(message):
        return None
    if _is_too_old_to_repeat(message, now):
        return Verdict(AttemptOutcome.FINAL, TOO_OLD)
    along = files.files_of(message.id)
    if any(one.content is None for one in along):
        return Verdict(AttemptOutcome.FINAL, files.FORGOTTEN)
    token = rates.take(message, now=now)
    time.sleep((token.begins_at - now).total_seconds())
    verdict = mailer.send(message, along)
    _record(message, token.attempt_id, verdict, now=token.begins_at)
    return verdict


def mark_failed(email_id: UUID, job_id: UUID, error: str) -> None:
    """Note that nothing more is tried by itself; what was sent stays sent."""
    EmailMessage.objects.filter(id=email_id, status__in=SENDABLE).update(
        status=EmailStatus.FAILED, last_error=error[:500], job_id=job_id
    )


def pause_of(verdict: Verdict) -> timedelta:
    """Return how long everybody waits after a trouble of the whole channel."""
    return PAUSE if verdict.retry_after is None else timedelta(seconds=verdict.retry_after)


def pause(until: datetime, reason: str, *, now: datetime) -> None:
    """Stop the channel until then, unless it is paused for longer already."""
    EmailChannel.objects.bulk_create([EmailChannel(id=1, changed_at=now)], ignore_conflicts=True)
    # One statement decides, for two workers may be told of different ends at once.
    shorter = EmailChannel.objects.filter(Q(paused_until=None) | Q(paused_until__lt=until), id=1)
    shorter.update(paused_until=until, reason=reason[:500], changed_at=now)


def resume(*, now: datetime) -> bool:
    """Let e-mail go out again; False when it was not paused."""
    paused = EmailChannel.objects.filter(id=1, paused_until__gt=now)
    return bool(paused.update(paused_until=None, reason="", changed_at=now))


def requeue_orphans(*, now: datetime) -> int:
    """Give queued e-mails that have no job (any more) a new one, and say how many those were."""
    alive = Job.objects.filter(
        dedupe_key=Concat(Value(job_key("")), Cast(OuterRef("id"), TextField())),
        status__in=[JobStatus.PENDING, JobStatus.RUNNING],
    )
    # Asked of each that waits: a campaign that waits its turn must not hide what was lost behind it.
    waiting = EmailMessage.objects.filter(status=EmailStatus.QUEUED, created_at__lt=now - _ORPHANED)
    orphans = list(waiting.filter(~Exists(alive)).order_by("created_at")[:_SWEPT_AT_ONCE])
    jobs = [
        sending_job(
            message.id, message.to, is_urgent=message.is_urgent, organization_id=message.organization_id
        )
        for message in orphans
    ]
    return enqueue_many(jobs, now=now) if jobs else 0


def _is_too_old_to_repeat(message: EmailMessage, now: datetime) -> bool:
    if not is_resend():
        return False
    doubtful = message.attempts.filter(
        outcome__in=[AttemptOutcome.BEGUN, AttemptOutcome.UNKNOWN],
        started_at__lt=now - timedelta(hours=KEY_LIVES_HOURS),
    )
    if message.released_at is not None:
        doubtful = doubtful.filter(started_at__gt=message.released_at)
    return doubtful.exists()


@retrying
@transaction.atomic
def _record(message: EmailMessage, attempt_id: UUID, verdict: Verdict, *, now: datetime) -> None:
    EmailAttempt.objects.filter(id=attempt_id).update(
        outcome=verdict.outcome, detail=verdict.detail, finished_at=now
    )
    rows = EmailMessage.objects.filter(id=message.id, status__in=SENDABLE)
    if verdict.outcome == AttemptOutcome.SENT:
        rows.update(
            status=EmailStatus.SENT,
            sent_at=now,
            provider_message_id=verdict.provider_message_id,
            last_error="",
        )
        tracking.settle(message.id)
    else:
        rows.update(last_error=verdict.detail)
    if verdict.is_box_unknown:
        suppression.suppress(message, SuppressionReason.REFUSED, verdict.detail, occurred_at=now, now=now)
    if verdict.outcome == AttemptOutcome.PAUSED:
        wait = pause_of(verdict)
        pause(now + wait, verdict.detail, now=now)
        # A full second of the provider's passes by itself; the rest may want somebody.
        level = logging.WARNING if verdict.is_rate else logging.ERROR
        log.log(level, "email_channel_paused", reason=verdict.detail, seconds=wait.total_seconds())
    observe(message, verdict.outcome, now)
