"""Telling the house that an order's standing changed, in the transaction that changed it."""

from datetime import datetime
from uuid import UUID

import structlog

from common.facts import PaymentSettled, PurchaseUpdated, RefundRecorded
from common.outbox import publish
from payments.models import Order, OrderStatus

_log = structlog.stdlib.get_logger(__name__)


def announce(order: Order, *, before: OrderStatus, now: datetime) -> None:
    """Tell what the buyer sees now, if it is not what they saw before."""
    after = order.status
    if after is not before:
        _log.info("order_status", order_id=str(order.pk), before=before.value, after=after.value)
        fact = PurchaseUpdated(order.pk, order.buyer_id, after.value)
        publish(fact, now=now, organization_id=order.organization_id)


def announce_settled(order: Order, *, now: datetime) -> None:
    """Tell that the money arrived and the goods are the buyer's."""
    publish(PaymentSettled(order.pk), now=now, organization_id=order.organization_id)


def announce_refund(order: Order, refund_id: UUID, *, now: datetime) -> None:
    """Tell that a refund reached the ledger."""
    publish(RefundRecorded(order.pk, refund_id), now=now, organization_id=order.organization_id)
