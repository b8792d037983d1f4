"""Any order of purchases, payments, faults, refunds and edits, over the real offers, ends just."""

import os
from datetime import timedelta
from typing import ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, seed
from hypothesis import settings as play
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    get_state_machine_test,
    initialize,
    invariant,
    precondition,
    rule,
)
from pytest_django.fixtures import Settings

from accounts.services.access import actor_of
from common import clock, idempotency
from offers.services import catalog, names
from offers.services.purchase import _body
from offers.services.reservation import reserve_purchase
from offers.tests.justice import check_end, check_now
from offers.tests.market import Market, refusable
from offers.types import OfferInput
from payments.models import HOLDING_STATES, Order, OrderState, Refund, RefundStatus
from payments.services.closing import locked_order, release
from payments.services.holds import cancel_order, sweep_due
from payments.services.reconciling import reconcile
from payments.services.refund_requests import request_refund
from payments.services.returning import return_from_checkout
from payments.types import RequestRefund
from sandbox.testing import SandboxProcess
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

# More of them, and others: FUZZ_EXAMPLES and FUZZ_SEED.
EXAMPLES, STEPS = int(os.environ.get("FUZZ_EXAMPLES", "8")), 14
SEED = os.environ.get("FUZZ_SEED")

CHOICE = st.integers(0, 11)
SALE = st.tuples(CHOICE, st.integers(0, 5), st.integers(1, 2), st.booleans())
OPEN_FAULTS = st.sampled_from([None, None, None, "cut_after_commit", "500", "500_after_commit", "429"])
REFUND_FAULTS = st.sampled_from([None, None, None, "cut_after_commit", "500", "500_after_commit", "429"])
TOTALS = [OfferInput(inventory_total=total) for total in (1, 2, 3, None)]
PRICES = [OfferInput(price=price) for price in ("0", "5.00", "19.99")]
EDITS = st.sampled_from([*TOTALS, *PRICES, None])
PENDING_REFUNDS = [RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION]


