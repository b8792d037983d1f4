"""Disputes: recorded with what they moved.

Fulfilment stops while the bank decides. When it is won it goes on, and also when a part is lost: what the bank took is
then as if it had been refunded (``payments.services.following``).
"""

from collections.abc import Iterable
from datetime import datetime

import structlog

from payments.gateway import DisputeMovement, DisputeView
from payments.models import Dispute, LedgerKind, Order, Payment
from payments.services.ledger import enter

_log = structlog.stdlib.get_logger(__name__)

_LOST = "lost"
_OVER = frozenset({"won", _LOST, "warning_closed", "prevented"})
# The bank asks before it takes anything: a refund ends that, and Stripe makes it.
_INQUIRIES = frozenset({"warning_needs_response", "warning_under_review"})


def record_disputes(order: Order, payment: Payment, seen: Iterable[DisputeView], *, now: datetime) -> None:
    """Take over what Stripe says of a payment's disputes, with every movement of money once.

    Call inside ``goods_follow``, which judges what becomes of the goods, and before refunds are recorded: what is left
    of the payment is judged with them.
    """
    was_disputed, had_lost = order.is_disputed, order.lost_amount
    for view in seen:
        _record(order, payment, view, now)
    disputes = list(order.disputes.all())
    order.is_disputed = any(dispute.status not in _OVER for dispute in disputes)
    order.lost_amount = sum(dispute.amount for dispute in disputes if dispute.status == _LOST)
    ids = {"order_id": str(order.pk), "number": order.number}
    if order.is_disputed and not was_disputed:
        _log.warning("order disputed", **ids)
    if order.lost_amount > had_lost:
        _log.warning("dispute lost", **ids, amount=order.lost_amount - had_lost, currency=order.currency)


def decides_about_refunds(order: Order) -> bool:
    """Say whether a buyer's bank decides about the order's money now, so that Stripe would refund none of it."""
    return any(dispute.status not in _OVER | _INQUIRIES for dispute in order.disputes.all())


def lost_of(payment: Payment) -> int:
    """Return what lost disputes took of a payment, in minor units."""
    return sum(payment.disputes.filter(status=_LOST).values_list("amount", flat=True))


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
