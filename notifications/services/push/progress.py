"""How far messages and deliveries got. Every step is a conditional UPDATE, so nothing goes back (REQ NO-05)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import DateTimeField, Exists, OuterRef, Value
from django.db.models.functions import Coalesce

from notifications.models import PushDelivery, PushMessage, PushStatus

# What was tried and failed may still turn out to have arrived; a staff member may send it again.
BEFORE_SENT: Final = (PushStatus.QUEUED, PushStatus.HELD, PushStatus.FAILED)
ARRIVED: Final = (PushStatus.SENT, PushStatus.DELIVERED, PushStatus.OPENED)
SENDABLE: Final = (PushStatus.QUEUED, PushStatus.FAILED)
_BEFORE: Final = {
    PushStatus.SENT: BEFORE_SENT,
    PushStatus.DELIVERED: (*BEFORE_SENT, PushStatus.SENT),
    PushStatus.OPENED: (*BEFORE_SENT, PushStatus.SENT, PushStatus.DELIVERED),
}
# A later step proves the ones before it.
_TIMES: Final = {
    PushStatus.SENT: ("sent_at",),
    PushStatus.DELIVERED: ("sent_at", "delivered_at"),
    PushStatus.OPENED: ("sent_at", "delivered_at", "opened_at"),
}
NO_DEVICE: Final = "No device took it"


def advance_message(message_ids: list[UUID], status: PushStatus, *, now: datetime) -> int:
    """Bring messages as far as sent, delivered or opened; those that are there already stay. Returns how many moved."""
    rows = PushMessage.objects.filter(id__in=message_ids, status__in=_BEFORE[status])
    return rows.update(status=status, status_reason="", **_times(status, now))


def advance_deliveries(delivery_ids: list[UUID], status: PushStatus, *, now: datetime) -> int:
    """Bring deliveries as far as sent, delivered or opened, as ``advance_message`` does."""
    rows = PushDelivery.objects.filter(id__in=delivery_ids, status__in=_BEFORE[status])
    return rows.update(status=status, last_error="", **_times(status, now))


def fail(delivery: PushDelivery, error: str, *, job_id: UUID | None = None) -> bool:
    """Note that nothing more is tried by itself on this device; a message that no device took has failed.

    What arrived stays so: False, and nothing is written.
    """
    PushMessage.objects.select_for_update().filter(id=delivery.message_id).first()
    rows = PushDelivery.objects.filter(id=delivery.id, status__in=SENDABLE)
    if not rows.update(status=PushStatus.FAILED, last_error=error[:500], job_id=job_id):
        return False
    others = PushDelivery.objects.filter(message=OuterRef("pk")).exclude(status=PushStatus.FAILED)
    waiting = PushMessage.objects.filter(
        ~Exists(others), id=delivery.message_id, status__in=[PushStatus.QUEUED, PushStatus.HELD]
    )
    waiting.update(status=PushStatus.FAILED, status_reason=f"{NO_DEVICE}: {error}"[:500])
    return True


def _times(status: PushStatus, now: datetime) -> dict[str, Coalesce]:
    moment = Value(now, output_field=DateTimeField())
    return {name: Coalesce(name, moment) for name in _TIMES[status]}
