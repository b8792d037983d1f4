"""The birth of an order, inside the transaction that reserves its goods."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from common import statements
from common.errors import Invalid
from common.money import MAXIMUM_MINOR, MINIMUM_MINOR, Money, NotMoney, exponent, format_money
from common.outbox import NewJob, queue
from payments.models import Order, OrderState, Payment, PaymentStatus
from payments.purposes import Settlement, purpose_of
from payments.services import messages, standing
from payments.services.numbers import new_number
from payments.services.stripe_params import is_listed, session_key, session_params
from payments.types import NewOrder

EXPIRE_HOLD = "payments.expire_hold"

# An order and its payment, as parts of the one statement of the room that sells: they are written where its
# part ``held`` has a row. ``NewRows.values`` are the parameters.
ROWS = f"""born AS (
    INSERT INTO payments_order (id, number, organization_id, event_id, buyer_id, purpose, purpose_id, title,
        quantity, unit_amount, amount, currency, state, version, paid_amount, refunded_amount,
        refund_pending_amount, is_disputed, quarantine_reason, hold_expires_at, created_at)
    SELECT %(order_id)s, %(number)s, %(organization_id)s, %(event_id)s, %(buyer_id)s, %(purpose)s,
        %(purpose_id)s, %(title)s, %(quantity)s, %(unit_amount)s, %(amount)s, %(currency)s,
        '{OrderState.RESERVED.value}', 0, 0, 0, 0, false, '', %(hold_expires_at)s::timestamptz,
        %(created_at)s
    FROM held
    RETURNING id, amount, currency, created_at
), payment AS (
    INSERT INTO payments_payment (id, order_id, attempt, status, amount, currency, request, idempotency_key,
        sends, is_key_spent, session_url, paid_amount, method_type, brand, last4, created_at)
    SELECT %(payment_id)s, born.id, 1, '{PaymentStatus.PENDING.value}', born.amount, born.currency,
        %(request)s::jsonb, %(idempotency_key)s, 0, false, '', 0, '', '', '', born.created_at
    FROM born
)"""  # noqa: S608 - constants
_WRITE = f"WITH held AS (SELECT), {ROWS} {queue.insertion('true')}"


@dataclass(frozen=True, slots=True)
class NewRows:
    """An order that is about to be written, the parameters of ``ROWS`` and of the queue, and its jobs."""

    order: Order
    values: dict[str, object]
    jobs: tuple[NewJob, ...]


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

    One statement. ``jobs`` of the caller go along. A free order has no hold and no job: call ``settle_free``
    next. The amounts must have passed ``check_amount``.
    """
    rows = prepare(new, now=now, jobs=jobs)
    statements.run(_WRITE, rows.values)
    arranged(rows, now=now)
    return rows.order


def prepare(new: NewOrder, *, now: datetime, jobs: Sequence[NewJob] = ()) -> NewRows:
    """Return what ``create_order`` would write, for a room whose own statement contains ``ROWS``.

    Such a room calls ``arranged`` once that is written.
    """
    payment_id = uuid4()
    order = _order_of(new, now)
    due = (*jobs, _end_of_hold(order)) if order.hold_expires_at else tuple(jobs)
    values = {name: getattr(order, name) for name in _ORDER_VALUES} | {
        "order_id": order.pk,
        "payment_id": payment_id,
        "request": json.dumps(_request_of(new, payment_id, now)),
        "idempotency_key": session_key(payment_id),
    }
    return NewRows(order, values | queue.values_of(due, now=now), due)


def arranged(rows: NewRows, *, now: datetime) -> None:
    """Have the workers woken for the jobs of an order that was just written."""
    queue.wake_for(rows.jobs, now=now)


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


_ORDER_VALUES = (
    "number", "organization_id", "event_id", "buyer_id", "purpose", "purpose_id", "title", "quantity",
    "unit_amount", "amount", "currency", "hold_expires_at", "created_at",
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


def _end_of_hold(order: Order) -> NewJob:
    return NewJob(
        EXPIRE_HOLD,
        {"order_id": order.pk},
        run_at=order.hold_expires_at,
        dedupe_key=hold_job_key(order),
        organization_id=order.organization_id,
    )


def _request_of(new: NewOrder, payment_id: UUID, now: datetime) -> dict[str, Any]:
    """Return what will be asked of Stripe; nothing for what costs nothing."""
    if not new.total.amount:
        return {}
    return {
        "session": session_params(new, payment_id, now=now),
        "product": {
            "reference": new.reference,
            "title": new.title,
            "image_url": new.image_url,
            "product_id": new.known_product_id if is_listed(new) else "",
        },
    }
