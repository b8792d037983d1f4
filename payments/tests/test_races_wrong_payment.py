"""Payments that are not what was asked for: twice, of another amount or mode, days later, of unknown sessions."""

from typing import Any

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import make_membership
from common import clock
from common.errors import NotFound
from notifications.models import EmailMessage
from payments import gateway
from payments.models import Order, OrderState, OrderStatus, Payment, Refund, RefundOrigin, RefundStatus
from payments.services.applying import apply_order
from payments.services.attempts import next_attempt
from payments.services.holds import close_quarantined, expire_hold
from payments.services.refund_requests import request_refund
from payments.tests.factories import Shop, buy, make_shop, pay, work_money
from payments.tests.goods import Goods
from payments.types import RequestRefund
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def open_twice(shop: Shop) -> tuple[Order, list[str], Payment]:
    """Return an order with two open sessions, as after a first one whose answer was lost, and its second payment."""
    order, opened = buy(shop)
    second = next_attempt(order, Payment.objects.get(order=order), now=clock.now())
    session = gateway.create_session(second.request["session"], key=second.idempotency_key)
    return order, [opened.checkout_session_id, session.id], second


def charged_twice(shop: Shop, sandbox: SandboxProcess) -> tuple[Order, Payment]:
    """Let both sessions of one order be paid; return it as read from Stripe, with its second payment."""
    order, sessions, second = open_twice(shop)
    for session_id in sessions:
        sandbox.control(f"sessions/{session_id}/pay")
    return apply_order(order.pk, now=clock.now(), seen_session_id=sessions[1]), second


