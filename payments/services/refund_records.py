"""Refunds under the order's lock: what may go back, what is going, and what Stripe says became of it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

import structlog
from django.db.models import Q

from common.outbox import enqueue
from payments.gateway import RefundView
from payments.models import (
    DEAD_REFUND_STATUSES,
    LIVE_REFUND_STATUSES,
    UNDER_WAY_STATUSES,
    LedgerKind,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
    Refund,
    RefundOrigin,
    RefundStatus,
)
from payments.purposes import purpose_of
from payments.services import messages, standing
from payments.services.disputing import LOST, lost_of, with_the_bank
from payments.services.following import goods_follow
from payments.services.ledger import enter
from payments.services.listing import operation_of
from payments.services.stripe_params import refund_params

_log = structlog.stdlib.get_logger(__name__)

CREATE_REFUND = "payments.create_refund"
# A refund only ever moves up: an answer that is repeated late cannot take back a later one.
_RANK = {
    RefundStatus.REQUESTED: 0,
    RefundStatus.PENDING: 1,
    RefundStatus.REQUIRES_ACTION: 1,
    RefundStatus.SUCCEEDED: 2,
    RefundStatus.FAILED: 3,
    RefundStatus.CANCELED: 3,
}


def refundable(payment: Payment) -> int:
    """Return how much of a payment may still go back, in minor units: paid, minus what went, is going or was lost."""
    live = payment.refunds.filter(status__in=LIVE_REFUND_STATUSES).values_list("amount", flat=True)
    return max(0, payment.paid_amount - sum(live) - lost_of(payment))


def most_refundable(order: Order) -> tuple[Payment | None, int]:
    """Return the payment of which most can go back now, and how much; of two the one that bought the goods first.

    Nothing can of a payment about which a bank decides.
    """
    waiting = with_the_bank(order)
    payments = order.payments.exclude(paid_amount=0).exclude(pk__in=waiting).order_by("attempt")
    left = [(payment, refundable(payment)) for payment in payments]
    return max(left, key=lambda one: one[1], default=(None, 0))


def create_refund(
    order: Order,
    payment: Payment,
    *,
    amount: int,
    origin: RefundOrigin,
    reason: str,
    restock_units: int,
    restock_by_rule: bool = False,
    now: datetime,
    requested_by: UUID | None = None,
) -> Refund:
    """Write a refund, its Stripe operation with its key, and the job that asks Stripe for it.

    The caller holds the locks.

    When with it everything is on its way back, goods that come back and that nobody has yet are stopped at once.
    """
    refund = Refund(
        id=uuid4(), order=order, payment=payment, amount=amount, currency=order.currency, origin=origin,
        reason=reason, restock_units=restock_units, restock_by_rule=restock_by_rule,
        requested_by=requested_by, created_at=now,
    )  # fmt: skip
    with goods_follow(order, now=now):
        refund.save(force_insert=True)
        recount(order)
    refund.refresh_from_db(fields=["restock_units", "stopped_fulfilment"])
    _have_it_asked_for(refund, now=now)
    return refund


def _have_it_asked_for(refund: Refund, *, now: datetime) -> None:
    order, intent_id = refund.order, refund.payment.payment_intent_id or ""
    wanted = refund_params(order_id=order.pk, refund_id=refund.pk, intent_id=intent_id, amount=refund.amount)
    operation_of("refund", str(refund.pk), wanted, now=now)
    enqueue(
        CREATE_REFUND,
        {"refund_id": refund.pk},
        now=now,
        dedupe_key=f"refund:{refund.pk}",
        organization_id=order.organization_id,
    )


def units_by_rule(order: Order, *, gives_all_back: bool) -> int:
    """Return how many units come back when nobody said.

    All, of goods nobody has, when all money goes back.
    """
    purpose = purpose_of(order)
    if not gives_all_back or order.state != OrderState.PAID or purpose.is_fulfilled(order):
        return 0
    return max(0, purpose.units_sold(order) - units_promised(order))


def units_promised(order: Order) -> int:
    """Return how many units are to come back with refunds that are under way, or with the last of the money."""
    waiting = order.refunds.filter(
        Q(status__in=UNDER_WAY_STATUSES) | Q(status=RefundStatus.SUCCEEDED, restock_by_rule=True)
    )
    return sum(wanted - came for wanted, came in waiting.values_list("restock_units", "units_returned"))


def record_refunds(order: Order, payment: Payment, seen: Iterable[RefundView], *, now: datetime) -> None:
    """Take over what Stripe says of a payment's refunds, ours and those of its dashboard.

    Call inside ``goods_follow``, which judges what becomes of the goods.
    """
    for view in sorted(seen, key=lambda one: one.occurred_at):
        refund = _find(order, payment, view) or _from_dashboard(order, payment, view, now)
        _advance(order, payment, refund, view, now)
    recount(order)
    _restate(payment)


def fail_refund(order: Order, refund: Refund, reason: str, *, now: datetime) -> None:
    """Record that Stripe will not make this refund: its amount may be refunded again.

    Call inside ``goods_follow``, which judges what becomes of the goods.
    """
    refund.status, refund.failure, refund.settled_at = RefundStatus.FAILED, reason[:300], now
    refund.save(update_fields=["status", "failure", "settled_at"])
    # Units that came back with it before, since it had succeeded, are for people: they may be sold again.
    ids = {"order_id": str(order.pk), "refund_id": str(refund.pk)}
    _log.error("refund failed", **ids, reason=reason, units_returned=refund.units_returned)
    recount(order)


def recount(order: Order) -> None:
    """Sum up on the order what went back, what is on its way, and what was lost in disputes.

    What is under way counts up to what is left: the dashboard may be faster. What was lost counts for each payment up
    to what refunds had left of it: a bank may name what had gone back already.
    """
    rows = list(order.refunds.values_list("payment_id", "status", "amount"))
    back: Counter[UUID] = Counter()
    for payment_id, status, amount in rows:
        back[payment_id] += amount if status == RefundStatus.SUCCEEDED else 0
    order.refunded_amount = back.total()
    under_way = sum(amount for _, status, amount in rows if status in UNDER_WAY_STATUSES)
    order.refund_pending_amount = max(0, min(under_way, order.paid_amount - order.refunded_amount))
    disputed = order.payments.filter(disputes__status=LOST).distinct()
    order.lost_amount = sum(
        max(0, min(lost_of(payment), payment.paid_amount - back[payment.pk])) for payment in disputed
    )
    order.save(update_fields=["paid_amount", "refunded_amount", "refund_pending_amount", "lost_amount"])


def _find(order: Order, payment: Payment, view: RefundView) -> Refund | None:
    known = order.refunds.filter(stripe_refund_id=view.id).first()
    if known is not None:
        return known
    named = view.metadata.get("refund_id", "")
    ours = order.refunds.filter(payment=payment, stripe_refund_id=None)
    return next((refund for refund in ours if str(refund.pk) == named), None)


def _from_dashboard(order: Order, payment: Payment, view: RefundView, now: datetime) -> Refund:
    left = refundable(payment)
    # Where a loss left nothing, this refund is not what gave the last of it back.
    is_the_last = view.amount >= left and (left > 0 or not lost_of(payment))
    gives_all_back = is_the_last and view.status not in DEAD_REFUND_STATUSES
    return Refund.objects.create(
        id=uuid4(),
        order=order,
        payment=payment,
        amount=view.amount,
        currency=view.currency,
        origin=RefundOrigin.DASHBOARD,
        reason="Made in Stripe's dashboard",
        restock_units=units_by_rule(order, gives_all_back=gives_all_back),
        restock_by_rule=True,
        stripe_refund_id=view.id,
        created_at=now,
    )


def _advance(order: Order, payment: Payment, refund: Refund, view: RefundView, now: datetime) -> None:
    refund.stripe_refund_id = view.id
    status = RefundStatus(view.status) if view.status in RefundStatus.values else RefundStatus.PENDING
    before = RefundStatus(refund.status)
    if _RANK[status] <= _RANK[before]:
        # Between pending and waiting for somebody it goes back and forth.
        refund.status = status if _RANK[status] == _RANK[before] == _RANK[RefundStatus.PENDING] else before
        refund.save(update_fields=["stripe_refund_id", "status"])
        return
    refund.status, refund.failure = status, view.failure
    refund.save(update_fields=["stripe_refund_id", "status", "failure"])
    if status == RefundStatus.SUCCEEDED:
        _succeeded(order, payment, refund, view, now)
    elif status in DEAD_REFUND_STATUSES:
        _failed(order, payment, refund, view, before, now)


def _succeeded(order: Order, payment: Payment, refund: Refund, view: RefundView, now: datetime) -> None:
    _enter(order, payment, LedgerKind.REFUND, view, -view.amount, now)
    refund.settled_at = now
    if refund.restock_units and not refund.restock_by_rule and order.state == OrderState.PAID:
        wanted = refund.restock_units - refund.units_returned
        refund.units_returned += purpose_of(order).return_units(order, wanted, now=now)
    refund.save(update_fields=["settled_at", "units_returned"])
    standing.announce_refund(order, refund.pk, now=now)
    messages.send_refund(order, refund, now=now)


def _failed(
    order: Order, payment: Payment, refund: Refund, view: RefundView, before: RefundStatus, now: datetime
) -> None:
    if before == RefundStatus.SUCCEEDED:
        _enter(order, payment, LedgerKind.REFUND_FAILED, view, view.amount, now)
    fail_refund(order, refund, view.failure or view.status, now=now)
    refund.status = RefundStatus(view.status)
    refund.save(update_fields=["status"])


def _enter(
    order: Order, payment: Payment, kind: LedgerKind, view: RefundView, amount: int, now: datetime
) -> None:
    enter(
        order, payment, kind, view.id,
        amount=amount, currency=view.currency, occurred_at=view.occurred_at, now=now,
    )  # fmt: skip


def _restate(payment: Payment) -> None:
    """Let the payment's status say what went back of it."""
    if not payment.paid_amount:
        return
    returned = sum(payment.refunds.filter(status=RefundStatus.SUCCEEDED).values_list("amount", flat=True))
    if not returned:
        payment.status = PaymentStatus.SUCCEEDED
    elif returned < payment.paid_amount:
        payment.status = PaymentStatus.PARTIALLY_REFUNDED
    else:
        payment.status = PaymentStatus.REFUNDED
    payment.save(update_fields=["status"])
