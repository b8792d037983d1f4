"""Asking for a refund, and having Stripe make it."""

from datetime import datetime, timedelta
from uuid import UUID

from accounts.services import access
from accounts.types import Capability
from common.audit.services import record
from common.db import retrying
from common.errors import Invalid, NotFound
from common.idempotency.services import Ticket, attach
from common.money import Money, format_money
from payments import gateway
from payments.errors import NotRefundable
from payments.gateway import RefundView
from payments.models import Order, Payment, Refund, RefundOrigin, RefundStatus, StripeOperation
from payments.models.operations import OperationState
from payments.purposes import purpose_of
from payments.services import refund_records
from payments.services.applying import apply_order
from payments.services.closing import locked_order
from payments.services.disputing import with_the_bank
from payments.services.following import goods_follow
from payments.services.listing import take_new_key
from payments.types import RequestRefund

LONGEST_REASON = 500
# Stripe may forget a key after 24 hours; before that a repetition is safe by the key alone.
_KEY_IS_SAFE_FOR = timedelta(hours=23)


@retrying
def request_refund(command: RequestRefund, *, now: datetime, ticket: Ticket | None = None) -> Refund:
    """Reserve the amount, write the refund and its audit entry, and have Stripe asked for it after the commit.

    Never above what was paid minus what went or is going back, or was lost in a dispute. Raises ``NotFound``,
    ``Forbidden`` (no right to refund), ``Invalid`` (naming ``amount``, ``reason`` or ``restock_units``),
    ``NotRefundable``.
    """
    if ticket is not None and ticket.subject_id is not None:
        return Refund.objects.get(pk=ticket.subject_id)
    known = Order.objects.filter(pk=command.order_id).values_list("organization_id", flat=True).first()
    if known is None:
        raise NotFound
    access.require(command.actor, known, Capability.REFUND)
    reason = _checked_reason(command.reason)
    with locked_order(command.order_id) as order:
        payment = _payment_to_refund(order)
        amount = _checked_amount(command.amount, payment)
        gives_all_back = amount == refund_records.refundable(payment)
        refund = refund_records.create_refund(
            order,
            payment,
            amount=amount,
            origin=RefundOrigin.STAFF,
            reason=reason,
            restock_units=_checked_units(command.restock_units, order, gives_all_back=gives_all_back),
            restock_by_rule=command.restock_units is None,
            requested_by=command.actor.user_id,
            now=now,
        )
        if ticket is not None:
            attach(ticket, refund.pk)
        record(
            actor=command.actor,
            action="payments.refund",
            subject=order,
            organization_id=order.organization_id,
            reason=reason,
            changes={
                "refund": [None, str(refund.pk)],
                "amount": [None, amount],
                "restock_units": [None, refund.restock_units],
            },
            now=now,
        )
        return refund


def send_refund(refund_id: UUID, *, now: datetime) -> None:
    """Have Stripe make a refund that was written, under its kept key.

    Then apply what Stripe says of the order.

    No transaction may be open. A refusal for certain fails the refund and gives its allowance back, once the refund
    or the dispute that made Stripe refuse is known here: the goods go on only if neither forbids it. The
    gateway's other errors are raised, and calling again is safe: the same key, and past its time or after a
    5xx a look first.
    """
    refund = Refund.objects.select_related("payment").filter(pk=refund_id).first()
    if refund is None:
        raise NotFound
    operation, refused = None, ""
    if refund.status == RefundStatus.REQUESTED and refund.stripe_refund_id is None:
        operation = StripeOperation.objects.get(operation="refund", stable_id=str(refund.pk))
        if _made_already(refund, operation, now=now) is None:
            refused = _ask(refund, operation, now=now)
    apply_order(refund.order_id, now=now)
    if operation is not None and refused:
        _fail(refund, operation, refused, now=now)
        # What stood in its way may have ended meanwhile; and what is left is to be judged without this refund.
        apply_order(refund.order_id, now=now)