def test_charged_twice_gives_the_extra_back_and_keeps_the_goods(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Two sessions of one order were paid: the second payment goes back, the order stays complete.

    REQ PA-12.
    """
    order, second = charged_twice(shop, stripe_sandbox)
    for _ in range(2):
        apply_order(order.pk, now=clock.now())
        work_money()
    order = fresh(order)
    assert (order.status, order.kept.amount, shop.stock()) == (OrderStatus.COMPLETED, 1999, (0, 1))
    refund = Refund.objects.get(order=order)
    assert (refund.origin, refund.payment_id, refund.amount) == (RefundOrigin.AUTOMATIC, second.pk, 1999)


def test_an_extra_payment_that_its_bank_does_not_take_back_is_left_to_people(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """However often the order is read: one refund and one letter; then staff refund it. REQ PA-07, PA-12."""
    stripe_sandbox.control("faults", refunds="failed", times=1)
    order, second = charged_twice(shop, stripe_sandbox)
    for _ in range(2):
        work_money()
        apply_order(order.pk, now=clock.now())
    failed = Refund.objects.get(order=order)
    assert (failed.status, fresh(order).kept.amount) == (RefundStatus.FAILED, 2 * 1999)
    assert EmailMessage.objects.filter(template="payments_late_refund").count() == 1
    owner = actor_of(make_membership("owner", organization=shop.organization).user)
    wish = RequestRefund(order.pk, None, "Charged twice", 0, owner)
    asked = request_refund(wish, now=clock.now())
    work_money()
    assert (fresh(order).status, fresh(order).kept.amount) == (OrderStatus.COMPLETED, 1999)
    assert asked.amount == second.amount


@pytest.mark.parametrize("units", [None, 0], ids=["on its way back", "gone"])
def test_an_extra_payment_says_nothing_of_goods_whose_money_goes_back(
    shop: Shop, stripe_sandbox: SandboxProcess, units: int | None
) -> None:
    """Paid once more while the first payment goes back, or has: stopped they stay, and come back once. REQ PA-07."""
    order, sessions, _ = open_twice(shop)
    stripe_sandbox.control(f"sessions/{sessions[0]}/pay")
    apply_order(order.pk, now=clock.now())
    owner = actor_of(make_membership("owner", organization=shop.organization).user)
    if units is None:
        stripe_sandbox.control("faults", refunds="pending", times=1)
    request_refund(RequestRefund(order.pk, None, "x", units, owner), now=clock.now())
    work_money()
    first = Refund.objects.get(order=order)
    stripe_sandbox.control("faults", refunds="pending", times=1)
    stripe_sandbox.control(f"sessions/{sessions[1]}/pay")
    apply_order(order.pk, now=clock.now(), seen_session_id=sessions[1])
    assert shop.goods.stopped == {order.pk}
    work_money()
    assert (shop.goods.stopped, shop.stock()) == ({order.pk}, (0, 1))
    for refund in Refund.objects.filter(order=order, status=RefundStatus.PENDING).order_by("-created_at"):
        stripe_sandbox.control(f"refunds/{refund.stripe_refund_id}/succeed")
        apply_order(order.pk, now=clock.now())
        assert shop.goods.stopped == {order.pk}
    assert (fresh(order).status, fresh(order).kept.amount) == (OrderStatus.REFUNDED, 0)
    first.refresh_from_db()
    came_back = units is None
    assert (first.units_returned, shop.stock()) == (came_back, (0, 0 if came_back else 1))


@pytest.mark.parametrize(
    "tampered",
    [{"amount_total": 1}, {"currency": "eur"}, {"livemode": True}],
    ids=["amount", "currency", "mode"],
)
def test_a_mismatch_is_quarantined_and_never_fulfilled(
    shop: Shop, stripe_sandbox: SandboxProcess, tampered: dict[str, Any]
) -> None:
    """Wrong amount, currency or mode: nothing is given, nothing released, staff see it. REQ PA-10."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    stripe_sandbox.control(f"sessions/{opened.checkout_session_id}/tamper", **tampered)
    order = apply_order(order.pk, now=clock.now())
    assert order.is_quarantined
    assert (order.paid_at, shop.stock()) == (None, (1, 0))
    work_money(order.hold_expires_at)
    assert shop.stock() == (1, 0)


def test_a_quarantined_order_is_closed_by_hand(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """A session that our key does not know is left to people, who release its goods. REQ PA-10."""
    order, _ = buy(shop)
    Payment.objects.filter(order=order).update(session_id="cs_test_of_another_account")
    expire_hold(order.pk, now=order.hold_expires_at)  # type: ignore[arg-type]
    assert (fresh(order).is_quarantined, shop.stock()) == (True, (1, 0))
    stranger, owner = (
        make_membership("owner").user,
        make_membership("owner", organization=shop.organization).user,
    )
    with pytest.raises(NotFound):
        close_quarantined(order.pk, actor_of(stranger), reason="x", now=clock.now())
    assert shop.stock() == (1, 0)
    close_quarantined(order.pk, actor_of(owner), reason="Looked into", now=clock.now())
    assert (fresh(order).status, shop.stock()) == (OrderStatus.FAILED, (0, 0))


def test_delayed_payment_holds_until_the_bank_decides(
    goods: Goods, db: None, stripe_sandbox: SandboxProcess
) -> None:
    """Complete but unpaid is held, and fulfilled only when paid; a failure releases. REQ PA-03."""
    shop = make_shop(goods, allows_delayed=True)
    (settled, first), (failed, second) = buy(shop), buy(shop)
    for opened in (first, second):
        stripe_sandbox.control(f"sessions/{opened.checkout_session_id}/pay_later")
    for order in (settled, failed):
        assert apply_order(order.pk, now=clock.now()).state == OrderState.PROCESSING
    work_money(failed.hold_expires_at)
    assert shop.stock() == (2, 0)
    stripe_sandbox.control(f"sessions/{first.checkout_session_id}/settle")
    stripe_sandbox.control(f"sessions/{second.checkout_session_id}/fail")
    assert apply_order(settled.pk, now=clock.now()).status == OrderStatus.COMPLETED
    assert apply_order(failed.pk, now=clock.now()).status == OrderStatus.FAILED
    assert shop.stock() == (0, 1)
