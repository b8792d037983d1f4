"""Ending an order that was not paid: its goods go back, once, under the locks of the house's order."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import transaction

from common.db import retrying
from common.outbox import cancel
from payments.models import HOLDING_STATES, Order, OrderState, Payment, PaymentStatus
from payments.purposes import purpose_of
from payments.services import standing
from payments.services.orders import hold_job_key


@contextmanager
def locked_order(order_id: UUID) -> Iterator[Order]:
    """Open a transaction and hold the locks.

    The goods first, then the order, which is read again under its lock.
    """
    with transaction.atomic():
        unlocked = Order.objects.only("purpose", "purpose_id").get(pk=order_id)
        purpose_of(unlocked).lock(unlocked.purpose_id)
        yield Order.objects.select_for_update(of=("self",)).select_related("buyer").get(pk=order_id)


@retrying
def release_refused(order_id: UUID, *, now: datetime) -> None:
    """Release the goods of an order whose checkout Stripe refused for certain; it fails."""
    with locked_order(order_id) as order:
        if order.state in HOLDING_STATES:
            before = order.status
            release(order, OrderState.FAILED, now=now)
            standing.announce(order, before=before, now=now)


def release(order: Order, state: OrderState, *, now: datetime) -> None:
    """Give the goods back and close the order in this state; under ``locked_order`` only."""
    purpose_of(order).release(order, now=now)
    order.state, order.closed_at = state, now
    order.save(update_fields=["state", "closed_at"])
    Payment.objects.filter(order=order, status=PaymentStatus.PENDING).update(status=PaymentStatus.FAILED)
    cancel(hold_job_key(order))
