"""Money that came: the charge in the ledger, the goods to the buyer, or the money back at once."""

from collections.abc import Iterable
from datetime import datetime

import structlog

from common.outbox import cancel
from payments.gateway import ChargeView, RefundView, SessionView
from payments.models import (
    DEAD_REFUND_STATUSES,
    HOLDING_STATES,
    PAID_STATES,
    LedgerKind,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
    RefundOrigin,
)
from payments.purposes import Settlement, purpose_of
from payments.services import disputing, messages, refund_records, standing
from payments.services.following import paid_in_turn
from payments.services.ledger import enter
from payments.services.orders import hold_job_key

_log = structlog.stdlib.get_logger(__name__)

_NOTHING_TO_GIVE = {
    Settlement.NO_STOCK: "Paid after the hold ended, nothing left",
    Settlement.NOT_POSSIBLE: "What was paid for can no longer be given",
}
_GOING_BACK = frozenset({"pending", "requires_action", "succeeded"})


def remember_session(payment: Payment, session: SessionView) -> None:
    """Keep the session's ids; they may come from a webhook before the creation's own answer."""
    payment.session_id = payment.session_id or session.id
    payment.session_url = payment.session_url or session.url or ""
    payment.session_expires_at = session.expires_at
    payment.payment_intent_id = payment.payment_intent_id or session.payment_intent_id
    payment.save(update_fields=["session_id", "session_url", "session_expires_at", "payment_intent_id"])


def record_charge(order: Order, payment: Payment, charge: ChargeView, *, now: datetime) -> None:
    """Enter the charge, and its fee once Stripe knows it; each once."""
    is_new = enter(
        order, payment, LedgerKind.CHARGE, charge.id,
        amount=charge.amount, currency=charge.currency, occurred_at=charge.occurred_at, now=now,
    )  # fmt: skip
    if charge.fee and charge.balance_transaction_id:
        enter(
            order, payment, LedgerKind.FEE, charge.balance_transaction_id,
            amount=-charge.fee, currency=charge.fee_currency, occurred_at=charge.occurred_at, now=now,
        )  # fmt: skip
    if not is_new:
        return
    order.paid_amount += charge.amount
    payment.paid_amount += charge.amount
    payment.charge_id, payment.status, payment.succeeded_at = charge.id, PaymentStatus.SUCCEEDED, now
    payment.method_type, payment.brand, payment.last4 = charge.method_type, charge.brand, charge.last4
    payment.save()


def settle(
    order: Order, payment: Payment, refunds: Iterable[RefundView], *, paid_at: datetime, now: datetime
) -> None:
    """Give the goods for a payment that arrived, once.

    ``paid_at`` is the charge's own time, by Stripe's clock: the order and the ledger have a sale on the same day,
    however late we hear of it.

    Paid twice: nothing more is given, and ``return_what_bought_nothing`` sends it back. Refunded in full before we
    looked, or lost to the buyer's bank: the goods are not given. Paid after the goods were released and nothing is
    left of them, or paid for what can no longer be given, or late and disputed: all of it goes back.
    """
    if order.state in PAID_STATES:
        return
    going_back = sum(refund.amount for refund in refunds if refund.status in _GOING_BACK)
    going_back += disputing.lost_of(payment)
    order.paid_at, order.closed_at = paid_at, now
    cancel(hold_job_key(order))
    if going_back >= payment.paid_amount:
        purpose_of(order).release(order, now=now)
        order.state = OrderState.LATE_PAID
        return
    if order.state not in HOLDING_STATES and payment.pk in disputing.disputed_payments(order):
        # Too late, and the bank may take it: nothing is given that might have to be taken away again.
        _return_for_nothing(order, payment, _NOTHING_TO_GIVE[Settlement.NO_STOCK], now=now)
        return
    settlement = purpose_of(order).settle(order, now=now)
    if settlement is not Settlement.SETTLED:
        _return_for_nothing(order, payment, _NOTHING_TO_GIVE[settlement], now=now)
        return
    order.state = OrderState.PAID
    standing.announce_settled(order, now=now)
    messages.send_receipt(order, now=now)


