"""A ticket that is upgraded step by step, and what refunds of single steps make of it. REQ OF-11, PA-07."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import make_member
from common import clock
from events.tests.factories import make_event
from offers.models import Fulfillment, Offer, OfferType
from offers.services.reconcile import reconcile
from offers.tests.factories import Door, make_offer, pay, settle, stock
from payments.models import Order, OrderState, OrderStatus
from payments.services.closing import locked_order, release
from payments.services.refund_requests import request_refund, send_refund
from payments.tests.factories import work_money
from payments.types import RequestRefund
from sandbox.testing import SandboxProcess
from tickets.models import TicketTier
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db


class Ladder:
    """A Standard ticket, and an offer for each step: to Premium for 40.00, from there to VIP for 50.00."""

    def __init__(self, stripe: SandboxProcess) -> None:
        self.stripe, self.door, event = stripe, Door(), make_event()
        self.owner = actor_of(make_member("owner", organization=event.organization))
        self.standard = make_tier(event=event, price_amount=5000, units=2)
        self.premium = make_tier(event=event, priority="PREMIUM", price_amount=9000, units=2)
        self.vip = make_tier(event=event, priority="VIP", price_amount=20000, units=2)
        self.ticket = make_ticket(holder=self.door.user, tier=self.standard)
        self.first = self.step(self.standard, self.premium, 4000)
        self.second = self.step(self.premium, self.vip, 5000, requires_offer=self.first)

    def step(self, origin: TicketTier, target: TicketTier, price: int, **fields: Any) -> Offer:
        """Offer a way from one tier to another."""
        return make_offer(
            event=origin.event, kind=OfferType.TICKET_UPGRADE, units=2, price=price, upgrade_to_tier=target,
            target_ticket_tiers=[origin.pk], **fields,
        )  # fmt: skip

    def open(self, offer: Offer) -> dict[str, Any]:
        """Go to Stripe's page for a step."""
        answer: dict[str, Any] = self.door.buy(offer, ticket_id=str(self.ticket.pk)).json()
        return answer

    def climb(self, offer: Offer) -> Order:
        """Buy a step, which is given."""
        answer = self.open(offer)
        settle(self.stripe, answer, self.door)
        return Order.objects.get(pk=answer["order"]["id"])

    def refund(self, order: Order) -> None:
        """Give all the money of a step back, and take its unit."""
        command = RequestRefund(order.pk, None, "Changed their mind", 1, self.owner)
        # By hand, since no job that waits may be worked meanwhile.
        send_refund(request_refund(command, now=clock.now()).pk, now=clock.now())

    def stands_at(self) -> str:
        """Return the tier in which the ticket is, after proving that every counter adds up."""
        self.ticket.refresh_from_db()
        assert reconcile(now=clock.now(), dry_run=True) == []
        return str(self.ticket.tier.priority)


def while_its_checkout_is_open(ladder: Ladder, answer: dict[str, Any], undo: Callable[[], None]) -> None:
    undo()
    settle(ladder.stripe, answer, ladder.door)


def when_it_is_paid_and_not_given_yet(
    ladder: Ladder, answer: dict[str, Any], undo: Callable[[], None]
) -> None:
    pay(ladder.stripe, answer["checkout_session_id"])
    assert ladder.door.send("post", f"orders/{answer['order']['id']}/return").status_code == 200
    undo()


def when_its_place_was_released(ladder: Ladder, answer: dict[str, Any], undo: Callable[[], None]) -> None:
    with locked_order(answer["order"]["id"]) as order:
        release(order, OrderState.EXPIRED, now=clock.now())
    while_its_checkout_is_open(ladder, answer, undo)


@pytest.mark.parametrize(
    "moment",
    [while_its_checkout_is_open, when_it_is_paid_and_not_given_yet, when_its_place_was_released],
)
def test_the_last_step_is_not_given_to_a_ticket_that_fell_back(
    stripe_sandbox: SandboxProcess, moment: Callable[[Ladder, dict[str, Any], Callable[[], None]], None]
) -> None:
    """The first step's money went back: the second's price buys no way from the bottom to the top, and goes back too.
    REQ OF-08, OF-11."""
    ladder = Ladder(stripe_sandbox)
    first = ladder.climb(ladder.first)
    answer = ladder.open(ladder.second)
    moment(ladder, answer, lambda: ladder.refund(first))
    work_money()
    work_money()
    second = Order.objects.get(pk=answer["order"]["id"])
    assert (ladder.stands_at(), second.status, second.kept.amount) == ("STANDARD", OrderStatus.REFUNDED, 0)
    assert (stock(ladder.first), stock(ladder.second)) == ((0, 0), (0, 0))
    ladder.vip.refresh_from_db()
    assert (ladder.vip.reserved, ladder.vip.sold) == (0, 0)


def test_a_ticket_that_rose_meanwhile_is_still_moved(stripe_sandbox: SandboxProcess) -> None:
    """The whole way was paid late, after another step of it was given: the rest of the way is. REQ OF-08, OF-11."""
    ladder = Ladder(stripe_sandbox)
    straight = ladder.step(ladder.standard, ladder.vip, 15000)
    answer = ladder.open(straight)
    with locked_order(answer["order"]["id"]) as order:
        release(order, OrderState.EXPIRED, now=clock.now())
    ladder.climb(ladder.first)
    settle(ladder.stripe, answer, ladder.door)
    order = Order.objects.get(pk=answer["order"]["id"])
    assert (ladder.stands_at(), order.status) == ("VIP", OrderStatus.COMPLETED)


@pytest.mark.parametrize("is_first_first", [True, False])
def test_two_steps_that_are_refunded_lead_back_to_the_start(
    stripe_sandbox: SandboxProcess, is_first_first: bool
) -> None:
    """Whichever step's money goes back first, none of it bought a better ticket, and both units are free. REQ PA-07,
    OF-11."""
    ladder = Ladder(stripe_sandbox)
    steps = [ladder.climb(ladder.first), ladder.climb(ladder.second)]
    between = ("VIP", (0, 0), (0, 1)) if is_first_first else ("PREMIUM", (0, 1), (0, 0))
    for step, expected in zip(
        steps if is_first_first else steps[::-1], [between, ("STANDARD", (0, 0), (0, 0))], strict=True
    ):
        ladder.refund(step)
        assert (ladder.stands_at(), stock(ladder.first), stock(ladder.second)) == expected
        refund = step.refunds.get()
        assert (refund.restock_units, refund.units_returned) == (1, 1)
    given = Fulfillment.objects.filter(purchase__order__in=steps, revoked_at=None)
    assert not given.exists()


def test_a_step_in_the_middle_is_left_out(stripe_sandbox: SandboxProcess) -> None:
    """Of three steps the middle one is refunded, then the last: the ticket is where the first brought it. REQ PA-07."""
    ladder = Ladder(stripe_sandbox)
    top = make_tier(event=ladder.vip.event, priority="VIP", price_amount=30000, units=1)
    third = ladder.step(ladder.vip, top, 7000)
    _, middle, last = (ladder.climb(step) for step in (ladder.first, ladder.second, third))
    ladder.refund(middle)
    assert (ladder.stands_at(), ladder.ticket.tier) == ("VIP", top)
    ladder.refund(last)
    assert (ladder.stands_at(), stock(ladder.first), stock(ladder.second), stock(third)) == (
        "PREMIUM", (0, 1), (0, 0), (0, 0),
    )  # fmt: skip
