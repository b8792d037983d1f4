"""Beginning to send: the token, what the person wants by now, and a summary where they would get too many."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from common.db import retrying
from notifications.models import PushDelivery, PushMessage, PushStatus
from notifications.services.preferences import Channel, decide
from notifications.services.push import grouping, limits, progress
from notifications.services.push.limits import Wait
from notifications.services.push.queueing import MUTED, QUIET

# Nothing more is sent of these.
ENDED: Final = (PushStatus.SUPPRESSED, PushStatus.GROUPED, PushStatus.CANCELLED)


@retrying
@transaction.atomic
def begin(delivery: PushDelivery, *, now: datetime) -> PushMessage | Wait | None:
    """Begin an attempt and return the message; a ``Wait`` when it may not begin yet, None when it is not to be sent.

    The message's first attempt, on whichever device, takes its tokens; later ones are the same message. What the person
    wants is asked at each of them: days may lie in between.
    """
    if delivery.message.begun_at is None:
        limits.lock_tokens(delivery.message)
    message = PushMessage.objects.select_for_update().get(id=delivery.message_id)
    if message.status in ENDED:
        return None
    wait = _unwanted(message, delivery.id, now=now)
    if wait is None and message.begun_at is None and message.status not in ENDED:
        wait = _held_back(message, now=now)
    if wait is not None or message.status in ENDED:
        return wait
    still = PushDelivery.objects.filter(id=delivery.id, status__in=progress.SENDABLE)
    if not still.update(attempts=F("attempts") + 1, last_attempt_at=now):
        return None
    if message.begun_at is None:
        message.begun_at = now
        message.save(update_fields=["begun_at"])
    return message


def _held_back(message: PushMessage, *, now: datetime) -> Wait | None:
    """Return how long the limits make a message wait that was not begun; one that went into a summary is grouped."""
    wait = limits.campaign_wait(message, now=now)
    if wait is not None:
        return wait
    wait = limits.user_wait(message, now=now)
    if wait is not None:
        _hold(message, wait.reason, now + timedelta(seconds=wait.seconds))
        if message.deferred_at is None:
            PushMessage.objects.filter(id=message.id).update(deferred_at=now)
    elif message.deferred_at is not None:
        grouping.summarise(message, now=now)
    return wait


def _unwanted(message: PushMessage, delivery_id: UUID, *, now: datetime) -> Wait | None:
    """Ask again what the person wants: they may have changed it while the message waited, or night may have come.

    A message that arrived on another device stays so; it is this delivery alone that ends or waits.
    """
    decision = decide([message.user_id], kind=message.kind, channel=Channel.PUSH, now=now)[message.user_id]
    if not decision.allowed:
        _suppress(message, delivery_id)
    elif decision.not_before is not None and decision.not_before > now and not message.is_urgent:
        if message.status not in progress.ARRIVED:
            _hold(message, QUIET, decision.not_before)
        return Wait((decision.not_before - now).total_seconds(), QUIET)
    return None


def _hold(message: PushMessage, reason: str, until: datetime) -> None:
    message.status, message.status_reason, message.not_before = PushStatus.HELD, reason, until
    message.save(update_fields=["status", "status_reason", "not_before"])


def _suppress(message: PushMessage, delivery_id: UUID) -> None:
    if message.status not in progress.ARRIVED:
        message.status, message.status_reason = PushStatus.SUPPRESSED, MUTED
        message.save(update_fields=["status", "status_reason"])
    end_deliveries([message.id], PushStatus.SUPPRESSED)
    # One that had failed was brought back; the failures of others stay what they are.
    failed = PushDelivery.objects.filter(id=delivery_id, status=PushStatus.FAILED)
    failed.update(status=PushStatus.SUPPRESSED)


def end_deliveries(message_ids: list[UUID], status: PushStatus) -> None:
    """Give deliveries that wait the end of their messages."""
    waiting = PushDelivery.objects.filter(message_id__in=message_ids, status=PushStatus.QUEUED)
    waiting.update(status=status)
