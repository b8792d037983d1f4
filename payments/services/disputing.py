"""Disputes: recorded with what they moved.

Fulfilment stops while the bank decides, and goes on when it is won (``payments.services.following``).
"""

from collections.abc import Iterable
from datetime import datetime

import structlog

from payments.gateway import DisputeMovement, DisputeView
from payments.models import Dispute, LedgerKind, Order, Payment
from payments.services.ledger import enter

_log = structlog.stdlib.get_logger(__name__)

# Ended without the money being gone. A lost one stays: the order is shown as disputed for good.
_OVER = frozenset({"won", "warning_closed", "prevented"})


def record_disputes(order: Order, payment: Payment, seen: Iterable[DisputeView], *, now: datetime) -> None:
    """Take over what Stripe says of a payment's disputes, with every movement of money once.

    Call inside ``goods_follow``, which judges what becomes of the goods.
    """
    was_disputed = order.is_disputed
    for view in seen:
        _record(order, payment, view, now)
    standing = [dispute.status not in _OVER for dispute in order.disputes.all()]
    order.is_disputed = any(standing)
    if order.is_disputed and not was_disputed:
        _log.warning("order disputed", order_id=str(order.pk), number=order.number)


def _record(order: Order, payment: Payment, view: DisputeView, now: datetime) -> None:
    Dispute.objects.update_or_create(
        stripe_dispute_id=view.id,
        defaults={"status": view.status, "reason": view.reason, "amount": view.amount, "updated_at": now},
        create_defaults={
            "order": order,
            "payment": payment,
            "status": view.status,
            "reason": view.reason,
            "amount": view.amount,
            "currency": view.currency,
            "opened_at": view.opened_at,
            "updated_at": now,
        },
    )
    for movement in view.movements:
        withdrawn = movement.amount < 0
        kind = LedgerKind.DISPUTE_WITHDRAWN if withdrawn else LedgerKind.DISPUTE_REINSTATED
        _enter(order, payment, kind, movement, movement.amount, now)
        if movement.fee:
            _enter(order, payment, LedgerKind.FEE, movement, -movement.fee, now)


def _enter(
    order: Order, payment: Payment, kind: LedgerKind, movement: DisputeMovement, amount: int, now: datetime
) -> None:
    enter(
        order, payment, kind, movement.id,
        amount=amount, currency=movement.currency, occurred_at=movement.occurred_at, now=now,
    )  # fmt: skip
