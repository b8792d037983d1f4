"""What staff do to e-mails; each act is audited."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from common import audit, outbox
from common.db import retrying
from common.errors import Forbidden
from common.models import Job
from common.outbox import dead_letters
from common.outbox.dead_letters import LONGEST_REASON
from common.outbox.types import JobStatus
from common.types import Actor
from notifications.errors import BoxSuppressed, EmailUnwanted, NotCancellable, NotResendable
from notifications.models import EmailChannel, EmailMessage, EmailStatus
from notifications.services import sending, suppression, unwanted
from notifications.services.email import job_key, sending_job


@retrying
@transaction.atomic
def cancel(email_id: UUID, *, actor: Actor, reason: str, now: datetime) -> EmailMessage:
    """Take a queued e-mail back.

    Raises ``NotCancellable`` when it is not waiting (it may be on its way), and what ``access.require`` raises.
    """
    message = _locked(email_id, actor)
    # Only a job that nobody works on can be taken away: what a worker holds may be sent already.
    if message.status != EmailStatus.QUEUED or not outbox.cancel(job_key(message.id)):
        raise NotCancellable
    message.status = EmailStatus.CANCELLED
    message.save(update_fields=["status"])
    _audit("notifications.cancel_email", message, EmailStatus.QUEUED, actor, reason, now)
    return message


@retrying
@transaction.atomic
def send_again(email_id: UUID, *, actor: Actor, reason: str, now: datetime) -> EmailMessage:
    """Try a failed or suppressed e-mail again, with all its attempts; raises ``NotResendable`` for any other.

    Its dead job comes back, so the dead letters keep nothing of what goes out. It goes out under the same
    ``Message-ID``. The person who asks accepts that an earlier attempt, whose end is not known, may have reached the
    recipient. Raises ``BoxSuppressed`` while its address is not written to, ``EmailUnwanted`` while its person does
    without such messages, and what ``access.require`` raises.
    """
    message = _locked(email_id, actor)
    before = EmailStatus(message.status)
    if before not in (EmailStatus.FAILED, EmailStatus.SUPPRESSED):
        raise NotResendable
    if EmailMessage.objects.filter(suppression.standing(), id=message.id).exists():
        raise BoxSuppressed
    choice = unwanted.choice_of(message.template, message.user_id)
    if choice in unwanted.unwanted_of([choice]):
        raise EmailUnwanted
    message.status = EmailStatus.QUEUED
    message.released_at = now
    message.save(update_fields=["status", "released_at"])
    _give_a_job(message, actor=actor, reason=reason, now=now)
    _audit("notifications.send_email_again", message, before, actor, reason, now)
    return message


@retrying
@transaction.atomic
def resume_channel(*, actor: Actor, reason: str, now: datetime) -> bool:
    """Let e-mail go out again before the pause ends by itself; False, and no entry, when it was not paused.

    The channel is everybody's: raises ``Forbidden`` for all but superusers.
    """
    if not access.may_do_all(actor):
        raise Forbidden
    channel = EmailChannel.objects.select_for_update().filter(paused_until__gt=now).first()
    if channel is None:
        return False
    sending.resume(now=now)
    audit.record(
        actor=actor,
        action="notifications.resume_email",
        subject=channel,
        organization_id=None,
        reason=reason,
        changes={"paused_until": [str(channel.paused_until), None]},
        now=now,
    )
    return True


def _locked(email_id: UUID, actor: Actor) -> EmailMessage:
    """Lock an e-mail that the actor may act on; those of no organization are the operators'."""
    message = EmailMessage.objects.select_for_update().filter(id=email_id).first()
    if message is None or (message.organization_id is None and not access.may_do_all(actor)):
        access.refuse_missing(actor)
    if message.organization_id is not None:
        access.require(actor, message.organization_id, Capability.MANAGE_EVENTS)
    return message


def _give_a_job(message: EmailMessage, *, actor: Actor, reason: str, now: datetime) -> None:
    """Bring the dead job back, so that nothing stays dead that goes out; a new one where none died."""
    dead = Job.objects.filter(dedupe_key=job_key(message.id), status=JobStatus.DEAD)
    jobs = list(dead.order_by("-finished_at", "-id").values_list("pk", flat=True))
    why = reason[:LONGEST_REASON] or "The e-mail is sent again"
    brought_back = dead_letters.retry(jobs[:1], actor=actor, reason=why, now=now)
    if not any(one.is_done for one in brought_back):
        job = sending_job(
            message.id, message.to, is_urgent=message.is_urgent, organization_id=message.organization_id
        )
        outbox.enqueue_many([job], now=now)
    left = jobs[len(brought_back) :] if brought_back and brought_back[0].is_done else jobs
    if left:
        dead_letters.discard(left, actor=actor, reason=why, now=now)


def _audit(
    action: str, message: EmailMessage, before: EmailStatus, actor: Actor, reason: str, now: datetime
) -> None:
    audit.record(
        actor=actor,
        action=action,
        subject=message,
        organization_id=message.organization_id,
        reason=reason,
        changes={"status": [before.value, message.status]},
        now=now,
    )
