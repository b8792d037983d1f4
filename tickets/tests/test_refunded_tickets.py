"""Tickets follow their money: whatever refunds and disputes do, in whatever order, and heard of twice.

They open doors exactly while money is kept, no dispute stands and not everything is on its way back. They are void,
and their places free, exactly once, when by the rule of refunds they come back.
"""

from collections.abc import Callable
from typing import Any, Final

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_user
from common import clock, idempotency
from payments.models import LIVE_REFUND_STATUSES, Order, OrderStatus, Refund, RefundStatus
from payments.services.applying import apply_order
from payments.services.checkout import open_checkout
from payments.services.proof import prove
from payments.services.refund_requests import request_refund
from payments.tests.factories import pay, work_money
from payments.types import RequestRefund
from sandbox.testing import SandboxProcess
from tickets.models import Ticket, TicketSale
from tickets.services.checkout import reserve_tickets
from tickets.services.reconcile import reconcile_tiers
from tickets.tests.factories import code_of, make_scanner, make_tier, scan
from tickets.types import BuyTickets

pytestmark = pytest.mark.django_db

PRICE: Final = 14900
REFUNDED, PARTLY, COMPLETED, DISPUTED = (
    OrderStatus.REFUNDED, OrderStatus.PARTIALLY_REFUNDED, OrderStatus.COMPLETED, OrderStatus.DISPUTED,
)  # fmt: skip


