"""What staff do to e-mails; each act is audited."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from common import audit, outbox
from common.db import retrying
from common.types import Actor
from notifications.errors import NotCancellable, NotResendable
from notifications.models import EmailMessage, EmailStatus
from notifications.services.email import job_key, sending_job


@retrying
@transaction.atomic
def cancel(email_id: UUID, *, actor: Actor, reason: str, now: datetime) -> EmailMessage:
    """Take a queued e-mail back; raises ``NotCancellable`` when it is not waiting (it may be on its way)."""
    message = EmailMessage.objects.select_for_update().get(id=email_id)
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
    """Try a failed e-mail again, with all its attempts; raises ``NotResendable`` for any other.

    It goes out under the same ``Message-ID``. The person who asks accepts that an earlier attempt, whose end is not
    known, may have reached the recipient.
    """
    message = EmailMessage.objects.select_for_update().get(id=email_id)
    if message.status != EmailStatus.FAILED:
        raise NotResendable
    message.status = EmailStatus.QUEUED
    message.released_at = now
    message.save(update_fields=["status", "released_at"])
    job = sending_job(
        message.id, message.to, is_urgent=message.is_urgent, organization_id=message.organization_id
    )
    outbox.enqueue_many([job], now=now)
    _audit("notifications.send_email_again", message, EmailStatus.FAILED, actor, reason, now)
    return message


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
