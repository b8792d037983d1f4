"""What an attempt came to: for the delivery, its message, the device, and the provider as a whole."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction

from common.db import retrying
from notifications.models import PushChannel, PushDelivery, PushDevice, PushMessage, PushStatus
from notifications.pushing.types import Outcome, Verdict
from notifications.services.push import devices, metrics, progress

PAUSE: Final = timedelta(minutes=5)
# Who was taken from so lately is known to the provider: a refusal is then about the device.
_LATELY: Final = timedelta(hours=1)
_ARRIVED: Final = (PushStatus.SENT, PushStatus.DELIVERED, PushStatus.OPENED)

log = structlog.get_logger(__name__)


@retrying
@transaction.atomic
def record(
    delivery: PushDelivery, device: PushDevice, verdict: Verdict, *, is_last_attempt: bool, now: datetime
) -> Verdict:
    """Write down how an attempt ended and return the verdict as it stands then.

    A doubted one is the account's fault unless the provider took another message of ours lately: one person with a
    subscription that was made for somebody else must not stop everybody's messages.
    """
    if verdict.outcome == Outcome.DOUBTED:
        is_known = _took_one_lately(device, now=now)
        verdict = replace(verdict, outcome=Outcome.REFUSED if is_known else Outcome.PAUSED)
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
    """Return how long everybody waits after a trouble of the whole provider."""
    return PAUSE if verdict.retry_after is None else timedelta(seconds=verdict.retry_after)


def pause(provider: str, until: datetime, reason: str, *, now: datetime) -> None:
    """Stop a provider until then, unless it is paused for longer already."""
    channel, is_new = PushChannel.objects.get_or_create(
        provider=provider, defaults={"paused_until": until, "reason": reason[:500], "changed_at": now}
    )
    if not is_new and (channel.paused_until is None or channel.paused_until < until):
        PushChannel.objects.filter(provider=provider).update(
            paused_until=until, reason=reason[:500], changed_at=now
        )


def resume(provider: str, *, now: datetime) -> bool:
    """Let a provider be written to again; False when it was not paused."""
    paused = PushChannel.objects.filter(provider=provider, paused_until__gt=now)
    return bool(paused.update(paused_until=None, reason="", changed_at=now))


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
    if verdict.retry_after is not None and not verdict.for_everybody:
        not_before = now + timedelta(seconds=verdict.retry_after)
    rows = PushDelivery.objects.filter(id=delivery.id, status__in=progress.SENDABLE)
    rows.update(last_error=verdict.detail, not_before=not_before)
    if verdict.outcome == Outcome.REFUSED:
        log.error(
            "push_refused", delivery_id=str(delivery.id), provider=device.provider, error=verdict.detail
        )
        devices.failed(device.id, verdict.detail, is_own_fault=True, asked_at=now, now=now)
    elif verdict.outcome == Outcome.PAUSED or verdict.for_everybody:
        _pause_all(device.provider, verdict, now=now)
    elif is_last_attempt:
        devices.failed(device.id, verdict.detail, is_own_fault=False, asked_at=now, now=now)


def _pause_all(provider: str, verdict: Verdict, *, now: datetime) -> None:
    wait = pause_of(verdict)
    pause(provider, now + wait, verdict.detail, now=now)
    metrics.paused(provider)
    tell = log.error if verdict.outcome == Outcome.PAUSED else log.warning
    tell("push_provider_paused", provider=provider, reason=verdict.detail, seconds=wait.total_seconds())


def _took_one_lately(device: PushDevice, *, now: datetime) -> bool:
    lately = PushDelivery.objects.filter(
        message__sent_at__gt=now - _LATELY,
        status__in=_ARRIVED,
        sent_at__gt=now - _LATELY,
        device__provider=device.provider,
    )
    return lately.exclude(device_id=device.id).exclude(device__user_id=device.user_id).exists()
