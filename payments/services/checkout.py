"""Opening the checkout: the one call that a buyer waits for, between two transactions of ours."""

from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from common.db import retrying
from common.outbox import enqueue
from payments import gateway
from payments.errors import CheckoutClosed, CheckoutRefused, PaymentProviderUnavailable
from payments.gateway import SessionView
from payments.models import Order, OrderState, Payment
from payments.services import closing
from payments.services.attempts import begin_attempt, next_attempt, session_after_all
from payments.services.listing import ensure_listed
from payments.services.relisting import is_unlisted, relist
from payments.types import CheckoutOpened

RESOLVE_CHECKOUT = "payments.resolve_checkout"
EXPIRE_SESSION = "payments.expire_session"
_RESOLVE_AFTER = timedelta(seconds=20)
_TO_OPEN = (OrderState.RESERVED, OrderState.SESSION_PENDING)

# Payment and order change in one statement; the order's row says what became of it meanwhile.
_STORE = """
WITH stored AS (
    UPDATE payments_payment
    SET session_id = %(session_id)s, session_url = %(url)s, session_expires_at = %(expires_at)s
    WHERE id = %(payment_id)s AND (session_id IS NULL OR session_id = %(session_id)s)
    RETURNING order_id
)
UPDATE payments_order
SET state = CASE WHEN state IN ('reserved', 'session_pending') THEN 'open' ELSE state END
FROM stored WHERE payments_order.id = stored.order_id
RETURNING payments_order.state
"""


def open_checkout(order_id: UUID, *, now: datetime) -> CheckoutOpened:
    """Create the order's Checkout session, or resume it.

    The same key, the same stored parameters, one session.

    No transaction may be open: two short ones of its own lie before and after the call. A definite refusal
    releases the goods and raises ``CheckoutRefused``. An unknown outcome keeps them as ``session_pending``,
    lets a job find out, and raises ``PaymentProviderUnavailable``; calling again resumes. An order that is
    paid or closed raises ``CheckoutClosed``; a free, completed one has nothing to open and says so by
    ``None``.
    """
    order, payment = begin_attempt(order_id)
    if order.amount == 0 and order.state == OrderState.PAID:
        return CheckoutOpened(order.pk, None, None, None)
    if order.state == OrderState.OPEN and payment.session_id:
        return _opened(order, payment.session_id, payment.session_url)
    if order.state not in _TO_OPEN or _is_over(order, now):
        raise CheckoutClosed(order.state)
    return _opened_at_stripe(order, payment, now)


def _opened_at_stripe(order: Order, payment: Payment, now: datetime) -> CheckoutOpened:
    try:
        with gateway.deadline(settings.STRIPE_TIMEOUT_SECONDS):
            session = session_after_all(order, payment, now=now) if payment.is_key_spent else None
            if payment.is_key_spent and session is None:
                payment = next_attempt(order, payment, now=now)
            session = session or _created(order, payment, now)
    except gateway.Unknown as error:
        _keep_holding(order, payment, now=now, is_key_spent=error.is_key_spent)
        raise PaymentProviderUnavailable from error
    except gateway.GatewayError as error:
        _refused(order, payment, error, now=now)
    return _stored(order, payment, session, now)


def _created(order: Order, payment: Payment, now: datetime) -> SessionView:
    """Create the session; once more with what is sold listed anew, where Stripe does not sell it as it was."""
    try:
        return _asked(order, payment, now)
    except gateway.Refused as error:
        if not is_unlisted(error) or not relist(payment, now=now):
            raise
    return _asked(order, payment, now)


def _asked(order: Order, payment: Payment, now: datetime) -> SessionView:
    ensure_listed(order, payment, now=now)
    return gateway.create_session(payment.request["session"], key=payment.idempotency_key)


def _stored(order: Order, payment: Payment, session: SessionView, now: datetime) -> CheckoutOpened:
    """Keep the session, unless the hold was lost while it was made.

    Then it is closed and its address not told.
    """
    state = _store(payment, session)
    if state == OrderState.OPEN:
        return _opened(order, session.id, session.url or "")
    if state not in {OrderState.PAID, OrderState.PROCESSING, OrderState.LATE_PAID}:
        with transaction.atomic():
            close_session_later(order, session.id, now=now)
    raise CheckoutClosed(state)


@retrying
def _store(payment: Payment, session: SessionView) -> str:
    values: dict[str, str | datetime | UUID] = {
        "payment_id": payment.pk,
        "session_id": session.id,
        "url": session.url or "",
        "expires_at": session.expires_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, values)
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"Payment {payment.pk} already has another session than {session.id}")
    return str(row[0])


def close_session_later(order: Order, session_id: str, *, now: datetime) -> None:
    """Have a session closed at Stripe that nobody shall pay, in the caller's transaction."""
    enqueue(
        EXPIRE_SESSION,
        {"session_id": session_id, "order_id": order.pk},
        now=now,
        dedupe_key=f"expire-session:{session_id}",
        organization_id=order.organization_id,
    )


@retrying
def _keep_holding(order: Order, payment: Payment, *, now: datetime, is_key_spent: bool) -> None:
    """Nobody knows whether there is a session: keep the goods, and have a job find out."""
    with transaction.atomic():
        Order.objects.filter(pk=order.pk, state=OrderState.RESERVED).update(state=OrderState.SESSION_PENDING)
        if is_key_spent:
            Payment.objects.filter(pk=payment.pk, session_id=None).update(is_key_spent=True)
        enqueue(
            RESOLVE_CHECKOUT,
            {"order_id": order.pk},
            now=now,
            run_at=now + _RESOLVE_AFTER,
            dedupe_key=f"resolve:{order.pk}",
            organization_id=order.organization_id,
        )


def _refused(order: Order, payment: Payment, error: gateway.GatewayError, *, now: datetime) -> NoReturn:
    """Release what was refused for certain; always raises.

    Only the first sending of the first attempt is certain by itself. A later refusal says nothing of an
    earlier sending whose outcome is unknown: the hold stays, and the sweeper looks before it releases.
    """
    if payment.sends > 1 or payment.attempt > 1:
        _keep_holding(order, payment, now=now, is_key_spent=False)
        raise PaymentProviderUnavailable from error
    closing.release_refused(order.pk, now=now)
    raise CheckoutRefused(retryable=isinstance(error, gateway.RefusedRetryable)) from error


def _is_over(order: Order, now: datetime) -> bool:
    return order.hold_expires_at is None or order.hold_expires_at <= now


def _opened(order: Order, session_id: str, url: str) -> CheckoutOpened:
    return CheckoutOpened(order.pk, session_id, url, order.hold_expires_at)
