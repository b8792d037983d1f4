"""Disputes that are not won: what the bank took is as if it had gone back; the rest is ours to give back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import make_membership
from common import clock
from payments.errors import NotRefundable
from payments.models import Order, OrderState, OrderStatus, Refund, RefundStatus
from payments.services.applying import apply_order
from payments.services.proof import prove
from payments.services.reconciling import reconcile
from payments.tests.factories import Shop, work_money
from payments.tests.test_refunds import ask, bought, fresh, intent_of, owner_of
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

PAID = 3998


class Disputed:
    """An order of two units that was paid, and its buyer's bank."""

    def __init__(self, shop: Shop, sandbox: SandboxProcess) -> None:
        self.shop, self.sandbox = shop, sandbox
        self.order, self.owner = bought(shop, sandbox), owner_of(shop)
        self.charge = f"charges/{intent_of(self.order)}"

    def hear(self) -> Order:
        self.order = apply_order(self.order.pk, now=clock.now())
        return self.order

    def open(self, **given: Any) -> Order:
        self.sandbox.control(f"{self.charge}/dispute", **given)
        return self.hear()

    def close(self, status: str) -> Order:
        self.sandbox.control(f"{self.charge}/dispute/close", status=status)
        return self.hear()

    def refund(self, amount: int | None = None) -> Refund:
        refund = ask(self.order, self.owner, amount)
        work_money()
        self.order = fresh(self.order)
        refund.refresh_from_db()
        return refund

    def is_stopped(self) -> bool:
        return self.order.pk in self.shop.goods.stopped

    def stands_in_the_books(self) -> bool:
        """Say whether ledger, order and Stripe tell one story."""
        since = self.order.created_at
        return prove(since=since, now=clock.now()) == [] and not reconcile(
            since=since, now=clock.now(), dry_run=True
        )


@pytest.fixture
def case(shop: Shop, stripe_sandbox: SandboxProcess) -> Disputed:
    return Disputed(shop, stripe_sandbox)


def test_a_lost_part_is_not_kept_and_the_goods_go_on(case: Disputed) -> None:
    """Stopped while the bank decides; then the rest is paid for, and the buyer gets it. REQ PA-07 PA-12."""
    order = case.open(amount=1000)
    assert (order.status, order.kept.amount, case.is_stopped()) == (OrderStatus.DISPUTED, PAID, True)
    order = case.close("lost")
    assert (order.status, order.kept.amount, case.is_stopped()) == (OrderStatus.COMPLETED, PAID - 1000, False)
    assert case.shop.stock() == (0, 2)
    assert case.stands_in_the_books()


def test_what_a_lost_part_left_can_be_refunded(case: Disputed) -> None:
    """All that is left, not more; with it the units come back, and the goods are stopped. REQ PA-07."""
    case.open(amount=1000)
    case.close("lost")
    refund = case.refund()
    assert (refund.status, refund.amount, refund.units_returned) == (RefundStatus.SUCCEEDED, PAID - 1000, 2)
    assert (case.order.kept.amount, case.is_stopped(), case.shop.stock()) == (0, True, (0, 0))
    assert case.stands_in_the_books()
    with pytest.raises(NotRefundable, match="left"):
        case.refund()


@pytest.mark.parametrize("amounts", [(1000, 1500), (1500, 1000)])
def test_the_rest_goes_back_in_parts(case: Disputed, amounts: tuple[int, int]) -> None:
    """A refund of a part leaves the goods usable, the last one brings the units. REQ PA-07."""
    case.open(amount=PAID - sum(amounts))
    case.close("lost")
    case.refund(amounts[0])
    assert (case.order.status, case.is_stopped()) == (OrderStatus.PARTIALLY_REFUNDED, False)
    case.refund(amounts[1])
    assert (case.order.kept.amount, case.is_stopped(), case.shop.stock()) == (0, True, (0, 0))


def test_a_refund_and_a_loss_that_are_heard_of_together(case: Disputed) -> None:
    """The dashboard gave the rest back before anybody heard of the loss: the units come all the same. REQ PA-10."""
    case.sandbox.control(f"{case.charge}/dispute", amount=1000)
    case.sandbox.control(f"{case.charge}/dispute/close", status="lost")
    case.sandbox.control(f"{case.charge}/refund")
    order = case.hear()
    assert (order.kept.amount, order.refunded_amount, case.shop.stock()) == (0, PAID - 1000, (0, 0))


