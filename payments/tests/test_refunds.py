"""Refunds and disputes.

Never above what was paid, in the ledger whoever made them, goods as the rule says.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import make_membership, make_user
from common import clock
from common.audit.services import history_of
from common.errors import Forbidden, Invalid, NotFound
from common.types import Actor
from payments import gateway
from payments.errors import NotRefundable
from payments.models import (
    LedgerKind,
    OperationState,
    Order,
    OrderState,
    OrderStatus,
    Payment,
    PaymentStatus,
    Refund,
    RefundOrigin,
    RefundStatus,
    StripeOperation,
)
from payments.services import refund_records
from payments.services.applying import apply_order
from payments.services.refund_requests import request_refund
from payments.tests.factories import Shop, buy, make_shop, pay, work_money
from payments.tests.goods import Goods
from payments.types import RequestRefund
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def owner_of(shop: Shop, role: str = "owner") -> Actor:
    return actor_of(make_membership(role, organization=shop.organization).user)


def bought(shop: Shop, sandbox: SandboxProcess, quantity: int = 2) -> Order:
    order, opened = buy(shop, quantity=quantity)
    pay(sandbox, opened)
    return apply_order(order.pk, now=clock.now())


def ask(order: Order, actor: Actor, amount: int | None = None, units: int | None = None) -> Refund:
    command = RequestRefund(order.pk, amount, "Not needed", units, actor)
    return request_refund(command, now=clock.now())


def intent_of(order: Order) -> str:
    return str(Payment.objects.get(order=order).payment_intent_id)


def test_full_refund_of_unfulfilled_goods_returns_all_units(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """All money of goods nobody has: all units come back, with reason, audit and ledger. REQ PA-07."""
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    refund = ask(order, actor)
    assert (refund.amount, refund.restock_units, fresh(order).refund_pending_amount) == (3998, 2, 3998)
    assert shop.goods.told == [("stop", order.pk)]
    work_money()
    order = fresh(order)
    assert (order.status, order.refunded_amount, order.refund_pending_amount) == (
        OrderStatus.REFUNDED,
        3998,
        0,
    )
    assert shop.stock() == (0, 0)
    assert Payment.objects.get(order=order).status == PaymentStatus.REFUNDED
    assert order.ledger.get(kind=LedgerKind.REFUND).amount == -3998
    act = history_of(order).get()
    assert (act.action, act.reason) == ("payments.refund", "Not needed")


def test_refund_of_an_amount_keeps_the_goods(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """An amount keeps the goods unless units are named. REQ PA-07."""
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    ask(order, actor, amount=500)
    work_money()
    assert (fresh(order).status, shop.stock()) == (OrderStatus.PARTIALLY_REFUNDED, (0, 2))
    ask(order, actor, amount=500, units=1)
    work_money()
    assert shop.stock() == (0, 1)


def test_full_refund_of_fulfilled_goods_keeps_them_out(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Goods that the buyer has come back only when somebody says so. REQ PA-07."""
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    shop.goods.fulfilled.add(order.pk)
    ask(order, actor)
    work_money()
    assert (fresh(order).status, shop.stock()) == (OrderStatus.REFUNDED, (0, 2))


@pytest.mark.parametrize(
    ("amount", "units", "reason", "field"),
    [
        (3999, None, "x", "amount"),
        (0, None, "x", "amount"),
        (100, 3, "x", "restock_units"),
        (100, None, " ", "reason"),
    ],
)
def test_a_wrong_refund_changes_nothing(
    shop: Shop, stripe_sandbox: SandboxProcess, amount: int, units: int | None, reason: str, field: str
) -> None:
    """More than was paid, nothing, too many units, no reason: a field error and no row. REQ PA-07."""
    order = bought(shop, stripe_sandbox)
    with pytest.raises(Invalid) as refused:
        request_refund(RequestRefund(order.pk, amount, reason, units, owner_of(shop)), now=clock.now())
    assert [error.field for error in refused.value.errors] == [field]
    assert not Refund.objects.exists()
    assert not StripeOperation.objects.filter(operation="refund").exists()
    assert fresh(order).refund_pending_amount == 0


