"""The staff's screens of money, through their pages."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import make_membership
from common import clock
from common.audit.models import AuditEntry
from common.money import Money
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
    assert "Quarantine reason" not in page
    assert Refund.objects.count() == 1
    Order.objects.filter(pk=paid.pk).update(quarantine_reason="Its session is another account's")
    page = client.get(page_of(paid)).content.decode()
    assert "Quarantine reason" in page
    assert "another account" in page


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
    entry = AuditEntry.objects.get(action="payments.read_again")
    assert (entry.subject_id, entry.reason) == (str(order.pk), "Buyer called")


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


def refund(client: Client, order: Order, **answers: str) -> Any:
    """Send the refund's form."""
    form = {"amount": "5.00", "restock_units": "0", "reason": "Late", "intent": "one", **answers}
    whole = {"ids": str(order.pk), "confirmed": "1", **form}
    return client.post(reverse("admin:payments_order_act", args=["refund"]), whole, follow=True)


def test_the_refunds_page_says_what_there_is_and_what_it_asks(
    client: Client, shop: Shop, paid: Order
) -> None:
    """What was paid and is left, in the order's currency; the goods by a plain question; the way back. REQ PA-07."""
    enter(client, shop)
    assert refund(client, paid).status_code == 200
    work_money()
    act = reverse("admin:payments_order_act", args=["refund"])
    page = client.get(act, {"ids": str(paid.pk)}).content.decode()
    for words in (
        "$39.98", "$5.00", "$34.98", 'value="34.98"', "Take goods back?", "No, the buyer keeps them",
        "Yes, 1 of 2 units", "Yes, all 2 units", paid.number, f'href="{page_of(paid)}">Cancel',
    ):  # fmt: skip
        assert words in page, words
    assert page.count("(required)") == 3  # the hidden field has no label
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "wrong", "message"),
    [
        ("amount", "", "This field is required"),
        ("amount", "5.001", "USD has 2 decimals"),
        ("amount", "abc", "Give the amount as a decimal such as 5.50."),
        ("amount", "5,50", "Give the amount as a decimal such as 5.50."),
        ("amount", "0", "More than nothing goes back"),
        ("amount", "-3", "More than nothing goes back"),
        ("amount", "39.99", "At most $39.98 is left"),
        ("restock_units", "", "Say whether the goods come back"),
        ("restock_units", "3", "Between 0 and 2 units"),
        ("reason", " ", "This field is required"),
    ],
)
def test_what_is_wrong_with_a_refund_stands_at_its_field(
    client: Client, shop: Shop, paid: Order, field: str, wrong: str, message: str
) -> None:
    """Each refusal, the form's or the service's, is told at the field it is about; no row. REQ PA-07, UI-01."""
    enter(client, shop)
    answer = refund(client, paid, **{field: wrong})
    assert list(answer.context["form"].errors) == [field]
    page = answer.content.decode()
    assert message in page
    assert 'aria-invalid="true"' in page
    assert not Refund.objects.exists()


def test_all_that_is_wrong_with_a_refund_is_told_at_once(client: Client, shop: Shop, paid: Order) -> None:
    """An amount above what is left beside an open question: one round, both at their fields. REQ PA-07, UI-01."""
    enter(client, shop)
    form = refund(client, paid, amount="99999", restock_units="", reason=" ").context["form"]
    assert form.errors["amount"] == ["At most $39.98 is left to refund."]
    assert form.errors["restock_units"] == ["Say whether the goods come back."]
    assert list(form.errors["reason"])
    assert not Refund.objects.exists()


def test_a_currency_without_decimals_is_refunded_whole(
    client: Client, goods: Goods, stripe_sandbox: SandboxProcess
) -> None:
    """Yen are typed and shown as yen, not as hundredths. REQ UI-05, PA-07."""
    shop = make_shop(goods, price=Money(1500, "JPY"))
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    apply_order(order.pk, now=clock.now())
    enter(client, shop)
    assert "JPY has no decimals" in refund(client, order, amount="5.5").content.decode()
    assert "¥500 goes back to the buyer." in refund(client, order, amount="500").content.decode()
    assert Refund.objects.get().amount == 500


def test_goods_that_came_back_read_so_on_the_order(client: Client, shop: Shop, paid: Order) -> None:
    """Staff are told what comes back, and the order says so once it did. REQ PA-07, OF-12."""
    enter(client, shop)
    told = refund(client, paid, amount="39.98", restock_units="2").content.decode()
    assert "$39.98 goes back to the buyer; 2 units of the goods come back." in told
    work_money()
    assert shop.stock() == (0, 0)
    page = client.get(page_of(paid)).content.decode()
    assert "taken back" in page
    listed = client.get(reverse("admin:payments_refund_changelist")).content.decode()
    assert "2 units" in listed
    book = client.get(
        reverse("admin:payments_refund_change", args=[Refund.objects.get().pk])
    ).content.decode()
    assert "$39.98" in book
    assert "3998" not in book


def test_the_way_back_never_leaves_the_house(client: Client, shop: Shop, paid: Order) -> None:
    """A forged way back is not linked: the order's own page is. REQ EV-04."""
    enter(client, shop)
    for forged in ("https://evil.test/", "//evil.test/", "javascript:alert(1)"):
        page = refund(client, paid, reason=" ", back=forged).content.decode()
        assert "evil.test" not in page
        assert "javascript:alert" not in page
        assert f'href="{page_of(paid)}">Cancel' in page


def test_from_a_filtered_list_one_comes_back_to_it(client: Client, shop: Shop, paid: Order) -> None:
    """The list's action opens the page; its way back is the list as it was filtered. REQ PA-05."""
    enter(client, shop)
    address = f"{reverse('admin:payments_order_changelist')}?state__exact=paid"
    page = client.post(address, {"action": "read_again", "_selected_action": str(paid.pk)}).content.decode()
    assert f'href="{address}">Cancel' in page
    assert not AuditEntry.objects.exists()


def test_a_refused_refund_can_be_corrected(client: Client, shop: Shop, paid: Order) -> None:
    """Too much was typed: the form that comes back takes the right amount, and gives it back once. REQ PA-07."""
    enter(client, shop)
    refused = refund(client, paid, amount="50.00")
    form = refused.context["form"]
    assert "At most $39.98 is left" in str(form.errors["amount"])
    assert form["intent"].value() != "one"
    for _ in range(2):  # a double click
        again = refund(client, paid, amount="39.98", intent=form["intent"].value())
        assert "$39.98 goes back to the buyer" in again.content.decode()
    assert Refund.objects.count() == 1
    changed = refund(client, paid, amount="1.00", intent=form["intent"].value())
    assert "A refund was asked for by this page already" in changed.content.decode()
    assert Refund.objects.count() == 1
