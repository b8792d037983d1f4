"""The birth of an order, inside the transaction that reserves its goods."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings

from common import statements
from common.errors import Invalid
from common.money import MAXIMUM_MINOR, MINIMUM_MINOR, Money, NotMoney, exponent, format_money
from common.outbox import NewJob, post
from payments.models import Order, OrderState, Payment, PaymentStatus
from payments.purposes import Settlement, purpose_of
from payments.services import messages, standing
from payments.services.numbers import new_number
from payments.services.requests import session_key, session_params
from payments.types import NewOrder

EXPIRE_HOLD = "payments.expire_hold"

# One statement for both rows: a purchase has twelve in all (query budget).
_INSERT = """
WITH born AS (
    INSERT INTO payments_order (id, number, organization_id, event_id, buyer_id, purpose, purpose_id, title,
        quantity, unit_amount, amount, currency, state, version, paid_amount, refunded_amount,
        refund_pending_amount, is_disputed, quarantine_reason, hold_expires_at, created_at)
    VALUES (%(id)s, %(number)s, %(organization_id)s, %(event_id)s, %(buyer_id)s, %(purpose)s,
        %(purpose_id)s, %(title)s, %(quantity)s, %(unit_amount)s, %(amount)s, %(currency)s, %(state)s,
        0, 0, 0, 0, false, '', %(hold_expires_at)s, %(created_at)s)
    RETURNING id, amount, currency, created_at
)
INSERT INTO payments_payment (id, order_id, attempt, status, amount, currency, request, idempotency_key,
    sends, is_key_spent, session_url, paid_amount, method_type, brand, last4, created_at)
SELECT %(payment_id)s, born.id, 1, %(payment_status)s, born.amount, born.currency, %(request)s::jsonb,
    %(idempotency_key)s, 0, false, '', 0, '', '', '', born.created_at
FROM born
"""


def hold_job_key(order: Order) -> str:
    """Return the key of the one job that ends the order's hold."""
    return f"hold:{order.pk}"


def check_amount(unit: Money, quantity: int) -> None:
    """Refuse a total that Stripe would refuse, before anything is asked of it; 0 is free and fine.

    Raises ``Invalid`` naming ``price`` (or ``quantity`` where one unit alone would pass). Stripe: 8 digits at
    most, a minimum for each currency, three-decimal currencies in steps of ten.
    """
    try:
        exponent(unit.currency)
    except NotMoney as error:
        raise Invalid.field("currency", "unsupported_currency", str(error)) from error
    total = unit * quantity
    if total.amount > MAXIMUM_MINOR:
        field = "price" if unit.amount > MAXIMUM_MINOR else "quantity"
        most = format_money(Money(MAXIMUM_MINOR, unit.currency))
        raise Invalid.field(field, "amount_too_large", f"The total may be at most {most}.")
    if 0 < total.amount < MINIMUM_MINOR.get(unit.currency, 1):
        least = format_money(Money(MINIMUM_MINOR[unit.currency], unit.currency))
        raise Invalid.field("price", "amount_too_small", f"The total must be nothing or at least {least}.")
    _check_steps(unit)


def _check_steps(unit: Money) -> None:
    """Refuse what the currency's smallest payable unit does not divide (Stripe: "Special cases")."""
    if exponent(unit.currency) == 3 and unit.amount % 10:
        raise Invalid.field(
            "price", "amount_not_payable", f"{unit.currency} is charged with two decimals only."
        )
    if unit.currency == "ISK" and unit.amount % 100:
        raise Invalid.field("price", "amount_not_payable", "ISK is charged in whole krónur only.")


def create_order(new: NewOrder, *, now: datetime, jobs: Sequence[NewJob] = ()) -> Order:
    """Write the order, its payment and the job that ends its hold, in the caller's transaction.

    Two statements.

    ``jobs`` of the caller go along in the same insert. A free order has no hold and no job: call
    ``settle_free`` next. The amounts must have passed ``check_amount``.
    """
    order = _order_of(new, now)
    payment = _payment_of(new, order, now)
    values = {name: getattr(order, name) for name in _ORDER_FIELDS} | {
        "payment_id": payment.pk,
        "payment_status": payment.status,
        "request": json.dumps(payment.request),
        "idempotency_key": payment.idempotency_key,
    }
    statements.run(_INSERT, values)
    due = [*jobs]
    if order.hold_expires_at is not None:
        due.append(
            NewJob(
                EXPIRE_HOLD,
                {"order_id": order.pk},
                run_at=order.hold_expires_at,
                dedupe_key=hold_job_key(order),
                organization_id=order.organization_id,
            )
        )
    if due:
        post(due, now=now)
    return order


def settle_free(order: Order, *, now: datetime) -> None:
    """Complete an order that costs nothing, in the caller's transaction, which holds the locks of its goods.

    Raises ``ValueError`` for an order that costs something, ``LookupError`` when its reservation is gone.
    """
    if order.amount:
        raise ValueError("Only a free order is settled without a payment")
    if order.state == OrderState.PAID:
        return
    before = order.status
    if purpose_of(order).settle(order, now=now) is not Settlement.SETTLED:
        raise LookupError("A free order is settled in the transaction that reserved its goods")
    Payment.objects.filter(order=order).update(status=PaymentStatus.SUCCEEDED, succeeded_at=now)
    order.state, order.paid_at, order.closed_at = OrderState.PAID, now, now
    order.save(update_fields=["state", "paid_at", "closed_at"])
    standing.announce(order, before=before, now=now)
    standing.announce_settled(order, now=now)
    messages.send_receipt(order, now=now)


_ORDER_FIELDS = (
    "id", "number", "organization_id", "event_id", "buyer_id", "purpose", "purpose_id", "title", "quantity",
    "unit_amount", "amount", "currency", "state", "hold_expires_at", "created_at",
)  # fmt: skip


def _order_of(new: NewOrder, now: datetime) -> Order:
    total = new.total
    hold = now + timedelta(seconds=settings.RESERVATION_TTL_SECONDS) if total.amount else None
    order = Order(
        id=new.order_id,
        number=new_number(),
        organization_id=new.organization_id,
        event_id=new.event_id,
        buyer_id=new.buyer_id,
        purpose=new.purpose,
        purpose_id=new.purpose_id,
        title=new.title,
        quantity=new.quantity,
        unit_amount=new.unit.amount,
        amount=total.amount,
        currency=total.currency,
        state=OrderState.RESERVED.value,
        hold_expires_at=hold,
        created_at=now,
    )
    order._state.adding = False
    return order


def _payment_of(new: NewOrder, order: Order, now: datetime) -> Payment:
    payment_id = uuid4()
    request = {}
    if order.amount:
        request = {
            "session": session_params(new, payment_id, now=now),
            "product": {
                "reference": new.reference,
                "title": new.title,
                "image_url": new.image_url,
                "product_id": new.known_product_id,
            },
        }
    return Payment(
        id=payment_id,
        order=order,
        amount=order.amount,
        currency=order.currency,
        request=request,
        idempotency_key=session_key(payment_id),
    )
