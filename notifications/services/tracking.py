"""Working what the provider tells, in any order and doubled: an e-mail's story grows, its status never goes back.

From least to most: queued (or given up by us), sent, failed at the provider, held back, delivered, bounced, complained.
What came to pass after something else outweighs it whichever of the two was heard first.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import DateTimeField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Greatest

from common.db import retrying
from common.inbox import InboxEvent, InboxStatus, mark
from common.outbox.ids import new_id
from notifications import addresses
from notifications.mailer import reports
from notifications.models import EmailEvent, EmailEventKind, EmailMessage, EmailStatus, SuppressionReason
from notifications.services import suppression
from notifications.services.metrics import count_event

# What we thought before the provider's word: an attempt without an answer may have been taken after all.
_OURS = (EmailStatus.QUEUED, EmailStatus.FAILED, EmailStatus.CANCELLED, EmailStatus.SUPPRESSED)
_NEVER_ACCEPTED = Q(status__in=_OURS, sent_at__isnull=True)
_COMES_BACK = Q(status__in=(*_OURS, EmailStatus.SENT, EmailStatus.DELIVERED))
# Which statuses an event may replace, and by which one. The others are story alone.
_REPLACES: dict[EmailEventKind, tuple[EmailStatus, Q]] = {
    EmailEventKind.SENT: (EmailStatus.SENT, _NEVER_ACCEPTED),
    EmailEventKind.SUPPRESSED: (
        EmailStatus.SUPPRESSED,
        _NEVER_ACCEPTED | Q(status__in=(EmailStatus.SENT, EmailStatus.FAILED)),
    ),
    EmailEventKind.DELIVERED: (EmailStatus.DELIVERED, Q(status__in=(*_OURS, EmailStatus.SENT))),
    EmailEventKind.BOUNCED: (EmailStatus.BOUNCED, _COMES_BACK),
    EmailEventKind.SOFT_BOUNCED: (EmailStatus.BOUNCED, _COMES_BACK),
    EmailEventKind.COMPLAINED: (EmailStatus.COMPLAINED, ~Q(status=EmailStatus.COMPLAINED)),
}
_SUPPRESSES = {
    EmailEventKind.BOUNCED: SuppressionReason.HARD_BOUNCE,
    EmailEventKind.COMPLAINED: SuppressionReason.COMPLAINT,
    EmailEventKind.SUPPRESSED: SuppressionReason.PROVIDER,
}
_FINAL = (InboxStatus.DONE, InboxStatus.IGNORED, InboxStatus.QUARANTINED)
# An orphan is asked again for so long, and kept for so long.
_MATCHED_WITHIN = timedelta(days=3)
_KEPT = timedelta(days=30)
_AT_ONCE = 500

log = structlog.get_logger(__name__)


def work_event(inbox_id: UUID, *, now: datetime) -> None:
    """Work one event of the inbox in the caller's transaction; one that was worked before changes nothing."""
    stored = InboxEvent.objects.get(pk=inbox_id)
    if stored.status in _FINAL:
        return
    try:
        report = reports.read(stored.event_id, stored.content)
    except reports.Unreadable as error:
        mark(inbox_id, InboxStatus.QUARANTINED, str(error), now=now)
        return
    if report is None:
        mark(inbox_id, InboxStatus.IGNORED, "We do not act on this type.", now=now)
        return
    status, note = _noted(stored, report, now)
    mark(inbox_id, status, note, now=now)


@retrying
@transaction.atomic
def adopt_orphans(*, now: datetime) -> int:
    """Give events their e-mail that were heard before it was known, and forget old ones of none; returns how many."""
    orphans = EmailEvent.objects.filter(message__isnull=True)
    orphans.filter(received_at__lte=now - _KEPT).delete()
    mine = EmailMessage.objects.filter(
        Q(id=OuterRef("named_id"))
        | (~Q(provider_message_id="") & Q(provider_message_id=OuterRef("provider_message_id")))
    )
    found = orphans.filter(Exists(mine), received_at__gt=now - _MATCHED_WITHIN)
    adopted = 0
    for event in found.order_by("received_at", "id")[:_AT_ONCE]:
        message = _message_of(event.named_id, event.provider_message_id)
        if message is not None:
            event.message, event.recipient_key = message, message.recipient_key
            event.save(update_fields=["message", "recipient_key"])
            _apply(message, event, now)
            adopted += 1
    return adopted