class Buying(RuleBasedStateMachine):
    """Two buyers, six offers, staff, Stripe with its faults; each run has a market of its own."""

    stripe: ClassVar[SandboxProcess]

    def __init__(self) -> None:
        super().__init__()
        # Nothing of one run stays for the next: Stripe forgets it too.
        self.beginning = transaction.savepoint()
        self.market = Market(self.stripe)

    def order(self, choice: int) -> Order:
        orders = self.market.orders()
        return orders[choice % len(orders)]

    def has_wishes(self) -> bool:
        return bool(self.market.wishes)

    def has_orders(self) -> bool:
        return Order.objects.filter(event=self.market.event).exists()

    def has_charged(self) -> bool:
        return Order.objects.filter(event=self.market.event, paid_amount__gt=0).exists()

    def charged(self, choice: int) -> Order:
        orders = [order for order in self.market.orders() if order.paid_amount]
        return orders[choice % len(orders)]

    @initialize(sales=st.lists(SALE, min_size=3, max_size=5))
    def past_sales(self, sales: list[tuple[int, int, int, bool]]) -> None:
        for sale in sales:
            self.buy_and_pay(*sale)

    def buy_and_pay(self, choice: int, offer: int, quantity: int, is_worked: bool) -> None:
        """The path that most take, so that what may happen afterwards happens often."""
        self.buy(choice, offer, quantity, None)
        made = Order.objects.filter(purpose_id__in=self.market.made[f"key-{len(self.market.wishes) - 1}"])
        for order in made.exclude(state=OrderState.PAID):
            session = order.payments.get().session_id
            self.stripe.control(f"sessions/{session}/pay")
            return_from_checkout(order.pk, actor_of(order.buyer), now=clock.now())
        if is_worked:
            self.market.work()

    @rule(choice=CHOICE, offer=st.integers(0, 5), quantity=st.integers(1, 2), fault=OPEN_FAULTS)
    def buy(self, choice: int, offer: int, quantity: int, fault: str | None) -> None:
        self.market.buy(self.market.wish(self.market.offers[offer], choice, quantity=quantity), fault)

    @precondition(has_wishes)
    @rule(choice=CHOICE, fault=OPEN_FAULTS)
    def again(self, choice: int, fault: str | None) -> None:
        self.market.buy(self.market.wishes[choice % len(self.market.wishes)], fault)

    @rule(choice=CHOICE, offer=st.integers(0, 5))
    def killed_after_reserving(self, choice: int, offer: int) -> None:
        wish = self.market.wish(self.market.offers[offer], choice, quantity=1)
        key = idempotency.begin(
            user_id=wish.buyer_id, operation=names.OPERATION, key=wish.key,
            fingerprint=idempotency.fingerprint_of(_body(wish)), now=clock.now(),
        )  # fmt: skip
        with self.market.remembered(wish), refusable():
            reserve_purchase(wish, key, now=clock.now())

    @precondition(has_orders)
    @rule(
        choice=CHOICE, step=st.sampled_from(["pay", "pay", "pay", "decline", "pay_later", "settle", "fail"])
    )
    def on_the_page(self, choice: int, step: str) -> None:
        sessions = self.market.sessions()
        if sessions:
            forced = {"force": True} if step == "pay_later" else {}
            with refusable():
                self.stripe.control(f"sessions/{sessions[choice % len(sessions)]['id']}/{step}", **forced)

    @precondition(has_orders)
    @rule(choice=CHOICE)
    def come_back(self, choice: int) -> None:
        order = self.order(choice)
        return_from_checkout(order.pk, actor_of(order.buyer), now=clock.now())

    @precondition(has_orders)
    @rule(choice=CHOICE, times=st.integers(0, 2), is_kept=st.booleans())
    def webhook(self, choice: int, times: int, is_kept: bool) -> None:
        """One of those that wait, in any order: lost, delivered, twice, or once more later."""
        bag = self.market.collect()
        if bag:
            event = bag[choice % len(bag)] if is_kept else bag.pop(choice % len(bag))
            for _ in range(times):
                self.market.deliver(event)

    @precondition(has_orders)
    @rule(choice=CHOICE)
    def killed_after_applying(self, choice: int) -> None:
        """A worker dies between applying a webhook, or what else is due, and marking it: it is worked again later."""
        bag = self.market.collect()
        if bag:
            self.market.deliver(bag.pop(choice % len(bag)))
        self.market.die_at_work()

    @rule(fault=REFUND_FAULTS)
    def work(self, fault: str | None) -> None:
        self.market.work(fault)

    @rule(seconds=st.sampled_from([30, 61, 16 * 60, 50 * 60, 25 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.market.pass_time(timedelta(seconds=seconds))

    @precondition(has_orders)
    @rule(choice=CHOICE)
    def give_up(self, choice: int) -> None:
        order = self.order(choice)
        with refusable():
            cancel_order(order.pk, actor_of(order.buyer), now=clock.now())

    @precondition(has_orders)
    @rule(choice=CHOICE)
    def robbed(self, choice: int) -> None:
        """The hold is lost though its page is still open: whoever then pays it pays late."""
        order = self.order(choice)
        if order.state in HOLDING_STATES:
            with locked_order(order.pk) as locked:
                release(locked, OrderState.EXPIRED, now=clock.now())
            self.market.robbed.add(order.pk)

    @precondition(has_charged)
    @rule(
        choice=CHOICE,
        amount=st.sampled_from([None, None, 700, 1999]),
        units=st.sampled_from([None, None, 0, 1, 2]),
        fate=st.sampled_from([None, None, "pending", "failed"]),
    )
    def refund(self, choice: int, amount: int | None, units: int | None, fate: str | None) -> None:
        order = self.charged(choice)
        if fate:
            self.stripe.control("faults", refunds=fate, times=1)
        with refusable():
            request_refund(RequestRefund(order.pk, amount, "x", units, self.market.owner), now=clock.now())
            self.market.work()

    @precondition(has_charged)
    @rule(choice=CHOICE, amount=st.sampled_from([None, 700]), is_pending=st.booleans())
    def dashboard_refund(self, choice: int, amount: int | None, is_pending: bool) -> None:
        intent = self.market.intent_of(self.charged(choice))
        if intent:
            if is_pending:
                self.stripe.control("faults", refunds="pending", times=1)
            with refusable():
                self.stripe.control(f"charges/{intent}/refund", **({"amount": amount} if amount else {}))
            self.market.calm()

    @rule(choice=CHOICE, step=st.sampled_from(["succeed", "fail", "cancel"]))
    def refund_ends(self, choice: int, step: str) -> None:
        pending = list(Refund.objects.filter(status__in=PENDING_REFUNDS).order_by("created_at"))
        if pending:
            with refusable():
                self.stripe.control(f"refunds/{pending[choice % len(pending)].stripe_refund_id}/{step}")

    @precondition(has_charged)
    @rule(
        choice=CHOICE, end=st.sampled_from([None, "won", "lost"]), is_inquiry=st.booleans(),
        part=st.sampled_from([{}, {"amount": 700}]),
    )  # fmt: skip
    def dispute(self, choice: int, end: str | None, is_inquiry: bool, part: dict[str, int]) -> None:
        intent = self.market.intent_of(self.charged(choice))
        if intent:
            with refusable():
                if end:
                    self.stripe.control(f"charges/{intent}/dispute/close", status=end)
                else:
                    self.stripe.control(f"charges/{intent}/dispute", inquiry=is_inquiry, **part)

    @rule(offer=st.integers(0, 5), edit=EDITS)
    def edit(self, offer: int, edit: OfferInput | None) -> None:
        offer_id = self.market.offers[offer].pk
        with refusable():
            if edit is None:
                catalog.archive_offer(self.market.owner, offer_id, now=clock.now())
            else:
                catalog.update_offer(self.market.owner, offer_id, edit, now=clock.now())

    @rule(choice=CHOICE)
    def sold_at_the_door(self, choice: int) -> None:
        """A stranger gets a place of a tier: the one an upgrade freed, or wanted."""
        with refusable():
            make_ticket(tier=self.market.tiers[choice % 3])

    @rule()
    def staff_work(self) -> None:
        self.market.lend_hands()

    @invariant()
    def just_now(self) -> None:
        check_now(self.market)

    def teardown(self) -> None:
        try:
            self.come_to_an_end()
        finally:
            transaction.savepoint_rollback(self.beginning)

    def come_to_an_end(self) -> None:
        """The end of all holds, delayed payments and refunds; everybody told, everything due worked."""
        for session in self.market.sessions():
            if session["status"] == "complete" and session["payment_status"] == "unpaid":
                with refusable():
                    self.stripe.control(f"sessions/{session['id']}/settle")
        for _ in range(4):
            self.market.pass_time(timedelta(hours=13))
            sweep_due(now=clock.now())
            self.market.work()
            for refund in Refund.objects.filter(status__in=PENDING_REFUNDS):
                with refusable():
                    self.stripe.control(f"refunds/{refund.stripe_refund_id}/succeed")
            reconcile(since=clock.now() - timedelta(days=60), now=clock.now(), dry_run=False)
            self.market.work()
        check_end(self.market)


@pytest.fixture
def _hurried(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit to how often one buys, and no sleep of Stripe's library between its repetitions."""
    settings.PURCHASE_RATE_LIMIT = 100_000
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 0.001)
    monkeypatch.setattr("stripe._http_client.HTTPClient.MAX_DELAY", 0.002)


@pytest.mark.usefixtures("_hurried")
def test_every_market_ends_just(stripe_sandbox: SandboxProcess) -> None:
    """No oversale, no money or goods for nothing, one purchase a key, all books agree. REQ OF-04 OF-13 PA-04 PA-07."""
    Buying.stripe = stripe_sandbox
    terms = play(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=SEED is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    markets = get_state_machine_test(Buying, settings=terms)
    (markets if SEED is None else seed(int(SEED))(markets))()