def _ask(refund: Refund, operation: StripeOperation, *, now: datetime) -> str:
    """Have Stripe make the refund; answer why it certainly did not, empty when it did."""
    try:
        view = gateway.create_refund(operation.request, key=operation.idempotency_key)
    except gateway.Unknown as error:
        if error.is_key_spent:
            StripeOperation.objects.filter(pk=operation.pk).update(is_key_spent=True, updated_at=now)
        raise
    except gateway.Refused as error:
        return "" if _look_up(refund, operation, now=now) else error.message or "Refused"
    _note(operation, OperationState.SUCCEEDED, now=now, result_id=view.id)
    return ""


def _made_already(refund: Refund, operation: StripeOperation, *, now: datetime) -> RefundView | None:
    """Look where the key alone is not enough.

    A key that Stripe answers by a 5xx for ever is replaced then.
    """
    if not operation.is_key_spent and now - operation.created_at < _KEY_IS_SAFE_FOR:
        return None
    found = _look_up(refund, operation, now=now)
    if found is None and operation.is_key_spent:
        take_new_key(operation, now=now)
        operation.refresh_from_db()
    return found


def _look_up(refund: Refund, operation: StripeOperation, *, now: datetime) -> RefundView | None:
    """Return the refund that Stripe made though its answer was lost, and note what came of the call."""
    made = gateway.refunds_of(refund.payment.payment_intent_id or "")
    found = next((one for one in made if one.metadata.get("refund_id") == str(refund.pk)), None)
    if found is not None:
        _note(operation, OperationState.SUCCEEDED, now=now, result_id=found.id)
    return found


@retrying
def _fail(refund: Refund, operation: StripeOperation, reason: str, *, now: datetime) -> None:
    with locked_order(refund.order_id) as order:
        fresh = Refund.objects.select_for_update().get(pk=refund.pk)
        if fresh.status == RefundStatus.REQUESTED:
            with goods_follow(order, now=now):
                refund_records.fail_refund(order, fresh, reason, now=now)
        _note(operation, OperationState.REFUSED, now=now, error=reason)


def _note(
    operation: StripeOperation, state: OperationState, *, now: datetime, result_id: str = "", error: str = ""
) -> None:
    StripeOperation.objects.filter(pk=operation.pk).update(
        state=state, result_id=result_id, error=error[:500], updated_at=now
    )


def _checked_reason(reason: str) -> str:
    text = reason.strip()
    if not text:
        raise Invalid.field("reason", "required", "Say why the money goes back.")
    if len(text) > LONGEST_REASON:
        raise Invalid.field("reason", "too_long", f"At most {LONGEST_REASON} characters.")
    return text


def _payment_to_refund(order: Order) -> Payment:
    """Return the payment of which most can go back, locked."""
    list(order.payments.select_for_update().order_by("pk"))
    payment, left = refund_records.most_refundable(order)
    if payment is not None and left:
        return payment
    if with_the_bank(order):
        raise NotRefundable("The buyer's bank disputes the payment; it decides about the money.")
    raise NotRefundable("Nothing of what was paid is left to refund.")


def _checked_amount(amount: int | None, payment: Payment) -> int:
    left = refund_records.refundable(payment)
    if amount is None:
        return left
    if amount < 1:
        raise Invalid.field("amount", "too_small", "More than nothing goes back.")
    if amount > left:
        raise Invalid.field(
            "amount", "too_large", f"At most {format_money(Money(left, payment.currency))} is left to refund."
        )
    return amount


def _checked_units(units: int | None, order: Order, *, gives_all_back: bool) -> int:
    if units is None:
        return refund_records.units_by_rule(order, gives_all_back=gives_all_back)
    most = purpose_of(order).units_sold(order) - refund_records.units_promised(order)
    if not 0 <= units <= most:
        raise Invalid.field("restock_units", "out_of_range", f"Between 0 and {most} units can come back.")
    return units
