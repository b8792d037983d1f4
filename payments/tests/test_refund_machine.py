"""Any order of refunds, ours and the dashboard's, their ends and disputes: the goods are where the money is not."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.services.access import actor_of
from accounts.tests.factories import make_membership
from common import clock
from common.errors import Failure
from payments import gateway
from payments.models import Order, RefundStatus
from payments.services.applying import apply_order
from payments.services.refund_requests import request_refund
from payments.tests.factories import buy, make_shop, pay, work_money
from payments.tests.goods import Goods
from payments.types import RequestRefund
from sandbox.testing import SandboxFailed, SandboxProcess

pytestmark = pytest.mark.django_db

# Few walks, the same in each run: every way in which goods went wrong is walked by name in
# ``test_tickets_follow_their_money``. These look beside those ways, and each ends by giving everything back, where
# units that were promised must come. Whoever changes ``following`` raises EXAMPLES to hundreds, and lets them vary.
EXAMPLES, STEPS, IS_THE_SAME_EACH_TIME = 4, 9, True

QUANTITY = 2
AMOUNT = st.sampled_from([None, None, 1000, 2998])
FATE = st.sampled_from([None, "pending", "pending", "failed"])


class Refunding(RuleBasedStateMachine):
    """One order that was paid."""

    goods: Goods
    stripe: SandboxProcess

    def __init__(self) -> None:
        super().__init__()
        self.beginning = transaction.savepoint()
        self.stripe.control("faults", reset=True)
        gateway.breaker.reset()
        self.shop = make_shop(self.goods)
        self.owner = actor_of(make_membership("owner", organization=self.shop.organization).user)
        order, opened = buy(self.shop, quantity=QUANTITY)
        pay(self.stripe, opened)
        self.order_id = apply_order(order.pk, now=clock.now()).pk
        self.charge = f"charges/{order.payments.get().payment_intent_id}"
        # Somebody said how many units come back, or used them: then the rule alone does not tell.
        self.is_by_rule = True

    def control(self, path: str, **given: Any) -> None:
        try:
            self.stripe.control(path, **given)
        except SandboxFailed:
            return  # Stripe refuses it as things are

    @rule(amount=AMOUNT, units=st.sampled_from([None, None, None, None, 0, 1]))
    def promise(self, amount: int | None, units: int | None) -> None:
        try:
            request_refund(RequestRefund(self.order_id, amount, "x", units, self.owner), now=clock.now())
        except Failure:
            return
        self.is_by_rule &= units is None

    @rule(fate=FATE)
    def work(self, fate: str | None) -> None:
        """Stripe is asked, and hesitates, or will not; then everybody hears of it."""
        if fate:
            self.stripe.control("faults", refunds=fate, times=1)
        work_money()
        self.stripe.control("faults", reset=True)

    @rule(amount=AMOUNT, fate=FATE, is_told=st.booleans())
    def in_the_dashboard(self, amount: int | None, fate: str | None, is_told: bool) -> None:
        if fate:
            self.stripe.control("faults", refunds=fate, times=1)
        self.control(f"{self.charge}/refund", **({"amount": amount} if amount else {}))
        self.stripe.control("faults", reset=True)
        if is_told:
            self.hear()

    @rule(number=st.integers(0, 3), step=st.sampled_from(["succeed", "fail", "fail"]), is_told=st.booleans())
    def ends(self, number: int, step: str, is_told: bool) -> None:
        pending = list(self.order().refunds.filter(status=RefundStatus.PENDING))
        if pending:
            self.control(f"refunds/{pending[number % len(pending)].stripe_refund_id}/{step}")
        if is_told:
            self.hear()

    @rule(end=st.sampled_from([None, None, "won", "won", "lost"]), amount=AMOUNT, is_told=st.booleans())
    def dispute(self, end: str | None, amount: int | None, is_told: bool) -> None:
        if end:
            self.control(f"{self.charge}/dispute/close", status=end)
        else:
            self.control(f"{self.charge}/dispute", **({"amount": amount} if amount else {}))
        if is_told:
            self.hear()

    @rule()
    def hear(self) -> None:
        apply_order(self.order_id, now=clock.now())

    @rule()
    def use(self) -> None:
        if self.order_id not in self.goods.stopped:
            self.goods.fulfilled.add(self.order_id)
            self.is_by_rule = False

    def order(self) -> Order:
        return Order.objects.get(pk=self.order_id)

    @invariant()
    def goods_are_where_the_money_is_not(self) -> None:
        order, is_stopped = self.order(), self.order_id in self.goods.stopped
        units = self.goods.units_sold(order)
        assert self.shop.stock() == (0, units)
        assert 0 <= units <= QUANTITY
        if order.is_disputed or not order.kept.amount:
            assert is_stopped
        elif order.kept.amount > order.refund_pending_amount:
            assert not is_stopped
        elif self.is_by_rule:
            assert is_stopped
        # What a bank took brings no units back; with the last of the rest they come, if a refund says so.
        if self.is_by_rule and (order.kept.amount or not order.lost_amount):
            assert units == (QUANTITY if order.kept.amount else 0)

    def teardown(self) -> None:
        """End whatever is under way, then give back what is left: each walk ends with all money gone, or disputed."""
        try:
            for is_the_end in (False, True):
                if is_the_end:
                    self.control(f"{self.charge}/refund")
                for refund in self.order().refunds.filter(status=RefundStatus.PENDING):
                    self.control(f"refunds/{refund.stripe_refund_id}/succeed")
                work_money()
                self.hear()
                self.goods_are_where_the_money_is_not()
            assert self.order().refund_pending_amount == 0
        finally:
            transaction.savepoint_rollback(self.beginning)


def test_goods_are_where_the_money_is_not(goods: Goods, stripe_sandbox: SandboxProcess, db: None) -> None:
    """Usable exactly while money is kept, undisputed and not all going back; returned once, at the end. REQ PA-07."""
    Refunding.goods, Refunding.stripe = goods, stripe_sandbox
    run_state_machine_as_test(
        Refunding,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=IS_THE_SAME_EACH_TIME,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