@pytest.mark.parametrize(
    ("role", "failure"), [("staff", Forbidden), ("analyst", Forbidden), (None, NotFound)]
)
def test_who_may_not_refund_changes_nothing(
    shop: Shop, stripe_sandbox: SandboxProcess, role: str | None, failure: type[Exception]
) -> None:
    """Only owners and admins of the organization refund; others learn nothing. REQ PA-07 EV-03."""
    order = bought(shop, stripe_sandbox)
    actor = owner_of(shop, role) if role else actor_of(make_user())
    with pytest.raises(failure):
        ask(order, actor)
    assert not Refund.objects.exists()


def test_an_unpaid_order_is_not_refundable(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Nothing was paid, nothing goes back. REQ PA-07."""
    order, _ = buy(shop)
    with pytest.raises(NotRefundable):
        ask(order, owner_of(shop))


def test_simultaneous_refunds_never_exceed_what_was_paid(
    goods: Goods, stripe_sandbox: SandboxProcess, race: Callable[..., list[Any]], transactional_db: None
) -> None:
    """Eight refunds of 1000 of 3998 at once: three are written. REQ PA-07."""
    shop = make_shop(goods)
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    answers = race(8, lambda _: ask(order, actor, amount=1000))
    assert sum(isinstance(answer, Refund) for answer in answers) == 3
    assert sum(isinstance(answer, Invalid) for answer in answers) == 5
    work_money()
    assert fresh(order).refunded_amount == 3000


def test_refund_lost_answer_is_repeated_under_the_same_key(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Stripe committed, the connection was cut: one refund there, one with us. REQ PA-02 PA-07."""
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    ask(order, actor, amount=700)
    stripe_sandbox.control(
        "faults", api="cut_after_commit", times=3, path_prefix="/v1/refunds", method="POST"
    )
    work_money()
    assert fresh(order).refunded_amount == 0
    work_money(clock.now() + timedelta(minutes=2))
    assert fresh(order).refunded_amount == 700
    assert len(gateway.refunds_of(intent_of(order))) == 1


def test_refund_tried_again_after_stripe_forgot_its_key_is_looked_up_first(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Its answer was lost, and a day later the same key would make it anew: it is looked for, and found. One refund
    at Stripe, one in the ledger. REQ PA-02 PA-07."""
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    refund = ask(order, actor, amount=700)
    stripe_sandbox.control(
        "faults", api="cut_after_commit", times=3, path_prefix="/v1/refunds", method="POST"
    )
    work_money()
    refund.refresh_from_db()
    assert (refund.status, refund.stripe_refund_id) == (RefundStatus.REQUESTED, None)
    day = timedelta(hours=25)
    forgotten = stripe_sandbox.control("clock", advance_seconds=round(day.total_seconds()))["pruned_keys"]
    assert forgotten >= 1
    work_money(clock.now() + day)
    [made] = gateway.refunds_of(intent_of(order))
    refund.refresh_from_db()
    assert (refund.status, refund.stripe_refund_id) == (RefundStatus.SUCCEEDED, made.id)
    entries = order.ledger.filter(kind=LedgerKind.REFUND)
    assert list(entries.values_list("stripe_id", "amount")) == [(made.id, -700)]
    assert (fresh(order).refunded_amount, fresh(order).refund_pending_amount) == (700, 0)
    kept = StripeOperation.objects.get(operation="refund")
    assert (kept.state, kept.result_id) == (OperationState.SUCCEEDED, made.id)


@pytest.mark.parametrize("mode", ["500", "500_after_commit"])
def test_refund_answered_500_is_looked_up_before_a_new_key(
    shop: Shop, stripe_sandbox: SandboxProcess, mode: str
) -> None:
    """A 500 that Stripe repeats for ever is looked up, then asked for under a new key. REQ PA-02."""
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    ask(order, actor, amount=700)
    stripe_sandbox.control("faults", api=mode, times=1, path_prefix="/v1/refunds", method="POST")
    work_money()
    work_money(clock.now() + timedelta(minutes=2))
    assert fresh(order).refunded_amount == 700
    assert len(gateway.refunds_of(intent_of(order))) == 1


def test_a_failed_refund_gives_its_allowance_back(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Stripe could not return it: it may be refunded again, fulfilment goes on. REQ PA-07."""
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    stripe_sandbox.control("faults", refunds="failed", times=1)
    ask(order, actor)
    work_money()
    apply_order(order.pk, now=clock.now())
    order = fresh(order)
    assert (order.refunded_amount, order.refund_pending_amount, order.status) == (0, 0, OrderStatus.COMPLETED)
    assert ("resume", order.pk) in shop.goods.told
    assert shop.stock()[0] == 0
    ask(order, actor)
    work_money()
    assert fresh(order).status == OrderStatus.REFUNDED


def test_dashboard_refund_against_ours_never_exceeds(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Ours was promised, the dashboard was faster: Stripe refuses ours, the books stay right. REQ PA-10."""
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    ask(order, actor, amount=3000)
    stripe_sandbox.control(f"charges/{intent_of(order)}/refund", amount=2000)
    apply_order(order.pk, now=clock.now())
    assert (fresh(order).refunded_amount, fresh(order).refund_pending_amount) == (2000, 1998)
    work_money()
    order = fresh(order)
    assert (order.refunded_amount, order.refund_pending_amount) == (2000, 0)
    statuses = dict(order.refunds.values_list("origin", "status"))
    assert statuses == {RefundOrigin.STAFF: "failed", RefundOrigin.DASHBOARD: "succeeded"}


def test_refund_before_fulfilment_gives_no_goods(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Refunded in full in the dashboard before we looked: the goods are not given. REQ PA-07."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    intent = gateway.retrieve_session(str(opened.checkout_session_id)).payment_intent_id
    stripe_sandbox.control(f"charges/{intent}/refund")
    order = apply_order(order.pk, now=clock.now())
    assert (order.status, shop.stock()) == (OrderStatus.REFUNDED, (0, 0))
    assert order.state == OrderState.LATE_PAID


def test_dispute_stops_fulfilment_and_a_won_one_resumes_it(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Disputed: shown, stopped, withdrawn in the ledger; won: reinstated and resumed. REQ PA-07 PA-10."""
    order = bought(shop, stripe_sandbox)
    stripe_sandbox.control(f"charges/{intent_of(order)}/dispute")
    order = apply_order(order.pk, now=clock.now())
    assert (order.status, shop.goods.told) == (OrderStatus.DISPUTED, [("stop", order.pk)])
    with pytest.raises(NotRefundable):
        ask(order, owner_of(shop))
    stripe_sandbox.control(f"charges/{intent_of(order)}/dispute/close", status="won")
    order = apply_order(order.pk, now=clock.now())
    assert (order.status, shop.goods.told[-1]) == (OrderStatus.COMPLETED, ("resume", order.pk))
    moved = (
        order.ledger.filter(kind__startswith="dispute").order_by("amount").values_list("amount", flat=True)
    )
    assert list(moved) == [-3998, 3998]


def test_control_refunds_without_the_lock_exceed_what_was_paid(
    goods: Goods, stripe_sandbox: SandboxProcess, race: Callable[..., list[Any]], transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With an allowance that is read before the others wrote, more is promised than was paid. REQ PA-07."""
    shop = make_shop(goods)
    order, actor = bought(shop, stripe_sandbox), owner_of(shop)
    monkeypatch.setattr(refund_records, "refundable", lambda payment: payment.paid_amount)
    race(8, lambda _: ask(order, actor, amount=1000))
    assert sum(Refund.objects.values_list("amount", flat=True)) > 3998
