"""A world of sales and the figures of it, for tests."""

from datetime import date, datetime
from uuid import uuid4

import pytest
from django.db import connection

from accounts.tests.factories import NOW, make_user
from analytics.services.known import known
from analytics.services.monetization import monetization
from common.types import SYSTEM
from offers.models import Offer
from offers.tests.factories import give
from payments.models import LedgerEntry, Order, Payment

DAY = NOW.date()


@pytest.fixture(autouse=True)
def nothing_known():
    """What a test's transaction takes back, a process must not remember."""
    known.forget()


def sold(
    offer: Offer, at: datetime = NOW, *, quantity: int = 1, back: int = 0, back_at: datetime | None = None
) -> None:
    """Sell units at a time, and give some of the money back at another."""
    order = give(offer, make_user(), quantity=quantity).order
    Order.objects.filter(pk=order.pk).update(paid_at=at, created_at=at)
    payment = Payment.objects.create(
        order=order, attempt=1, amount=order.amount, currency=order.currency, created_at=at,
        idempotency_key=uuid4().hex,
    )  # fmt: skip
    move(order, payment, "charge", order.amount, at)
    if back:
        move(order, payment, "refund", -back, back_at or at)


def move(order: Order, payment: Payment, kind: str, amount: int, at: datetime) -> None:
    """Write a movement into the ledger."""
    LedgerEntry.objects.create(
        order=order, payment=payment, kind=kind, amount=amount, currency=order.currency, stripe_id=uuid4().hex,
        occurred_at=at, recorded_at=at,
    )  # fmt: skip


def figures(event, first: date, last: date, part: str):
    """Return one part of an event's figures."""
    found = monetization(actor=SYSTEM, event_id=event.pk, date_from=first, date_to=last, now=NOW)
    return found.parts[part].figures


def broken(table: str) -> None:
    """Let every question about a table fail."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