def test_a_wholly_lost_one_is_shown_for_good(case: Disputed) -> None:
    """Nothing is kept: disputed it stays, its goods stopped, and nothing is left to refund. REQ PA-07."""
    case.open()
    order = case.close("lost")
    assert (order.status, order.kept.amount, order.is_disputed) == (OrderStatus.DISPUTED, 0, False)
    assert (case.is_stopped(), case.shop.stock()) == (True, (0, 2))
    with pytest.raises(NotRefundable, match="left"):
        case.refund()
    assert case.stands_in_the_books()


def test_a_loss_after_a_refund_of_a_part(case: Disputed) -> None:
    """The bank takes all of the charge though a part had gone back: nothing is kept, never less. REQ PA-07."""
    case.refund(1000)
    case.open()
    order = case.close("lost")
    assert (order.status, order.kept.amount, case.is_stopped()) == (OrderStatus.DISPUTED, 0, True)
    assert case.stands_in_the_books()


def test_an_inquiry_can_be_ended_by_a_refund(case: Disputed) -> None:
    """The bank asks and took nothing: the goods wait, and a refund is made. REQ PA-07."""
    order = case.open(inquiry=True)
    assert (order.status, order.kept.amount, case.is_stopped()) == (OrderStatus.DISPUTED, PAID, True)
    assert case.refund().status == RefundStatus.SUCCEEDED
    order = case.close("warning_closed")
    assert (order.status, order.state, case.shop.stock()) == (OrderStatus.REFUNDED, OrderState.PAID, (0, 0))


@pytest.mark.parametrize(
    "act", [lambda case: None, lambda case: case.sandbox.control(f"{case.charge}/dispute/review")]
)
def test_while_the_bank_decides_nothing_can_be_refunded(
    case: Disputed, act: Callable[[Disputed], object]
) -> None:
    """Also not the part that is not disputed: Stripe would refuse it. REQ PA-07."""
    case.open(amount=1000)
    act(case)
    case.hear()
    with pytest.raises(NotRefundable, match="bank"):
        case.refund()


@pytest.mark.parametrize(("amount", "status"), [(1000, OrderStatus.COMPLETED), (PAID, OrderStatus.DISPUTED)])
def test_a_dispute_that_was_lost_before_is_taken_up_by_reading(
    case: Disputed, amount: int, status: OrderStatus
) -> None:
    """An order from before its loss was summed up, which stayed disputed and stopped. REQ PA-07."""
    case.open(amount=amount)
    order = case.close("lost")
    case.shop.goods.stopped.add(order.pk)
    Order.objects.filter(pk=order.pk).update(lost_amount=0, is_disputed=True)
    order = case.hear()
    assert (order.status, order.lost_amount, order.is_disputed) == (status, amount, False)
    assert case.is_stopped() == (amount == PAID)


def test_the_orders_page_says_what_was_lost(client: Client, case: Disputed) -> None:
    """Nothing to refund by while the bank decides; then what it took, what is kept, and the act. REQ PA-12 EV-04."""
    client.force_login(make_membership("owner", organization=case.shop.organization).user)
    page = reverse("admin:payments_order_change", args=[case.order.pk])
    act = reverse("admin:payments_order_act", args=["refund"])
    case.open(amount=1000)
    assert act not in client.get(page).content.decode()
    case.close("lost")
    shown = client.get(page).content.decode()
    assert act in shown
    assert "Lost in disputes" in shown
    assert "$29.98" in shown
    asked = client.get(act, {"ids": str(case.order.pk)}).content.decode()
    assert "$29.98 is left to refund" in asked
    assert "Lost in disputes" in asked
    assert [state for state in ("disputed", "lost") if case.order.number in trouble(client, state)] == [
        "lost"
    ]


def trouble(client: Client, kind: str) -> str:
    """Return the list of the orders with this trouble."""
    return client.get(reverse("admin:payments_order_changelist"), {"trouble": kind}).content.decode()
