"""Money that a bank disputes, of orders that were paid twice or too late: what goes back by itself, and when."""

from datetime import timedelta

import pytest
from django.db.models import F

from common import clock
from notifications.models import EmailMessage
from payments import gateway
from payments.models import (
    Order,
    OrderState,
    OrderStatus,
    Refund,
    RefundOrigin,
    RefundStatus,
)
from payments.services.applying import apply_order
from payments.services.closing import locked_order, release
from payments.services.proof import prove
from payments.tasks import reconcile_daily
from payments.tests.factories import Shop, buy, make_shop, pay, work_money
from payments.tests.goods import Goods
from payments.tests.test_disputed_money import grow_old, hear
from payments.tests.test_races_wrong_payment import charged_twice, fresh, open_twice
from payments.tests.test_refunds import ask, owner_of
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

PRICE = 1999


def charge_of(session_id: str) -> str:
    """Return where the sandbox acts on the charge of a session that was paid."""
    return f"charges/{gateway.retrieve_session(session_id).payment_intent_id}"


def disputed_late(shop: Shop, sandbox: SandboxProcess, *, is_sold_out: bool) -> tuple[Order, str]:
    """Let the hold of a buyer end who then pays, and whose bank disputes it before we look."""
    order, opened = buy(shop)
    with locked_order(order.pk) as held:
        release(held, OrderState.EXPIRED, now=clock.now())
    if is_sold_out:
        buy(shop)
    pay(sandbox, opened)
    charge = charge_of(opened.checkout_session_id)
    sandbox.control(f"{charge}/dispute")
    return hear(order), charge


