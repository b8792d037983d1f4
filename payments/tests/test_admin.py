"""The staff's screens of money, through their pages."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import make_membership
from common import clock
from payments.models import Order, OrderStatus, Refund
from payments.services.applying import apply_order
from payments.tests.factories import Shop, buy, make_shop, pay, work_money
from payments.tests.goods import Goods
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(shop: Shop, stripe_sandbox: SandboxProcess) -> Order:
    """Give a paid order of two units at 19.99 USD."""
    order, opened = buy(shop, quantity=2)
    pay(stripe_sandbox, opened)
    return apply_order(order.pk, now=clock.now())


def enter(client: Client, shop: Shop, role: str = "owner") -> User:
    user = make_membership(role, organization=shop.organization).user
    client.force_login(user)
    return user


def page_of(order: Order) -> str:
    return reverse("admin:payments_order_change", args=[order.pk])


def test_the_order_page_explains_every_cent(client: Client, shop: Shop, paid: Order) -> None:
    """Ledger, e-mails, jobs and staff acts stand in one timeline, amounts readable. REQ PA-12."""
    user = enter(client, shop)
    act = reverse("admin:payments_order_act", args=["refund"])
    form = {"ids": str(paid.pk), "amount": "5.00", "restock_units": "0", "reason": "Late", "intent": "one",
            "confirmed": "1"}  # fmt: skip
    for _ in range(2):  # a double click
        assert client.post(act, form).headers["Location"] == page_of(paid)
    work_money()
    page = client.get(page_of(paid)).content.decode()
    for words in (
        "$39.98", "$34.98", "-$5.00", "Partially refunded", "Charge", "Stripe fee", "Your order",
        f"Refund by {user.email}", "Create refund: done",
    ):  # fmt: skip
        assert words in page
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "amount", "message"),
    [("owner", "40.00", "At most $39.98 is left"), ("owner", "1.5.5", "decimal"), ("staff", "5.00", "")],
)
def test_a_refused_refund_changes_nothing(
    client: Client, shop: Shop, paid: Order, role: str, amount: str, message: str
) -> None:
    """Too much, not an amount, or no right to refund: told, and no row. REQ PA-07."""
    enter(client, shop, role)
    form = {
        "ids": str(paid.pk),
        "amount": amount,
        "restock_units": "0",
        "reason": "Late",
        "intent": "one",
        "confirmed": "1",
    }
    answer = client.post(reverse("admin:payments_order_act", args=["refund"]), form)
    assert answer.status_code == (200 if role == "owner" else 403)
    assert message in answer.content.decode()
    assert not Refund.objects.exists()


def test_a_stuck_order_is_settled_by_reading_it_again(
    client: Client, shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Paid, every webhook lost: staff settle it from the admin. REQ PA-05."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    enter(client, shop, "staff")
    form = {"ids": str(order.pk), "reason": "Buyer called", "confirmed": "1"}
    answer = client.post(reverse("admin:payments_order_act", args=["read_again"]), form, follow=True)
    assert "The order is completed." in answer.content.decode()
    assert (Order.objects.get(pk=order.pk).status, shop.stock()) == (OrderStatus.COMPLETED, (0, 1))


def test_other_organizations_orders_are_not_there(
    client: Client, goods: Goods, shop: Shop, paid: Order
) -> None:
    """Another organization's order is neither listed, shown nor acted on. REQ EV-04."""
    enter(client, make_shop(goods))
    assert paid.number not in client.get(reverse("admin:payments_order_changelist")).content.decode()
    assert client.get(page_of(paid)).status_code == 302
    form = {"ids": str(paid.pk), "reason": "x", "intent": "one", "confirmed": "1"}
    assert client.post(reverse("admin:payments_order_act", args=["refund"]), form).status_code == 404
    assert not Refund.objects.exists()


@pytest.mark.parametrize("screen", ["order", "ledgerentry", "refund", "dispute"])
def test_lists_take_a_fixed_number_of_queries_and_nothing_is_typed_in(
    client: Client, shop: Shop, paid: Order, screen: str, stripe_sandbox: SandboxProcess
) -> None:
    """No N+1, no adding, no changing, no deleting. REQ EV-04 PA-12."""
    enter(client, shop)
    url = reverse(f"admin:payments_{screen}_changelist")
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        assert client.get(url).status_code == 200
    for _ in range(3):
        order, opened = buy(shop)
        pay(stripe_sandbox, opened)
        apply_order(order.pk, now=clock.now())
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) == len(few)
    assert client.get(reverse(f"admin:payments_{screen}_add")).status_code == 403
