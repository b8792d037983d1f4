"""What an attempt came to: for the delivery, its message, the device, and the provider as a whole."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from common.db import retrying
from notifications.models import PushChannel, PushDelivery, PushDevice, PushMessage, PushPart, PushStatus
from notifications.pushing.types import Outcome, Verdict
from notifications.services.push import devices, doubts, metrics, progress

PAUSE: Final = timedelta(minutes=5)
_REFUSED: Final = (Outcome.REFUSED, Outcome.OFF_LIST)

log = structlog.get_logger(__name__)


@retrying
@transaction.atomic
def record(
    delivery: PushDelivery, device: PushDevice, verdict: Verdict, *, is_last_attempt: bool, now: datetime
) -> Verdict:
    """Write down how an attempt ended and return the verdict as it stands then.

    A doubted one is judged by what became of the others (``doubts``): one person with a subscription that was made for
    somebody else must not stop everybody's messages, nor our expired key switch everybody's devices off.
    """
    if verdict.outcome == Outcome.DOUBTED:
        verdict = doubts.judged(device, verdict, now=now)
    if verdict.outcome == Outcome.GONE:
        is_off = devices.is_gone(device.id, verdict.detail, asked_at=now, now=now)
        verdict = verdict if is_off else replace(verdict, outcome=Outcome.RETRY)
    metrics.attempt(device.provider, verdict.outcome)
    if verdict.outcome == Outcome.SENT:
        _sent(delivery, device, verdict, now=now)
    elif verdict.outcome == Outcome.GONE:
        progress.fail(delivery, verdict.detail)
    else:
        _not_sent(delivery, device, verdict, is_last_attempt=is_last_attempt, now=now)
    return verdict


@retrying
@transaction.atomic
def drop(delivery: PushDelivery, reason: str, *, job_id: UUID | None = None) -> None:
    """Note that a delivery is not tried any more."""
    progress.fail(delivery, reason, job_id=job_id)


def mark_failed(delivery_id: UUID, error: str, *, job_id: UUID | None) -> None:
    """Note that a delivery's job is dead or was too late; what arrived stays so."""
    delivery = PushDelivery.objects.filter(id=delivery_id).first()
    if delivery is not None:
        progress.fail(delivery, error, job_id=job_id)


def pause_of(verdict: Verdict) -> timedelta:
    """Return how long everybody waits after a trouble of the whole provider, or a message whose device is doubted."""
    if verdict.part or verdict.outcome == Outcome.DOUBTED:
        return doubts.ASKED_AGAIN
    return PAUSE if verdict.retry_after is None else timedelta(seconds=verdict.retry_after)


def pause(provider: str, until: datetime, reason: str, *, now: datetime) -> None:
    """Stop a provider until then, unless it is paused for longer already."""
    PushChannel.objects.bulk_create([PushChannel(provider=provider, changed_at=now)], ignore_conflicts=True)
    # One statement decides, for two workers may be told of different ends at once.
    shorter = PushChannel.objects.filter(Q(paused_until=None) | Q(paused_until__lt=until), provider=provider)
    shorter.update(paused_until=until, reason=reason[:500], changed_at=now)


def pause_part(name: str, until: datetime, reason: str, *, now: datetime) -> None:
    """Stop a part of a provider (``parts.part_of``) until then, unless it is paused for longer already."""
    part = PushPart(name=name, provider=name.partition(":")[0], changed_at=now)
    PushPart.objects.bulk_create([part], ignore_conflicts=True)
    shorter = PushPart.objects.filter(Q(paused_until=None) | Q(paused_until__lt=until), name=name)
    shorter.update(paused_until=until, reason=reason[:500], changed_at=now)


def resume(provider: str, *, now: datetime) -> bool:
    """Let a provider and all parts of it be written to again; False when nothing of it was paused."""
    resumed = 0
    for model in (PushChannel, PushPart):
        paused = model.objects.filter(provider=provider, paused_until__gt=now)
        resumed += paused.update(paused_until=None, reason="", changed_at=now)
    return resumed > 0


def _sent(delivery: PushDelivery, device: PushDevice, verdict: Verdict, *, now: datetime) -> None:
    message = PushMessage.objects.get(id=delivery.message_id)
    if progress.advance_message([message.id], PushStatus.SENT, now=now):
        metrics.sent(message, now)
    progress.advance_deliveries([delivery.id], PushStatus.SENT, now=now)
    PushDelivery.objects.filter(id=delivery.id).update(provider_message_id=verdict.provider_message_id)
    devices.took_one(device.id)


def _not_sent(
    delivery: PushDelivery, device: PushDevice, verdict: Verdict, *, is_last_attempt: bool, now: datetime
) -> None:
    not_before = None
    if verdict.part or verdict.outcome == Outcome.DOUBTED:
        not_before = now + doubts.ASKED_AGAIN
    elif verdict.retry_after is not None and not verdict.for_everybody:
        not_before = now + timedelta(seconds=verdict.retry_after)
    rows = PushDelivery.objects.filter(id=delivery.id, status__in=progress.SENDABLE)
    rows.update(last_error=verdict.detail, not_before=not_before)
    named = {"delivery_id": str(delivery.id), "provider": device.provider, "error": verdict.detail}
    if verdict.outcome in _REFUSED:
        log.error("push_refused", **named)
        if verdict.blames_device:
            devices.failed(device.id, verdict.detail, is_own_fault=True, asked_at=now, now=now)
    elif verdict.outcome == Outcome.DOUBTED:
        log.warning("push_doubted", **named)
    elif verdict.outcome == Outcome.PAUSED or verdict.for_everybody:
        _pause_all(device.provider, verdict, now=now)
    elif is_last_attempt:
        devices.failed(device.id, verdict.detail, is_own_fault=False, asked_at=now, now=now)


def _pause_all(provider: str, verdict: Verdict, *, now: datetime) -> None:
    wait = PAUSE if verdict.part else pause_of(verdict)
    if verdict.part:
        pause_part(verdict.part, now + wait, verdict.detail, now=now)
    else:
        pause(provider, now + wait, verdict.detail, now=now)
    metrics.paused(provider)
    tell = log.error if verdict.outcome == Outcome.PAUSED else log.warning
    tell(
        "push_provider_paused",
        provider=provider,
        part=verdict.part,
        reason=verdict.detail,
        seconds=wait.total_seconds(),
    )