class Bought:
    """Tickets that were paid for, and what then happens to their money."""

    def __init__(self, stripe: SandboxProcess, quantity: int = 1) -> None:
        self.stripe, self.began, buyer = stripe, clock.now(), make_user()
        self.tier = make_tier(units=9, price_amount=PRICE // quantity)
        self.owner = actor_of(make_member("owner", organization=self.tier.event.organization))
        wish = BuyTickets(
            event_id=self.tier.event_id, tier_id=self.tier.pk, quantity=quantity,
            buyer_id=buyer.pk, buyer_email=buyer.email,
        )  # fmt: skip
        order = reserve_tickets(wish, idempotency.Ticket(None, None, None), now=clock.now())
        pay(stripe, open_checkout(order.pk, now=clock.now()))
        self.order = apply_order(order.pk, now=clock.now())
        assert self.stands() == (COMPLETED, quantity, quantity)

    @property
    def charge(self) -> str:
        """Where Stripe's dashboard acts on the charge."""
        return f"charges/{self.order.payments.get().payment_intent_id}"

    def ask(self, amount: int | None = None, units: int | None = None, fate: str = "") -> None:
        """Refund as the owner; Stripe is asked, and ``fate`` is what it makes of it."""
        if fate:
            self.stripe.control("faults", refunds=fate, times=1)
        request_refund(RequestRefund(self.order.pk, amount, "x", units, self.owner), now=clock.now())
        self.check()
        work_money()

    def promise(self, amount: int | None = None, units: int | None = None) -> None:
        """Refund as the owner; Stripe is not asked yet."""
        request_refund(RequestRefund(self.order.pk, amount, "x", units, self.owner), now=clock.now())

    def dashboard(self, amount: int | None = None, fate: str = "") -> None:
        """Refund in Stripe's dashboard."""
        if fate:
            self.stripe.control("faults", refunds=fate, times=1)
        self.stripe.control(f"{self.charge}/refund", **({"amount": amount} if amount else {}))
        self.hear()

    def ends(self, step: str, number: int = 0) -> None:
        """End a pending refund at Stripe: the oldest, or the one after so many."""
        pending = self.order.refunds.filter(status=RefundStatus.PENDING).order_by("created_at")
        self.stripe.control(f"refunds/{pending[number].stripe_refund_id}/{step}")
        self.hear()

    def dispute(self, **given: Any) -> None:
        """Let the buyer's bank dispute the payment."""
        self.stripe.control(f"{self.charge}/dispute", **given)
        self.hear()

    def closed(self, status: str) -> None:
        """Let the bank decide."""
        self.stripe.control(f"{self.charge}/dispute/close", status=status)
        self.hear()

    def work(self) -> None:
        """Have Stripe asked for what was promised."""
        work_money()
        self.check()

    def hear(self) -> None:
        """Apply what Stripe says."""
        apply_order(self.order.pk, now=clock.now())
        self.check()

    def use(self) -> None:
        """Go in."""
        ticket, door = Ticket.objects.filter(tier=self.tier)[0], make_scanner(self.tier.event)
        assert scan(door, self.tier.event, code_of(ticket)).result == "accepted"

    def stands(self) -> tuple[OrderStatus, int, int]:
        """Return the order's status, how many tickets open doors, and how many places are sold."""
        self.tier.refresh_from_db()
        opening = Ticket.objects.filter(tier=self.tier, status="VALID", stopped_reason="")
        return Order.objects.get(pk=self.order.pk).status, opening.count(), self.tier.sold

    def check(self) -> None:
        """Check what must be true at each moment."""
        order = Order.objects.get(pk=self.order.pk)
        units = TicketSale.objects.get(pk=order.purpose_id).sold_units
        opening = self.stands()[1]
        if order.is_disputed or not order.kept.amount:
            assert opening == 0
        elif order.kept.amount > order.refund_pending_amount:
            assert opening == units


def a_dashboard_refund_is_heard_of_only_when_ours_is_refused(sale: Bought) -> None:
    sale.promise()
    sale.stripe.control(f"{sale.charge}/refund")
    sale.work()


def a_pending_dashboard_refund_fails_and_then_a_part_comes(sale: Bought) -> None:
    sale.promise()
    sale.dashboard(fate="pending")
    sale.work()
    sale.ends("fail")
    assert sale.stands() == (COMPLETED, 1, 1)
    sale.promise()
    sale.dashboard(10000)
    sale.work()
    assert sale.stands() == (PARTLY, 1, 1)


def and_a_pending_one_of_the_rest_overtakes_ours_and_succeeds(sale: Bought) -> None:
    a_pending_dashboard_refund_fails_and_then_a_part_comes(sale)
    sale.promise()
    sale.dashboard(fate="pending")
    sale.work()
    assert sale.stands() == (PARTLY, 0, 1)
    sale.ends("succeed")


def a_refund_fails_while_a_dispute_stands_that_is_won(sale: Bought) -> None:
    sale.ask(fate="pending")
    sale.dispute()
    sale.ends("fail")
    assert sale.stands() == (DISPUTED, 0, 1)
    sale.closed("won")
    assert sale.stands() == (COMPLETED, 1, 1)


def and_then_a_dispute_is_won_while_a_refund_is_pending_that_succeeds(sale: Bought) -> None:
    a_refund_fails_while_a_dispute_stands_that_is_won(sale)
    sale.ask(fate="pending")
    sale.dispute()
    sale.closed("won")
    assert sale.stands() == (COMPLETED, 0, 1)
    sale.ends("succeed")


def stripe_refuses_for_a_dispute_and_when_it_is_won_a_refund_fails(sale: Bought) -> None:
    sale.promise()
    sale.stripe.control(f"{sale.charge}/dispute")
    sale.work()
    assert sale.stands() == (DISPUTED, 0, 1)
    sale.closed("won")
    assert sale.stands() == (COMPLETED, 1, 1)
    sale.ask(fate="pending")
    sale.dispute()
    sale.closed("won")
    sale.ends("fail")
    assert sale.stands() == (COMPLETED, 1, 1)


def and_then_a_dashboard_refund_overtakes_ours(sale: Bought) -> None:
    stripe_refuses_for_a_dispute_and_when_it_is_won_a_refund_fails(sale)
    sale.promise()
    sale.dashboard()
    sale.work()


def the_rest_succeeds_and_the_first_part_too(sale: Bought) -> None:
    sale.ask(10000, fate="pending")
    sale.ask(4900)
    sale.ends("succeed")


def the_first_part_fails_and_the_rest_succeeds(sale: Bought) -> None:
    sale.ask(10000, fate="pending")
    sale.ask(4900, fate="pending")
    sale.ends("fail")
    assert sale.stands() == (COMPLETED, 1, 1)
    sale.ends("succeed")
    assert sale.stands() == (PARTLY, 1, 1)


def then_the_rest_succeeds_and_its_first_part_fails(sale: Bought) -> None:
    the_first_part_fails_and_the_rest_succeeds(sale)
    sale.ask(7000, fate="pending")
    sale.ask(3000)
    assert sale.stands() == (PARTLY, 0, 1)
    sale.ends("fail")
    assert sale.stands() == (PARTLY, 1, 1)


def and_that_part_is_refunded_though_the_ticket_was_used(sale: Bought) -> None:
    then_the_rest_succeeds_and_its_first_part_fails(sale)
    sale.use()
    sale.ask(7000)


def a_named_ticket_returns_with_its_part_and_the_rest_waits(sale: Bought) -> None:
    sale.ask(10000, fate="pending")
    sale.ask(900, units=1)
    assert sale.stands() == (PARTLY, 1, 1)
    sale.ask(4000)
    assert sale.stands() == (PARTLY, 0, 1)
    sale.ends("fail")


def the_buyer_keeps_the_tickets_and_then_one_is_named(sale: Bought) -> None:
    sale.ask(units=0, fate="pending")
    assert sale.stands() == (COMPLETED, 2, 2)
    sale.ends("fail")
    assert sale.stands() == (COMPLETED, 2, 2)
    sale.promise(units=1)
    sale.dashboard()
    sale.work()


@pytest.mark.parametrize(
    ("walk", "quantity", "end"),
    [
        (a_dashboard_refund_is_heard_of_only_when_ours_is_refused, 1, (REFUNDED, 0, 0)),
        (and_a_pending_one_of_the_rest_overtakes_ours_and_succeeds, 1, (REFUNDED, 0, 0)),
        (and_then_a_dispute_is_won_while_a_refund_is_pending_that_succeeds, 1, (REFUNDED, 0, 0)),
        (and_then_a_dashboard_refund_overtakes_ours, 1, (REFUNDED, 0, 0)),
        (and_that_part_is_refunded_though_the_ticket_was_used, 1, (REFUNDED, 0, 1)),
        (the_rest_succeeds_and_the_first_part_too, 1, (REFUNDED, 0, 0)),
        (a_named_ticket_returns_with_its_part_and_the_rest_waits, 2, (PARTLY, 1, 1)),
        (the_buyer_keeps_the_tickets_and_then_one_is_named, 2, (REFUNDED, 0, 0)),
    ],
)
def test_tickets_follow_their_money(
    stripe_sandbox: SandboxProcess,
    walk: Callable[[Bought], None],
    quantity: int,
    end: tuple[OrderStatus, int, int],
) -> None:
    """Whoever keeps the money owes the tickets, and who has it back has none; no place is lost. REQ PA-07, TK-02."""
    sale = Bought(stripe_sandbox, quantity)
    try:
        walk(sale)
        # Heard of once more, as webhooks come twice.
        sale.hear()
    finally:
        stripe_sandbox.control("faults", reset=True)
    assert sale.stands() == end
    assert reconcile_tiers(now=clock.now(), tier_ids=[sale.tier.pk], dry_run=True) == []
    assert prove(since=sale.began, now=clock.now()) == []
    live = sale.order.refunds.filter(status__in=LIVE_REFUND_STATUSES)
    assert sum(live.values_list("units_returned", flat=True)) == quantity - end[2]
    dead = Refund.objects.exclude(pk__in=live).values_list("restock_units", "units_returned")
    assert set(dead) <= {(0, 0)}