def settle(message_id: UUID) -> None:
    """Let what the provider could not send be failed, when that was heard before we knew that it had been taken."""
    failed = EmailEvent.objects.filter(message_id=OuterRef("pk"), kind=EmailEventKind.FAILED).filter(
        Q(occurred_at__gt=OuterRef("released_at")) | Q(message__released_at__isnull=True)
    )
    EmailMessage.objects.filter(Exists(failed), id=message_id, status=EmailStatus.SENT).update(
        status=EmailStatus.FAILED, last_error="The provider took it and could not send it"
    )


def _noted(stored: InboxEvent, report: reports.Report, now: datetime) -> tuple[InboxStatus, str]:
    message = _message_of(report.named_id, report.provider_message_id)
    if message is not None and not _is_to(message, report.recipient):
        return InboxStatus.QUARANTINED, "It names another recipient than the e-mail has."
    event = EmailEvent(
        id=new_id(), message=message, inbox_id=stored.pk, kind=report.kind,
        recipient_key="" if message is None else message.recipient_key, named_id=report.named_id,
        provider_message_id=report.provider_message_id, detail=report.detail,
        # Nothing is heard before it happens: a clock that is ahead does not order the story.
        occurred_at=min(report.occurred_at or stored.received_at, stored.received_at), received_at=stored.received_at,
    )  # fmt: skip
    event.save(force_insert=True)
    count_event(report.kind)
    if message is None:
        return InboxStatus.DONE, "No e-mail of ours is known for it: kept, and asked again."
    _apply(message, event, now)
    return InboxStatus.DONE, f"E-mail {message.id}: {event.get_kind_display().lower()}."


def _message_of(named_id: UUID | None, provider_message_id: str) -> EmailMessage | None:
    """Return the e-mail, locked, so that the events of one are worked one after the other."""
    rows = EmailMessage.objects.select_for_update(no_key=True).defer("text_body", "html_body")
    found = rows.filter(id=named_id).first() if named_id is not None else None
    if found is None and provider_message_id:
        found = rows.filter(provider_message_id=provider_message_id).order_by("-created_at", "-id").first()
    return found


def _is_to(message: EmailMessage, recipient: str) -> bool:
    return not recipient or addresses.recipient_key(recipient) == message.recipient_key


def _apply(message: EmailMessage, event: EmailEvent, now: datetime) -> None:
    kind = EmailEventKind(event.kind)
    if kind in _REPLACES:
        status, replaced = _REPLACES[kind]
        accepted_at = Greatest(Value(event.occurred_at, DateTimeField()), F("created_at"))
        EmailMessage.objects.filter(replaced, id=message.id).update(
            status=status,
            sent_at=Coalesce(F("sent_at"), accepted_at),
            last_error=event.detail,
        )
        if event.provider_message_id:
            EmailMessage.objects.filter(id=message.id, provider_message_id="").update(
                provider_message_id=event.provider_message_id
            )
    settle(message.id)
    _suppress(message, event, now)


def _suppress(message: EmailMessage, event: EmailEvent, now: datetime) -> None:
    kind = EmailEventKind(event.kind)
    at = event.occurred_at
    if kind in _SUPPRESSES:
        suppression.suppress(message, _SUPPRESSES[kind], event.detail, occurred_at=at, now=now)
    elif kind == EmailEventKind.SOFT_BOUNCED:
        suppression.suppress_after_soft_bounce(message, occurred_at=at, now=now)
