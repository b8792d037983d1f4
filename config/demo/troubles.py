"""What went wrong in the demo, so that the screens for it show something: a dispute, and an e-mail that died.

Both come about as in earnest: the sandbox's bank opens the dispute and the product reads it; the e-mail is the
product's own, whose job then used up its attempts. Sending it again delivers it.
"""

from datetime import datetime, timedelta
from typing import Any

import requests
from django.conf import settings
from django.db import transaction

from common.outbox.failures import fingerprint
from common.outbox.models import Job
from common.outbox.types import JobStatus
from config.demo.history import SandboxAway
from events.models import Event
from notifications.models import AttemptOutcome, EmailAttempt, EmailMessage, EmailStatus
from notifications.services.email import job_key
from offers.models import Fulfillment, FulfillmentStatus, OfferType
from offers.services import messages
from payments.models import Dispute, Order
from payments.services.applying import apply_order

_TIMEOUT_SECONDS = 20
_ERROR = "NotSent: 451 4.3.0 The mail server is out of disk space, try again later"
_DIED_BEFORE = timedelta(hours=3)


def seed_troubles(event: Event, *, now: datetime) -> int:
    """Add the troubles that are missing; return how many. Raises ``SandboxAway``."""
    return _dispute(event, now=now) + _dead_letter(event, now=now)


def _dispute(event: Event, *, now: datetime) -> int:
    """Let the bank of the latest buyer of the recordings dispute the payment."""
    if Dispute.objects.filter(order__event=event).exists():
        return 0
    orders = Order.objects.filter(
        event=event, title="Last year's recordings", refunded_amount=0, paid_amount__gt=0
    )
    order = orders.order_by("-created_at", "-id").first()
    if order is None:
        return 0
    intent = order.payments.get().payment_intent_id
    body = {"reason": "product_not_received"}
    try:
        url = f"{settings.STRIPE_API_BASE}/_sandbox/charges/{intent}/dispute"
        requests.post(url, json=body, timeout=_TIMEOUT_SECONDS).raise_for_status()
    except requests.RequestException as error:
        raise SandboxAway from error
    apply_order(order.pk, now=now)
    return 1


def _dead_letter(event: Event, *, now: datetime) -> int:
    """Leave the latest parcel's e-mail with the dead letters."""
    sent = Fulfillment.objects.filter(
        offer__event=event, offer__offer_type=OfferType.MERCHANDISE, status=FulfillmentStatus.FULFILLED
    ).select_related("purchase__offer__event", "purchase__order__buyer")
    parcel = sent.order_by("-fulfilled_at", "-id").first()
    if parcel is None or EmailMessage.objects.filter(about_id=parcel.purchase.order_id).exists():
        return 0
    # One transaction: no worker sees the job before it is dead.
    with transaction.atomic():
        messages.send_shipped(parcel.purchase, parcel.purchase.order, parcel, now=now)
        message = EmailMessage.objects.get(about_id=parcel.purchase.order_id)
        job = Job.objects.get(dedupe_key=job_key(message.pk))
        died_at = now - _DIED_BEFORE
        Job.objects.filter(pk=job.pk).update(
            status=JobStatus.DEAD, attempts=job.max_attempts, errors=_history(job, died_at), finished_at=died_at,
            error_group=fingerprint(job.kind, _ERROR), created_at=died_at - timedelta(hours=1),
        )  # fmt: skip
        EmailMessage.objects.filter(pk=message.pk).update(
            status=EmailStatus.FAILED,
            last_error=_ERROR,
            job_id=job.pk,
            created_at=died_at - timedelta(hours=1),
        )
        EmailAttempt.objects.bulk_create(
            EmailAttempt(
                message=message, recipient_key=message.recipient_key, is_urgent=message.is_urgent, started_at=at,
                finished_at=at + timedelta(seconds=1), outcome=AttemptOutcome.RETRY, detail=_ERROR,
            )
            for at in _times(job, died_at)
        )  # fmt: skip
    return 1


def _times(job: Job, died_at: datetime) -> list[datetime]:
    return [died_at - timedelta(minutes=10 * left) for left in reversed(range(job.max_attempts))]


def _history(job: Job, died_at: datetime) -> list[dict[str, Any]]:
    return [
        {"at": at.isoformat(), "attempt": attempt, "error": _ERROR}
        for attempt, at in enumerate(_times(job, died_at), start=1)
    ]