def test_the_extra_payment_that_is_disputed_leaves_the_goods_alone(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """It went back already, and its buyer's bank disputes it as well: the first payment is what counts, and it alone
    can be refunded. REQ PA-07, PA-12."""
    order, second = charged_twice(shop, stripe_sandbox)
    order = hear(order)
    assert (order.status, order.kept.amount) == (OrderStatus.COMPLETED, PRICE)
    charge = f"charges/{order.payments.get(pk=second.pk).payment_intent_id}"
    stripe_sandbox.control(f"{charge}/dispute")
    order = hear(order)
    assert (order.status, order.pk in shop.goods.stopped) == (OrderStatus.DISPUTED, False)
    stripe_sandbox.control(f"{charge}/dispute/close", status="lost")
    order = hear(order)
    assert (order.status, order.kept.amount, order.lost_amount) == (OrderStatus.COMPLETED, PRICE, 0)
    refund = ask(order, owner_of(shop))
    assert (refund.amount, refund.payment_id == second.pk) == (PRICE, False)
    work_money()
    order = fresh(order)
    assert (order.status, order.kept.amount, shop.stock()) == (OrderStatus.REFUNDED, 0, (0, 0))
    assert prove(since=order.created_at, now=clock.now()) == []


@pytest.mark.parametrize("is_asked_before", [False, True], ids=["before it was asked for", "while it was"])
@pytest.mark.parametrize("end", ["won", "lost"])
def test_an_extra_payment_goes_back_when_its_bank_has_decided(
    shop: Shop, stripe_sandbox: SandboxProcess, end: str, is_asked_before: bool
) -> None:
    """While a bank decides Stripe refunds nothing: it is asked when that is over, if the bank left it. REQ PA-12."""
    order, sessions, second = open_twice(shop)
    for session_id in sessions:
        stripe_sandbox.control(f"sessions/{session_id}/pay")
    if is_asked_before:
        apply_order(order.pk, now=clock.now(), seen_session_id=sessions[1])
    charge = charge_of(sessions[1])
    stripe_sandbox.control(f"{charge}/dispute")
    apply_order(order.pk, now=clock.now(), seen_session_id=sessions[1])
    order = hear(order)
    # The first payment is untouched.
    assert (order.kept.amount, order.pk in shop.goods.stopped) == (2 * PRICE, False)
    assert order.refunds.exclude(status=RefundStatus.FAILED).count() == 0
    stripe_sandbox.control(f"{charge}/dispute/close", status=end)
    order = hear(order)
    assert (order.status, order.kept.amount, shop.stock()) == (OrderStatus.COMPLETED, PRICE, (0, 1))
    back = order.refunds.filter(status=RefundStatus.SUCCEEDED, payment=second, origin=RefundOrigin.AUTOMATIC)
    assert back.count() == (1 if end == "won" else 0)
    # However often it is read: a refusal for another reason is for people.
    asked = order.refunds.count()
    assert hear(order).refunds.count() == asked
    assert prove(since=order.created_at, now=clock.now()) == []


def test_a_late_payment_goes_back_when_its_bank_has_decided(
    goods: Goods, stripe_sandbox: SandboxProcess
) -> None:
    """Nothing is left of the goods: the buyer is written to when the money goes, weeks later. REQ OF-08."""
    shop = make_shop(goods, units=1)
    order, charge = disputed_late(shop, stripe_sandbox, is_sold_out=True)
    assert (order.state, order.status, order.refunds.count()) == ("late_paid", OrderStatus.DISPUTED, 0)
    letters = EmailMessage.objects.filter(template="payments_late_refund")
    assert not letters.exists()
    grow_old(stripe_sandbox, order)
    stripe_sandbox.control(f"{charge}/dispute/close", status="won")
    assert reconcile_daily() >= 1
    work_money()
    order = fresh(order)
    assert (order.status, order.kept.amount, letters.count()) == (OrderStatus.REFUNDED, 0, 1)


@pytest.mark.parametrize("refunded", [0, 999])
def test_nothing_is_given_for_what_was_lost_before_we_looked(
    shop: Shop, stripe_sandbox: SandboxProcess, refunded: int
) -> None:
    """As for what was refunded in full before: no goods, no receipt, and the units are free. REQ PA-07, OF-08."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    charge = charge_of(opened.checkout_session_id)
    if refunded:
        stripe_sandbox.control(f"{charge}/refund", amount=refunded)
    stripe_sandbox.control(f"{charge}/dispute", amount=PRICE - refunded)
    stripe_sandbox.control(f"{charge}/dispute/close", status="lost")
    order = hear(order)
    assert (order.state, order.status, order.kept.amount) == ("late_paid", OrderStatus.DISPUTED, 0)
    assert shop.stock() == (0, 0)
    assert not EmailMessage.objects.filter(template="payments_receipt").exists()
    assert prove(since=order.created_at, now=clock.now()) == []


def test_what_people_decided_stays(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """The extra payment could not go back, so they gave the other one back: an inquiry that comes and goes asks for
    nothing, and the goods stay. REQ PA-07, PA-12."""
    stripe_sandbox.control("faults", refunds="failed", times=1)
    order, second = charged_twice(shop, stripe_sandbox)
    order = hear(order)
    first = order.payments.exclude(pk=second.pk).get().payment_intent_id
    stripe_sandbox.control(f"charges/{first}/refund")
    assert hear(order).kept.amount == PRICE
    charge = f"charges/{order.payments.get(pk=second.pk).payment_intent_id}"
    stripe_sandbox.control(f"{charge}/dispute", inquiry=True)
    hear(order)
    stripe_sandbox.control(f"{charge}/dispute/close", status="warning_closed")
    order = hear(order)
    assert (order.kept.amount, order.refunds.count(), shop.stock()) == (PRICE, 2, (0, 1))
    assert order.pk not in shop.goods.stopped


def test_a_bank_that_refused_is_not_asked_for_each_dispute(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """It failed at the bank; disputes that come later never stood in its way: one request, one letter. REQ PA-12."""
    stripe_sandbox.control("faults", refunds="failed", times=1)
    order, second = charged_twice(shop, stripe_sandbox)
    order = hear(order)
    Refund.objects.update(settled_at=F("settled_at") - timedelta(minutes=1))
    charge = f"charges/{order.payments.get(pk=second.pk).payment_intent_id}"
    for _ in range(2):
        stripe_sandbox.control(f"{charge}/dispute", inquiry=True)
        hear(order)
        stripe_sandbox.control(f"{charge}/dispute/close", status="warning_closed")
        hear(order)
    assert order.refunds.count() == 1
    assert EmailMessage.objects.filter(template="payments_late_refund").count() == 1


def test_a_late_payment_that_a_bank_disputes_buys_nothing(
    goods: Goods, stripe_sandbox: SandboxProcess
) -> None:
    """A unit is left, and may have to be taken away again: it is not given, and the money waits. REQ OF-08."""
    shop = make_shop(goods, units=1)
    order, charge = disputed_late(shop, stripe_sandbox, is_sold_out=False)
    assert (order.state, order.status, shop.stock()) == ("late_paid", OrderStatus.DISPUTED, (0, 0))
    stripe_sandbox.control(f"{charge}/dispute/close", status="won")
    order = hear(order)
    assert (order.status, order.kept.amount, shop.stock()) == (OrderStatus.REFUNDED, 0, (0, 0))


def test_what_is_held_is_let_go_with_the_last_of_the_money(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """The first payment is lost while the extra one is on its way back: the goods are stopped, and told once more when
    that has gone, for only then nothing is kept. REQ PA-07."""
    stripe_sandbox.control("faults", refunds="pending", times=1)
    order, second = charged_twice(shop, stripe_sandbox)
    order = hear(order)
    first = order.payments.exclude(pk=second.pk).get().payment_intent_id
    stripe_sandbox.control(f"charges/{first}/dispute")
    stripe_sandbox.control(f"charges/{first}/dispute/close", status="lost")
    assert hear(order).kept.amount == PRICE
    assert shop.goods.told == [("stop", order.pk)]
    stripe_sandbox.control(f"refunds/{order.refunds.get().stripe_refund_id}/succeed")
    assert hear(order).kept.amount == 0
    assert shop.goods.told == [("stop", order.pk)] * 2
    hear(order)
    assert shop.goods.told == [("stop", order.pk)] * 2


def test_the_loss_of_the_extra_payment_says_nothing_of_units(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Staff named the unit, their refund of the first payment failed, the dashboard's took its place: the unit comes.
    REQ PA-07."""
    order, sessions, _ = open_twice(shop)
    for session_id in sessions:
        stripe_sandbox.control(f"sessions/{session_id}/pay")
    stripe_sandbox.control(f"{charge_of(sessions[1])}/dispute")
    apply_order(order.pk, now=clock.now(), seen_session_id=sessions[1])
    stripe_sandbox.control(f"{charge_of(sessions[1])}/dispute/close", status="lost")
    order = hear(order)
    assert (order.kept.amount, order.lost_amount) == (PRICE, PRICE)
    stripe_sandbox.control("faults", refunds="pending", times=1)
    ours = ask(order, owner_of(shop), units=1)
    work_money()
    ours.refresh_from_db()
    stripe_sandbox.control(f"refunds/{ours.stripe_refund_id}/fail")
    stripe_sandbox.control(f"{charge_of(sessions[0])}/refund")
    order = hear(order)
    ours.refresh_from_db()
    assert (ours.status, order.kept.amount, shop.stock()) == (RefundStatus.FAILED, 0, (0, 0))
