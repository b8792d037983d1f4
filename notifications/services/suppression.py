"""Boxes that are not written to: who gets on the list, what is held back for it, and how one comes off again.

A box stands on the list for the whole house. Its server and its owner know one sender, ours: an address that bounced
for one organization bounces for all, and each further e-mail costs everybody's standing with the providers.
"""

from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef

from accounts.services import access
from accounts.types import Capability
from common import audit
from common.db import retrying
from common.errors import Forbidden, Invalid
from common.types import Actor
from notifications import addresses
from notifications.errors import AlreadySuppressed, NotSuppressed
from notifications.models import (
    EmailEvent,
    EmailEventKind,
    EmailMessage,
    EmailStatus,
    EmailSuppression,
    SuppressionReason,
)
from notifications.services.metrics import count_suppressed

# What an e-mail says that was held back: nothing of whose bounce it was.
HELD_BACK = "Not sent: this address is not written to any more"

# A complaint outweighs what stands already: it is a person's word, and lifted by operators alone.
_ADD = """
INSERT INTO notifications_emailsuppression (id, organization_id, recipient_key, address, reason, detail, message_id,
    since, lifted_by, lifted_because)
VALUES (%(id)s, %(organization_id)s, %(recipient_key)s, %(address)s, %(reason)s, %(detail)s, %(message_id)s,
    %(since)s, '', '')
ON CONFLICT (recipient_key) WHERE lifted_at IS NULL DO UPDATE
    SET reason = excluded.reason, detail = excluded.detail, message_id = excluded.message_id,
        organization_id = excluded.organization_id
    WHERE excluded.reason = 'complaint' AND notifications_emailsuppression.reason <> 'complaint'
RETURNING id
"""

log = structlog.get_logger(__name__)


def standing() -> Exists:
    """Return the condition that an e-mail's box is on the list now."""
    return Exists(
        EmailSuppression.objects.filter(recipient_key=OuterRef("recipient_key"), lifted_at__isnull=True)
    )


def hold_back(message: EmailMessage) -> None:
    """End an e-mail unsent because its box is on the list; what was sent meanwhile stays sent."""
    held = EmailMessage.objects.filter(
        id=message.id, status__in=(EmailStatus.QUEUED, EmailStatus.FAILED)
    ).update(status=EmailStatus.SUPPRESSED, last_error=HELD_BACK)
    if held:
        count_suppressed(held)
        log.warning("email_suppressed", email_id=str(message.id), template=message.template)


def suppress(
    message: EmailMessage, reason: SuppressionReason, detail: str, *, occurred_at: datetime, now: datetime
) -> bool:
    """Put an e-mail's box on the list, in the caller's transaction; False when nothing changed.

    What happened before the box was last taken off the list again does not bring it back.
    """
    lifted = EmailSuppression.objects.filter(recipient_key=message.recipient_key)
    if lifted.filter(lifted_at__gte=occurred_at).exists():
        return False
    row = EmailSuppression(
        organization_id=message.organization_id, recipient_key=message.recipient_key, address=message.to,
        reason=reason, detail=detail[:500], message=message, since=now,
    )  # fmt: skip
    return _added(row)


def suppress_after_soft_bounce(message: EmailMessage, *, occurred_at: datetime, now: datetime) -> bool:
    """Put the box on the list when so many of its e-mails in a row bounced, with nothing delivered between."""
    limit = settings.EMAIL_SOFT_BOUNCES
    of_box = EmailEvent.objects.filter(recipient_key=message.recipient_key)
    delivered = of_box.filter(kind=EmailEventKind.DELIVERED).aggregate(at=Max("occurred_at"))["at"]
    lifted = EmailSuppression.objects.filter(recipient_key=message.recipient_key)
    freed = lifted.aggregate(at=Max("lifted_at"))["at"]
    bounced = of_box.filter(kind=EmailEventKind.SOFT_BOUNCED)
    for since in filter(None, (delivered, freed)):
        bounced = bounced.filter(occurred_at__gt=since)
    if limit <= 0 or bounced.order_by().values("message_id").distinct()[:limit].count() < limit:
        return False
    detail = f"{limit} e-mails in a row came back"
    return suppress(message, SuppressionReason.SOFT_BOUNCES, detail, occurred_at=occurred_at, now=now)


@retrying
@transaction.atomic
def suppress_by_hand(address: str, *, actor: Actor, reason: str, now: datetime) -> EmailSuppression:
    """Put an address on the list for the whole house.

    Raises ``Forbidden`` for all but superusers, ``Invalid`` without a reason or for what is no address, and
    ``AlreadySuppressed``.
    """
    if not access.may_do_all(actor):
        raise Forbidden
    if not reason.strip():
        raise Invalid.field("reason", "required", "Say why.")
    address = addresses.checked(address)
    row = EmailSuppression(
        recipient_key=addresses.recipient_key(address), address=address, reason=SuppressionReason.BY_HAND,
        detail=reason[:500], since=now,
    )  # fmt: skip
    if not _added(row):
        raise AlreadySuppressed
    _audit("notifications.suppress_address", row, actor, reason, [None, row.reason], now)
    return row


@retrying
@transaction.atomic
def lift(suppression_id: UUID, *, actor: Actor, reason: str, now: datetime) -> EmailSuppression:
    """Take a box off the list; what was held back stays so until somebody sends it again.

    Staff lift what their own organization's e-mails brought about; complaints, addresses entered by hand and what
    belongs to no organization are the operators'. Raises ``NotSuppressed`` when it is off already, ``Invalid``
    without a reason, ``Forbidden``, and what ``access.require`` raises.
    """
    row = EmailSuppression.objects.select_for_update().filter(id=suppression_id).first()
    if row is None or (row.organization_id is None and not access.may_do_all(actor)):
        access.refuse_missing(actor)
    if row.organization_id is not None:
        access.require(actor, row.organization_id, Capability.MANAGE_EVENTS)
    if row.reason == SuppressionReason.COMPLAINT and not access.may_do_all(actor):
        raise Forbidden("They complained: an operator alone may have them written to again")
    if not reason.strip():
        raise Invalid.field("reason", "required", "Say why.")
    if row.lifted_at is not None:
        raise NotSuppressed
    row.lifted_at, row.lifted_by, row.lifted_because = now, actor.label[:255], reason[:500]
    row.save(update_fields=["lifted_at", "lifted_by", "lifted_because"])
    _audit("notifications.lift_suppression", row, actor, reason, [row.reason, None], now)
    return row


def _added(row: EmailSuppression) -> bool:
    given = {
        name: getattr(row, name)
        for name in ("id", "organization_id", "recipient_key", "address", "reason", "detail", "message_id", "since")
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ADD, given | {"reason": str(row.reason)})
        is_added = cursor.fetchone() is not None
    if is_added:
        log.warning("address_suppressed", address=addresses.masked(row.address), reason=str(row.reason))
    return is_added


def _audit(
    action: str, row: EmailSuppression, actor: Actor, reason: str, changes: list[str | None], now: datetime
) -> None:
    audit.record(
        actor=actor,
        action=action,
        subject=row,
        organization_id=row.organization_id,
        reason=reason,
        changes={"suppressed": changes},
        now=now,
    )
