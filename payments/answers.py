"""How orders and refunds look on every door, as plain values in the contract's words."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from common.money import Money
from payments.models import Order, OrderState, Refund, RefundStatus
from payments.purposes import ItemDescription
from payments.selectors import items_of, shown_payment

# Stripe's word for what callers need not tell apart: it is asked for, and under way.
SHOWN_REFUND_STATUSES = ("PENDING", "SUCCEEDED", "FAILED", "CANCELED")
_SHOWN_STATUS = {RefundStatus.REQUESTED: "PENDING", RefundStatus.REQUIRES_ACTION: "PENDING"}


def order_answer(order: Order) -> dict[str, Any]:
    """Return an order, loaded with its details, as the contract shows it."""
    return order_answers([order])[0]


def order_answers(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """Return many orders; their goods are described in a fixed number of queries."""
    items = items_of(orders)
    return [_order(order, items) for order in orders]


def refund_answer(refund: Refund) -> dict[str, Any]:
    """Return one refund."""
    status = RefundStatus(refund.status)
    return {
        "id": str(refund.pk),
        "order_id": str(refund.order_id),
        "status": _SHOWN_STATUS.get(status, status.value.upper()),
        "amount": Money(refund.amount, refund.currency).as_json(),
        "reason": refund.reason,
        "restock_units": refund.restock_units,
        "created_at": refund.created_at.isoformat(),
    }


def _order(order: Order, items: Mapping[UUID, list[ItemDescription]]) -> dict[str, Any]:
    return {
        "id": str(order.pk),
        "order_number": order.number,
        "status": order.status.value,
        "total_amount": order.total.as_json(),
        "refunded_amount": order.refunded.as_json(),
        "currency": order.currency,
        "items": [_item(item, order.currency) for item in items.get(order.pk, [])],
        "payment": _payment(order),
        "refunds": [refund_answer(refund) for refund in order.refunds.all()],
        "expires_at": _payable_until(order),
        "stripe_checkout_url": _page(order),
        "created_at": order.created_at.isoformat(),
    }


def _item(item: ItemDescription, currency: str) -> dict[str, Any]:
    ids = {"offer_id": item.offer_id, "tier_id": item.tier_id}
    return {
        **{name: str(value) for name, value in ids.items() if value is not None},
        "title": item.title,
        "quantity": item.quantity,
        "unit_amount": Money(item.unit_amount, currency).as_json(),
        "fulfillment_status": item.fulfillment_status,
        "fulfillment": item.fulfillment or None,
    }


def _payment(order: Order) -> dict[str, Any] | None:
    payment = shown_payment(order)
    if payment is None:
        return None
    return {
        "status": payment.status,
        "method_type": payment.method_type or None,
        "brand": payment.brand or None,
        "last4": payment.last4 or None,
    }


def _payable_until(order: Order) -> str | None:
    if order.state != OrderState.OPEN or order.hold_expires_at is None:
        return None
    return order.hold_expires_at.isoformat()


def _page(order: Order) -> str | None:
    """Return where an open order is paid, so that a tab that lost the answer can go on."""
    payment = shown_payment(order)
    if payment is None or _payable_until(order) is None:
        return None
    return payment.session_url or None
