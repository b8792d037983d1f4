"""Attempts to open a checkout: each sending is counted before it is made, each spent key is replaced."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from common.db import retrying
from common.errors import NotFound
from payments.gateway import SessionView
from payments.models import Order, Payment
from payments.services.reading import find_sessions, payment_named_by
from payments.services.stripe_params import renewed_params, session_key

# Counts the sending and reads order and payment, in the one statement that a purchase can afford for it. Only
# what is going to be sent is counted: an order that is open, paid or closed is just read.
_BEGIN = """
WITH latest AS (
    SELECT p.id, o.state FROM payments_payment p JOIN payments_order o ON o.id = p.order_id
    WHERE p.order_id = %s ORDER BY p.attempt DESC LIMIT 1
)
UPDATE payments_payment p
SET sends = p.sends + CASE WHEN latest.state IN ('reserved', 'session_pending') THEN 1 ELSE 0 END
FROM latest, payments_order o
WHERE p.id = latest.id AND o.id = p.order_id
RETURNING {order}, {payment}
"""


@retrying
def begin_attempt(order_id: UUID) -> tuple[Order, Payment]:
    """Return the order and its latest payment, with the sending that is about to be made counted and
    committed.

    Raises ``NotFound``.
    """
    order_fields = [field.attname for field in Order._meta.concrete_fields]
    payment_fields = [field.attname for field in Payment._meta.concrete_fields]
    with connection.cursor() as cursor:
        cursor.execute(
            _BEGIN.format(
                order=", ".join(f"o.{name}" for name in order_fields),
                payment=", ".join(f"p.{name}" for name in payment_fields),
            ),
            [order_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound("There is no such order")
    order = Order.from_db("default", order_fields, row[: len(order_fields)])
    payment = Payment.from_db("default", payment_fields, _decoded(payment_fields, row[len(order_fields) :]))
    payment.order = order
    return order, payment


def session_after_all(order: Order, payment: Payment, *, now: datetime) -> SessionView | None:
    """Look for a session whose creation answered a 5xx, which Stripe repeats for ever under that key."""
    for session in find_sessions(order, now=now):
        if payment_named_by(session) == str(payment.pk):
            return session
    return None


@retrying
@transaction.atomic
def next_attempt(order: Order, payment: Payment, *, now: datetime) -> Payment:
    """Take a new key after a 5xx that left no session.

    A new payment of the same order, once however many ask.
    """
    locked = Order.objects.select_for_update().get(pk=order.pk)
    latest = Payment.objects.filter(order=locked).order_by("-attempt")[0]
    if latest.attempt > payment.attempt:
        return latest
    new_id = uuid4()
    return Payment.objects.create(
        id=new_id,
        order=locked,
        attempt=payment.attempt + 1,
        amount=payment.amount,
        currency=payment.currency,
        request=payment.request | {"session": renewed_params(payment.request["session"], new_id, now=now)},
        idempotency_key=session_key(new_id),
        sends=1,
        created_at=now,
    )


def _decoded(names: list[str], values: tuple[Any, ...]) -> list[Any]:
    """Read the JSON column, which comes as text outside of the ORM."""
    return [
        json.loads(value) if name == "request" and isinstance(value, str) else value
        for name, value in zip(names, values, strict=True)
    ]
