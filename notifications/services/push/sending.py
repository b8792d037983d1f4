"""Sending what is queued: a token, an attempt that is on record, the provider, its answer."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import TextField, Value
from django.db.models.expressions import Exists, OuterRef
from django.db.models.functions import Cast, Concat

from common.models import Job
from common.outbox import enqueue_many
from common.outbox.types import JobStatus
from notifications.models import PushDelivery, PushDevice, PushMessage, PushStatus
from notifications.pushing import parts, providers
from notifications.pushing.types import Outgoing, Target, Verdict
from notifications.services.push import beginning, limits, progress, receipts, recording
from notifications.services.push.limits import Wait
from notifications.services.push.queueing import job_key, sending_job
from notifications.services.rates import NoRoom

# For how long providers keep a message for a device that is away, where it does not say itself.
_KEPT: Final = timedelta(days=1)
_KEPT_URGENT: Final = timedelta(hours=1)
DEVICE_OFF: Final = "The device was switched off, or is another person's by now"
TOO_LATE: Final = "It was of no use any more before it could be sent"
_ORPHANED: Final = timedelta(minutes=1)
_SWEPT_AT_ONCE: Final = 500


def deliver(delivery_id: UUID, *, is_last_attempt: bool, now: datetime) -> Verdict | None:
    """Send one message to one device and record what became of it; None when there is nothing (more) to send.

    Runs with no transaction open. Raises ``NoRoom`` when limits, quiet hours or a pause forbid it now. A worker lost in
    the middle says it again under the same id, so the device shows it once.
    """
    rows = PushDelivery.objects.select_related("message", "device")
    delivery = rows.filter(id=delivery_id, status__in=progress.SENDABLE).first()
    if delivery is None:
        return None
    device = delivery.device
    if device is None or not device.is_active or device.user_id != delivery.message.user_id:
        recording.drop(delivery, DEVICE_OFF)
        return None
    _refuse_if_not_yet(delivery, device, now=now)
    begun = beginning.begin(delivery, now=now)
    if isinstance(begun, Wait):
        raise NoRoom(begun.seconds, begun.reason)
    if begun is None:
        return None
    target = Target(device.provider, device.token, device.p256dh, device.auth)
    verdict = providers.send(outgoing(begun, delivery_id, now=now), target, now=now)
    return recording.record(delivery, device, verdict, is_last_attempt=is_last_attempt, now=now)


def outgoing(message: PushMessage, delivery_id: UUID, *, now: datetime) -> Outgoing:
    """Return a message as it goes to one device; a repetition differs in nothing but the time that is left."""
    kept = _KEPT_URGENT if message.is_urgent else _KEPT
    left = message.not_after - now if message.not_after is not None else kept
    return Outgoing(
        id=message.id,
        title=message.title,
        body=message.body,
        receipt=receipts.token_of(delivery_id),
        ttl=max(1, int(min(left, timedelta(days=28)).total_seconds())),
        is_urgent=message.is_urgent,
        data={"kind": message.kind, **{name: str(value) for name, value in message.data.items()}},
    )


def requeue_orphans(*, now: datetime) -> int:
    """Give queued deliveries that have no job (any more) a new one, and say how many those were."""
    alive = Job.objects.filter(
        dedupe_key=Concat(Value(job_key("")), Cast(OuterRef("id"), TextField())),
        status__in=[JobStatus.PENDING, JobStatus.RUNNING],
    )
    waiting = PushDelivery.objects.select_related("message", "device").filter(
        ~Exists(alive),
        status=PushStatus.QUEUED,
        created_at__lt=now - _ORPHANED,
        device__isnull=False,
    )
    jobs = [
        sending_job(
            one.id,
            one.device.provider,
            is_urgent=one.message.is_urgent,
            campaign_id=one.message.campaign_id,
            organization_id=one.message.organization_id,
            run_at=one.message.not_before,
            not_after=one.message.not_after,
        )
        for one in waiting.order_by("created_at")[:_SWEPT_AT_ONCE]
        if one.device is not None
    ]
    return enqueue_many(jobs, now=now) if jobs else 0


def _refuse_if_not_yet(delivery: PushDelivery, device: PushDevice, *, now: datetime) -> None:
    """Raise ``NoRoom`` while the provider is paused, or asked to leave this device alone for a while."""
    until = limits.paused_until(device, now=now)
    if until is not None:
        raise NoRoom((until - now).total_seconds(), f"Push by {parts.title(parts.part_of(device))} is paused")
    if delivery.not_before is not None and delivery.not_before > now:
        raise NoRoom((delivery.not_before - now).total_seconds(), "The provider asked to wait")
