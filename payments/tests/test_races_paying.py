"""Races round paying: each of the design's list, over real HTTP with the sandbox's faults."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from common import clock
from payments import gateway
from payments.models import LedgerKind, Order, OrderState, OrderStatus, Payment
from payments.services import applying
from payments.services.applying import apply_order
from payments.services.closing import locked_order
from payments.services.holds import expire_hold, sweep_due
from payments.tests.factories import Shop, buy, make_shop, pay, place, work_money
from payments.tests.goods import Goods
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def release_behind_stripe(order: Order) -> None:
    """Do what an operator's mistake does: release a hold whose page can still be paid."""
    with locked_order(order.pk) as locked:
        applying.release(locked, OrderState.EXPIRED, now=clock.now())


def test_the_end_of_the_hold_closes_the_page_then_releases(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """The session is expired at Stripe first, then the stock comes back. REQ OF-08."""
    order, opened = buy(shop)
    work_money(order.hold_expires_at)
    assert (fresh(order).status, shop.stock()) == (OrderStatus.EXPIRED, (0, 0))
    assert gateway.retrieve_session(str(opened.checkout_session_id)).status == "expired"


def test_a_hold_is_not_ended_before_its_time(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """A job that comes early changes nothing. REQ OF-08."""
    order, _ = buy(shop)
    expire_hold(order.pk, now=order.hold_expires_at - timedelta(microseconds=1))  # type: ignore[operator]
    assert (fresh(order).state, shop.stock()) == (OrderState.OPEN, (1, 0))


def test_timer_against_payment_the_payment_wins(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Paid just before the timer, with the webhook still on its way: settled, never released. REQ OF-08."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    work_money(order.hold_expires_at)
    assert (fresh(order).status, shop.stock()) == (OrderStatus.COMPLETED, (0, 1))


def test_never_released_on_the_timer_alone(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Stripe does not answer at the end of the hold: the goods stay held until it does. REQ OF-08."""
    order, _ = buy(shop)
    stripe_sandbox.control(
        "faults", api="500", times=None, path_prefix="/v1/checkout/sessions", method="POST"
    )
    work_money(order.hold_expires_at)
    assert (fresh(order).state, shop.stock()) == (OrderState.EXPIRING, (1, 0))
    stripe_sandbox.control("faults", reset=True)
    gateway.breaker.reset()
    work_money(order.hold_expires_at + timedelta(seconds=61))  # type: ignore[operator]
    assert (fresh(order).state, shop.stock()) == (OrderState.EXPIRED, (0, 0))


def test_control_releasing_on_the_timer_alone_oversells(
    goods: Goods, db: None, stripe_sandbox: SandboxProcess
) -> None:
    """Without closing the page first the last unit is sold twice; what saves it is the late refund.

    REQ OF-08.
    """
    shop = make_shop(goods, units=1)
    first, opened = buy(shop)
    release_behind_stripe(first)
    second, reopened = buy(shop)
    for page in (opened, reopened):
        pay(stripe_sandbox, page)  # both were charged: this is what never may happen by the timer
    assert apply_order(second.pk, now=clock.now()).state == OrderState.PAID
    assert apply_order(first.pk, now=clock.now()).state == OrderState.LATE_PAID


def test_paid_after_release_with_stock_left_is_settled(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """A late payment takes stock again while there is any. REQ OF-08."""
    order, opened = buy(shop)
    release_behind_stripe(order)
    pay(stripe_sandbox, opened)
    assert apply_order(order.pk, now=clock.now()).status == OrderStatus.COMPLETED
    assert shop.stock() == (0, 1)


def test_paid_after_release_with_nothing_left_goes_back_in_full(
    goods: Goods, db: None, stripe_sandbox: SandboxProcess
) -> None:
    """Nothing is left: one automatic full refund and a message; never an oversale, no money kept.

    REQ OF-08.
    """
    shop = make_shop(goods, units=1)
    late, opened = buy(shop)
    release_behind_stripe(late)
    winner, reopened = buy(shop)
    pay(stripe_sandbox, reopened)
    apply_order(winner.pk, now=clock.now())
    pay(stripe_sandbox, opened)
    for _ in range(2):
        apply_order(late.pk, now=clock.now())
        work_money()

    order = fresh(late)
    assert (order.state, order.status, order.kept.amount) == (OrderState.LATE_PAID, OrderStatus.REFUNDED, 0)
    assert shop.stock() == (0, 1)
    assert list(order.refunds.values_list("origin", "amount", "status")) == [("automatic", 1999, "succeeded")]
    assert sum(order.ledger.exclude(kind=LedgerKind.FEE).values_list("amount", flat=True)) == 0


def test_webhook_before_create_returned_brings_the_session(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """The session is known by its metadata before its creation answered. REQ PA-04."""
    order, opened = buy(shop)
    Payment.objects.filter(order=order).update(session_id=None, session_url="", session_expires_at=None)
    Order.objects.filter(pk=order.pk).update(state=OrderState.RESERVED)
    pay(stripe_sandbox, opened)
    apply_order(order.pk, now=clock.now(), seen_session_id=opened.checkout_session_id)
    assert fresh(order).status == OrderStatus.COMPLETED
    assert Payment.objects.get(order=order).session_id == opened.checkout_session_id


def test_parallel_duplicates_settle_once(
    goods: Goods, stripe_sandbox: SandboxProcess, race: Callable[..., list[Any]], transactional_db: None
) -> None:
    """Eight workers apply one payment at once: one charge, one sale, one receipt. REQ PA-04."""
    shop = make_shop(goods)
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    race(8, lambda _: apply_order(order.pk, now=clock.now()))
    assert shop.stock() == (0, 1)
    assert order.ledger.filter(kind=LedgerKind.CHARGE).count() == 1
    assert fresh(order).paid_amount == 1999


def test_control_parallel_duplicates_without_locks_sell_twice(
    goods: Goods,
    stripe_sandbox: SandboxProcess,
    race: Callable[..., list[Any]],
    transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the order's lock one payment takes the units of others too: the guard is what holds.

    REQ PA-04.
    """
    shop = make_shop(goods, units=20)
    for _ in range(8):
        place(shop)
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)

    @contextmanager
    def unlocked(order_id: Any) -> Iterator[Order]:
        with transaction.atomic():
            yield Order.objects.select_related("buyer").get(pk=order_id)

    monkeypatch.setattr(applying, "locked_order", unlocked)
    snapshot = applying.read_order(order.pk, search=False, now=clock.now())
    race(8, lambda _: applying.apply_snapshot(snapshot, now=clock.now()))
    assert shop.stock()[1] > 1


def test_an_older_answer_is_read_again(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """An answer read before a newer one was applied is never applied. REQ PA-04."""
    order, opened = buy(shop)
    old = applying.read_order(order.pk, search=False, now=clock.now())
    pay(stripe_sandbox, opened)
    apply_order(order.pk, now=clock.now())
    with pytest.raises(applying._Outdated):
        applying.apply_snapshot(old, now=clock.now())
    assert fresh(order).status == OrderStatus.COMPLETED


def test_stripe_expired_it_first_and_the_webhook_was_dropped(
    goods: Goods, transactional_db: None, live_server: Any, stripe_sandbox: SandboxProcess
) -> None:
    """Stripe's own clock ended the session, nobody told us: the end of the hold finds out. REQ OF-08 PA-04."""
    shop = make_shop(goods)
    order, _ = buy(shop)
    stripe_sandbox.control("faults", webhooks="drop", times=None)
    stripe_sandbox.control("clock", advance_seconds=41 * 60)
    work_money(order.hold_expires_at)
    assert (fresh(order).status, shop.stock()) == (OrderStatus.EXPIRED, (0, 0))


def test_delayed_webhook_after_the_order_was_settled(
    goods: Goods, transactional_db: None, live_server: Any, stripe_sandbox: SandboxProcess
) -> None:
    """The return page settled it, the webhook comes later: nothing is done twice. REQ PA-04."""
    shop = make_shop(goods)
    order, opened = buy(shop)
    stripe_sandbox.control("faults", webhooks="delay", times=None, delay_seconds=0.2)
    pay(stripe_sandbox, opened)
    apply_order(order.pk, now=clock.now())
    stripe_sandbox.control("deliveries/flush")
    assert work_money() >= 1
    assert (fresh(order).paid_amount, shop.stock()) == (1999, (0, 1))
    assert order.events.exists()


def test_expired_after_completed_changes_nothing(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """A sweep that comes after the payment was applied leaves it alone. REQ PA-04 OF-08."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    apply_order(order.pk, now=clock.now())
    expire_hold(order.pk, now=order.hold_expires_at)  # type: ignore[arg-type]
    assert (fresh(order).status, shop.stock()) == (OrderStatus.COMPLETED, (0, 1))


def test_concurrent_sweeps_release_each_hold_once(
    goods: Goods, stripe_sandbox: SandboxProcess, race: Callable[..., list[Any]], transactional_db: None
) -> None:
    """Sweeps and jobs at once: every hold ends once, the counters are exact. REQ OF-08."""
    shop = make_shop(goods, units=6)
    orders = [buy(shop)[0] for _ in range(6)]
    over = orders[-1].hold_expires_at + timedelta(minutes=2)  # type: ignore[operator]
    ends = [lambda: sweep_due(now=over)] * 3 + [lambda: expire_hold(orders[0].pk, now=over)] * 3
    race.each(ends)  # type: ignore[attr-defined]
    work_money(over)
    assert shop.stock() == (0, 0)
    assert {fresh(order).state for order in orders} == {OrderState.EXPIRED}
