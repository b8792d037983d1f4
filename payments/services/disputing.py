"""Disputes: recorded with what they moved.

Fulfilment stops while the bank decides. When it is won it goes on, and also when a part is lost: what the bank took is
then as if it had been refunded (``payments.services.following``).
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import structlog

from payments.gateway import DisputeMovement, DisputeView
from payments.models import Dispute, LedgerKind, Order, Payment
from payments.services.ledger import enter

_log = structlog.stdlib.get_logger(__name__)

LOST = "lost"
OVER = frozenset({"won", LOST, "warning_closed", "prevented"})
# The bank asks before it takes anything: a refund ends that, and Stripe makes it.
_INQUIRIES = frozenset({"warning_needs_response", "warning_under_review"})


def record_disputes(order: Order, payment: Payment, seen: Iterable[DisputeView], *, now: datetime) -> None:
    """Take over what Stripe says of a payment's disputes, with every movement of money once.

    Call inside ``goods_follow``, which judges what becomes of the goods, and before refunds are recorded: what is left
    of the payment is judged with them.
    """
    was_disputed = order.is_disputed
    for view in seen:
        _record(order, payment, view, now)
    order.is_disputed = bool(disputed_payments(order))
    if order.is_disputed and not was_disputed:
        _log.warning("order disputed", order_id=str(order.pk), number=order.number)


def disputed_payments(order: Order) -> set[UUID]:
    """Return the payments of an order of which a dispute stands, inquiries too."""
    return {one.payment_id for one in order.disputes.all() if one.status not in OVER}


def with_the_bank(order: Order) -> set[UUID]:
    """Return the payments about which a bank decides now, so that Stripe would refund nothing of them."""
    return {one.payment_id for one in order.disputes.all() if one.status not in OVER | _INQUIRIES}


def lost_of(payment: Payment) -> int:
    """Return what lost disputes took of a payment, in minor units; it may name what had gone back already."""
    return sum(payment.disputes.filter(status=LOST).values_list("amount", flat=True))


def _record(order: Order, payment: Payment, view: DisputeView, now: datetime) -> None:
    said = {"status": view.status, "reason": view.reason, "amount": view.amount}
    known = Dispute.objects.filter(stripe_dispute_id=view.id).first()
    if known is None:
        Dispute.objects.create(
            order=order, payment=payment, stripe_dispute_id=view.id, currency=view.currency,
            opened_at=view.opened_at, updated_at=now, **said,
        )  # fmt: skip
    elif said != {name: getattr(known, name) for name in said}:
        # Its time is that of its status: of one that is over, when it ended.
        moved = now if view.status != known.status else known.updated_at
        Dispute.objects.filter(pk=known.pk).update(updated_at=moved, **said)
    if view.status == LOST and (known is None or known.status != LOST):
        lost = {"amount": view.amount, "currency": view.currency}
        _log.warning("dispute lost", order_id=str(order.pk), number=order.number, **lost)
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
