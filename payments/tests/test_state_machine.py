"""Any order of acts, crashes and lost answers ends with money kept = goods given, and nothing stuck."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.services.access import actor_of
from accounts.tests.factories import make_membership
from common import clock
from common.errors import Failure
from payments import gateway
from payments.models import HOLDING_STATES, Order, OrderState, Payment
from payments.services.applying import apply_order, release
from payments.services.checkout import open_checkout
from payments.services.closing import locked_order
from payments.services.holds import cancel_order, expire_hold
from payments.services.refund_requests import request_refund
from payments.tests.factories import make_shop, place, work_money
from payments.tests.goods import Goods
from payments.types import RequestRefund
from sandbox.testing import SandboxFailed, SandboxProcess

pytestmark = pytest.mark.django_db

UNITS = 3
CHOICE = st.integers(0, 7)


class MoneyPath(RuleBasedStateMachine):
    """One shop, a few orders, Stripe with its faults; each run has a shop of its own."""

    goods: Goods
    sandbox: SandboxProcess

    def __init__(self) -> None:
        super().__init__()
        self.shop = make_shop(self.goods, units=UNITS)
        self.owner = actor_of(make_membership("owner", organization=self.shop.organization).user)
        self.orders: list[Order] = []
        self.sandbox.control("faults", reset=True)
        gateway.breaker.reset()

    def order(self, choice: int) -> Order:
        return Order.objects.get(pk=self.orders[choice % len(self.orders)].pk)

    def session(self, choice: int) -> str | None:
        payment = Payment.objects.filter(order=self.order(choice)).order_by("-attempt")[0]
        return payment.session_id

    @precondition(lambda self: sum(self.shop.stock()) < UNITS and len(self.orders) < 6)
    @rule()
    def reserve(self) -> None:
        self.orders.append(place(self.shop))

    @precondition(lambda self: self.orders)
    @rule(choice=CHOICE, fault=st.sampled_from([None, "cut_after_commit", "500", "500_after_commit", "429"]))
    def open(self, choice: int, fault: str | None) -> None:
        if fault:
            self.sandbox.control(
                "faults", api=fault, times=3 if fault.startswith("cut") else 1,
                path_prefix="/v1/checkout/sessions", method="POST",
            )  # fmt: skip
        try:
            open_checkout(self.order(choice).pk, now=clock.now())
        except Failure:
            pass
        finally:
            self.sandbox.control("faults", reset=True)
            gateway.breaker.reset()

    @precondition(lambda self: self.orders)
    @rule(choice=CHOICE, step=st.sampled_from(["pay", "decline", "expire"]))
    def at_stripe(self, choice: int, step: str) -> None:
        session_id = self.session(choice)
        if session_id:
            try:
                self.sandbox.control(f"sessions/{session_id}/{step}")
            except SandboxFailed:
                return  # it is not open any more

    @precondition(lambda self: self.orders)
    @rule(choice=CHOICE)
    def hear_of_it(self, choice: int) -> None:
        apply_order(self.order(choice).pk, now=clock.now())

    @precondition(lambda self: self.orders)
    @rule(choice=CHOICE)
    def time_is_over(self, choice: int) -> None:
        order = self.order(choice)
        expire_hold(order.pk, now=order.created_at + timedelta(hours=1))

    @precondition(lambda self: self.orders)
    @rule(choice=CHOICE)
    def cancel(self, choice: int) -> None:
        try:
            cancel_order(self.order(choice).pk, actor_of(self.shop.buyer), now=clock.now())
        except Failure:
            return

    @precondition(lambda self: self.orders)
    @rule(choice=CHOICE)
    def released_by_mistake(self, choice: int) -> None:
        order = self.order(choice)
        if order.state in HOLDING_STATES:
            with locked_order(order.pk) as locked:
                release(locked, OrderState.EXPIRED, now=clock.now())

    @precondition(lambda self: self.orders)
    @rule(choice=CHOICE, amount=st.sampled_from([None, 500, 1999]), is_dashboard=st.booleans())
    def refund(self, choice: int, amount: int | None, is_dashboard: bool) -> None:
        order = self.order(choice)
        intent = Payment.objects.filter(order=order).order_by("-attempt")[0].payment_intent_id
        try:
            if is_dashboard and intent:
                self.sandbox.control(f"charges/{intent}/refund", **({"amount": amount} if amount else {}))
            else:
                request_refund(RequestRefund(order.pk, amount, "x", None, self.owner), now=clock.now())
        except (Failure, SandboxFailed):
            return

    @rule()
    def work(self) -> None:
        work_money()

    @invariant()
    def never_oversold(self) -> None:
        reserved, sold = self.shop.stock()
        held = sum(self.order(at).state in HOLDING_STATES for at in range(len(self.orders)))
        assert reserved == held
        assert reserved + sold <= UNITS

    def teardown(self) -> None:
        """The end of all holds, and everybody told: what then is true must be just."""
        later = clock.now() + timedelta(hours=2)
        for order in self.orders:
            expire_hold(order.pk, now=later)
            apply_order(order.pk, now=later, search=True)
        for _ in range(3):
            work_money(later)
            later += timedelta(hours=3)
        given = 0
        for at in range(len(self.orders)):
            order = self.order(at)
            assert order.state not in HOLDING_STATES
            assert order.refund_pending_amount == 0
            given += self.goods.units_sold(order)
            ledger: Any = order.ledger.exclude(kind="fee").values_list("amount", flat=True)
            assert sum(ledger) == order.kept.amount
            if order.kept.amount:
                assert order.state == OrderState.PAID
        assert self.shop.stock() == (0, given)


def test_money_kept_is_goods_given(goods: Goods, stripe_sandbox: SandboxProcess, db: None) -> None:
    """Reserve, pay, expire, cancel, refund, crash in any order: no oversale, no money for nothing. REQ OF-13 PA-04."""
    MoneyPath.goods, MoneyPath.sandbox = goods, stripe_sandbox
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        MoneyPath,
        settings=settings(
            max_examples=18,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
