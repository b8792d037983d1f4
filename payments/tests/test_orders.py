"""The birth of orders: amounts, free orders, numbers, statements."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_user
from common import clock
from common.errors import Invalid
from common.money import Money
from common.outbox.models import Job
from notifications.models import EmailMessage
from notifications.services.email import queue_email
from notifications.templates import registry
from payments import contributions
from payments.models import LedgerEntry, Order, OrderStatus, Payment
from payments.services.checkout import open_checkout
from payments.services.numbers import new_number, normal_number
from payments.services.orders import check_amount, create_order, settle_free
from payments.tests.factories import Shop, buy, make_shop, new_order, place
from payments.tests.goods import Goods
from sandbox.testing import SandboxProcess


@pytest.mark.parametrize(
    ("amount", "currency", "quantity", "field"),
    [
        (49, "USD", 1, "price"),
        (29, "GBP", 1, "price"),
        (49, "JPY", 1, "price"),
        (100_000_000, "USD", 1, "price"),
        (60_000_000, "USD", 2, "quantity"),
        (1001, "KWD", 1, "price"),
        (150, "ISK", 1, "price"),
        (100, "UGX", 1, "currency"),
    ],
)
def test_amounts_that_stripe_would_refuse_are_field_errors(
    amount: int, currency: str, quantity: int, field: str
) -> None:
    """Minimum, 8 digits, currencies: told before the call, naming the field. REQ PA-11."""
    with pytest.raises(Invalid) as refused:
        check_amount(Money(amount, currency), quantity)
    assert [error.field for error in refused.value.errors] == [field]


@pytest.mark.parametrize(
    ("amount", "currency", "quantity"),
    [(0, "USD", 3), (50, "USD", 1), (25, "USD", 2), (50, "JPY", 1), (1000, "KWD", 1), (99_999_999, "USD", 1)],
)
def test_amounts_that_stripe_takes_pass(amount: int, currency: str, quantity: int) -> None:
    """Zero-decimal, three-decimal, the least and the most. REQ PA-11."""
    check_amount(Money(amount, currency), quantity)


@pytest.mark.django_db
def test_a_free_order_is_complete_without_stripe(goods: Goods, settings: Any) -> None:
    """Settled in the purchase's own transaction, with a receipt, no ledger and no hold to end. REQ OF-10."""
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    shop = make_shop(goods, price=Money(0, "USD"))
    with transaction.atomic():
        order = place(shop)
        settle_free(order, now=clock.now())
    opened = open_checkout(order.pk, now=clock.now())
    assert (opened.checkout_session_id, opened.url, opened.expires_at) == (None, None, None)
    assert (Order.objects.get(pk=order.pk).status, shop.stock()) == (OrderStatus.COMPLETED, (0, 1))
    assert Payment.objects.get(order=order).status == "SUCCEEDED"
    assert not LedgerEntry.objects.exists()
    assert EmailMessage.objects.get().about_id == order.pk
    assert not Job.objects.filter(kind="payments.expire_hold").exists()


@pytest.mark.django_db
def test_statements_of_a_purchase(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """One statement to write an order, two to open its checkout. REQ OF-05."""
    buy(shop)
    buyer, purpose_id = make_user(), uuid4()
    shop.goods.tier_of[purpose_id] = shop.tier.pk
    shop.goods.reserve(purpose_id, 1)
    with CaptureQueriesContext(connection) as writing:
        order = create_order(new_order(shop, purpose_id, 1, buyer), now=clock.now())
    with CaptureQueriesContext(connection) as opening:
        open_checkout(order.pk, now=clock.now())
    assert (len(writing), len(opening)) == (1, 2)


@pytest.mark.django_db
def test_the_database_refuses_a_second_order_of_one_purchase(shop: Shop) -> None:
    """One purchase has one order, whatever the code does. REQ OF-13."""
    order = place(shop)
    with pytest.raises(IntegrityError), transaction.atomic():
        create_order(new_order(shop, order.purpose_id, 1, shop.buyer), now=clock.now())
    assert Order.objects.count() == 1


def test_numbers_are_read_as_people_type_them() -> None:
    """Lower case, spaces and missing dashes are fine. REQ PA-06."""
    number = new_number()
    assert len(number) == 14
    for typed in (number.lower(), number.replace("-", " "), number.removeprefix("MQ-")):
        assert normal_number(typed) == number


@pytest.mark.django_db
def test_the_timeline_tells_what_failed_without_secrets(shop: Shop) -> None:
    """What staff read of a job's error has its secrets masked, and of an e-mail no body is loaded. REQ PA-12."""
    order = place(shop)
    failed = {"attempt": 1, "error": "AuthenticationError: sk_test_abcdefghijklmnop is not valid"}
    Job.objects.filter(payload__order_id=str(order.pk)).update(errors=[failed])
    [told] = [entry for entry in contributions.jobs(order) if entry.kind == "job"]
    assert told.detail == "AuthenticationError: [masked] is not valid"
    queue_email(
        template="payments_receipt",
        to="b@c.test",
        context=dict.fromkeys(registry.get("payments_receipt").required, "x"),
        dedupe_key="one",
        subject_ref=("order", order.pk),
        now=clock.now(),
    )
    with CaptureQueriesContext(connection) as statements:
        assert len(list(contributions.emails(order))) == 1
    assert len(statements) == 1
    assert "html_body" not in statements[0]["sql"]