def return_undeliverable(order: Order, *, now: datetime) -> bool:
    """Send everything back of a paid order whose goods can finally not be given, its units with it, and tell the buyer.

    Once: when that refund fails, people decide. Says whether it goes back now. Under ``locked_order``.
    """
    origin, reason = RefundOrigin.UNDELIVERABLE, _NOTHING_TO_GIVE[Settlement.NOT_POSSIBLE]
    waiting, goes_back = disputing.with_the_bank(order), False
    for payment in order.payments.select_for_update().exclude(paid_amount=0).order_by("attempt"):
        if payment.pk in waiting or _was_asked_back(payment, origin):
            continue
        units = refund_records.units_by_rule(order, gives_all_back=True)
        goes_back |= _return_all(order, payment, origin=origin, reason=reason, units=units, now=now)
    return goes_back


def _return_for_nothing(order: Order, payment: Payment, reason: str, *, now: datetime) -> None:
    """End an order that was paid though nothing can be given for it; all of it goes back."""
    order.state = OrderState.LATE_PAID
    _log.warning("paid for nothing, refunding", order_id=str(order.pk), number=order.number, reason=reason)
    if payment.pk not in disputing.with_the_bank(order):
        _return_all(order, payment, reason=reason, now=now)


def return_what_bought_nothing(order: Order, *, now: datetime) -> None:
    """Send back what came on top of another payment, or what nothing was given for and a bank held back.

    Once a payment: when that refund fails, people decide. Each reading of the order would else ask a bank again that
    refused, and promise the buyer the money again. While a bank decides Stripe makes none, so it is asked for when it
    has decided. Call it when all payments were recorded.
    """
    if order.state not in PAID_STATES:
        return
    waiting = disputing.with_the_bank(order)
    for number, payment in enumerate(paid_in_turn(order)):
        is_extra = number > 0
        if not (is_extra or order.state == OrderState.LATE_PAID) or payment.pk in waiting:
            continue
        if _was_asked_back(payment, RefundOrigin.AUTOMATIC) or not refund_records.refundable(payment):
            continue
        reason = "Charged twice" if is_extra else "Nothing was given for it"
        _log.error("paid for nothing, refunding", order_id=str(order.pk), number=order.number, reason=reason)
        _return_all(order, payment, reason=reason, now=now)


def _was_asked_back(payment: Payment, origin: RefundOrigin) -> bool:
    """Say whether its refund was asked for by itself, and what became of that is people's to decide.

    Not where a dispute stood in its way that has ended since, and people gave nothing back meanwhile.
    """
    last = payment.refunds.filter(origin=origin).order_by("created_at").last()
    if last is None or last.status not in DEAD_REFUND_STATUSES:
        return last is not None
    by_people = payment.order.refunds.filter(
        origin__in=(RefundOrigin.STAFF, RefundOrigin.DASHBOARD), created_at__gt=last.created_at
    )
    failed_at = last.settled_at or last.created_at
    in_its_way = payment.disputes.filter(
        status__in=disputing.OVER, opened_at__lte=failed_at, updated_at__gte=failed_at
    )
    return by_people.exists() or not in_its_way.exists()


def _return_all(
    order: Order,
    payment: Payment,
    *,
    origin: RefundOrigin = RefundOrigin.AUTOMATIC,
    reason: str,
    units: int = 0,
    now: datetime,
) -> bool:
    """Refund what is left of a payment and tell the buyer; says whether there was anything."""
    amount = refund_records.refundable(payment)
    if not amount:
        return False
    refund = refund_records.create_refund(
        order, payment, amount=amount, origin=origin, reason=reason,
        restock_units=units, restock_by_rule=units > 0, now=now,
    )  # fmt: skip
    messages.send_late_refund(order, refund, now=now)
    return True
