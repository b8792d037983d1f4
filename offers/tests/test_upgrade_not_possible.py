"""An upgrade whose ticket can no longer be moved: no payment for it is kept. REQ OF-08."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import make_member
from common import clock
from common.errors import Busy
from common.outbox.models import Job
from notifications.models import EmailMessage
from offers.models import Fulfillment, FulfillmentStatus, Offer
from offers.services.reconcile import reconcile
from offers.services.staff_fulfilment import retry
from offers.tests.factories import Door, make_upgrade, pay, stock
from payments.models import Order, OrderState, OrderStatus, RefundOrigin
from payments.services.applying import apply_order
from payments.services.closing import locked_order, release
from payments.tests.factories import work_money
from sandbox.testing import SandboxProcess
from tickets.models import Ticket, TierChange
from tickets.services import upgrades
from tickets.services.reissuing import void_ticket
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db


class Upgrading:
    """Somebody on Stripe's page, about to pay for the one VIP place."""

    def __init__(self, stripe: SandboxProcess) -> None:
        self.stripe, self.door = stripe, Door()
        self.offer: Offer
        self.offer, standard = make_upgrade(places=1, units=3)
        self.ticket: Ticket = make_ticket(holder=self.door.user, tier=standard)
        self.answer: dict[str, Any] = self.door.buy(self.offer, ticket_id=str(self.ticket.pk)).json()

    def paid(self) -> None:
        """Pay and come back; nobody has worked a job."""
        pay(self.stripe, self.answer["checkout_session_id"])
        assert self.door.send("post", f"orders/{self.answer['order']['id']}/return").status_code == 200

    def void(self) -> None:
        """End the ticket, as staff do."""
        owner = actor_of(make_member("owner", organization=self.offer.event.organization))
        void_ticket(actor=owner, ticket_id=self.ticket.pk, reason="Lost", now=clock.now())

    def stop(self) -> None:
        """Stop the ticket, as while its own money is on its way back."""
        Ticket.objects.filter(pk=self.ticket.pk).update(stopped_reason="A refund was requested.")

    def order(self) -> Order:
        """Return the order as it is."""
        return Order.objects.get(pk=self.answer["order"]["id"])

    def fulfillment(self) -> Fulfillment:
        """Return what is owed, as it is."""
        return Fulfillment.objects.get(offer=self.offer)

    def is_free_again(self) -> None:
        """Check that neither unit nor place is taken, and that the buyer was told that the money goes back."""
        change = TierChange.objects.get(ticket=self.ticket)
        assert (change.status, stock(self.offer)) == ("RELEASED", (0, 0))
        change.to_tier.refresh_from_db()
        assert (change.to_tier.reserved, change.to_tier.sold) == (0, 0)
        assert reconcile(now=clock.now()) == []
        letters = EmailMessage.objects.filter(template="payments_late_refund", to=self.door.user.email)
        assert letters.count() == 1


@pytest.mark.parametrize("end", [Upgrading.void, Upgrading.stop])
def test_paid_in_time_for_a_ticket_that_is_void_or_stopped_goes_back(
    stripe_sandbox: SandboxProcess, end: Callable[[Upgrading], None]
) -> None:
    """While they were on Stripe's page: the place is free at once, all money goes back. REQ OF-08."""
    case = Upgrading(stripe_sandbox)
    end(case)
    case.paid()
    assert case.order().state == OrderState.LATE_PAID
    case.is_free_again()
    work_money()
    assert (case.order().status, case.order().kept.amount) == (OrderStatus.REFUNDED, 0)
    assert not Fulfillment.objects.exists()


@pytest.mark.parametrize("end", [Upgrading.void, Upgrading.stop])
def test_a_ticket_voided_or_stopped_after_the_payment_gives_the_money_back(
    stripe_sandbox: SandboxProcess, end: Callable[[Upgrading], None]
) -> None:
    """Sold, and ended before its job ran: a verdict, not a fault; unit, place and money go back. REQ OF-08, OF-11."""
    case = Upgrading(stripe_sandbox)
    case.paid()
    end(case)
    work_money()
    work_money()
    assert (case.order().status, case.order().kept.amount) == (OrderStatus.REFUNDED, 0)
    case.is_free_again()
    given = case.fulfillment()
    assert (given.status, given.failure) == (
        FulfillmentStatus.CANCELLED, "The ticket can no longer be upgraded.",
    )  # fmt: skip
    assert not Job.objects.filter(kind="offers.fulfil").exclude(status="done").exists()


def test_where_that_refund_fails_staff_see_it_and_it_is_not_tried_for_ever(
    stripe_sandbox: SandboxProcess,
) -> None:
    """The bank does not take it: the fulfilment is among the failed ones, the place free, one refund. REQ OF-11."""
    case = Upgrading(stripe_sandbox)
    case.paid()
    case.void()
    stripe_sandbox.control("faults", refunds="failed", times=1)
    for _ in range(4):
        work_money()
    case.door.send("post", f"orders/{case.order().pk}/return")
    work_money()
    assert (case.order().status, case.order().refunds.count()) == (OrderStatus.COMPLETED, 1)
    assert case.fulfillment().status == FulfillmentStatus.FAILED
    # People may word its reason as they like, and try again: neither asks the bank a second time.
    case.order().refunds.update(reason="Worded otherwise")
    staff = actor_of(make_member("staff", organization=case.offer.event.organization))
    retry(staff, case.fulfillment().purchase_id, reason="Perhaps now", now=clock.now())
    work_money()
    assert case.order().refunds.get().origin == RefundOrigin.UNDELIVERABLE
    assert case.fulfillment().status == FulfillmentStatus.FAILED
    assert TierChange.objects.get(ticket=case.ticket).status == "RELEASED"
    assert reconcile(now=clock.now()) == []


def test_a_refund_that_a_dispute_stood_in_the_way_of_is_asked_for_again(
    stripe_sandbox: SandboxProcess,
) -> None:
    """The ticket is void, the buyer's bank disputed before we asked, and lost: the money goes back then."""
    case = Upgrading(stripe_sandbox)
    case.paid()
    case.void()
    charge = f"charges/{case.order().payments.get().payment_intent_id}"
    stripe_sandbox.control(f"{charge}/dispute")
    work_money()
    assert case.order().refunds.get().status == "failed"
    stripe_sandbox.control(f"{charge}/dispute/close", status="won")
    apply_order(case.order().pk, now=clock.now())
    work_money()
    assert (case.order().status, case.order().kept.amount) == (OrderStatus.REFUNDED, 0)
    assert case.fulfillment().status == FulfillmentStatus.CANCELLED
    assert reconcile(now=clock.now()) == []


def test_nothing_is_sold_to_the_holder_of_a_stopped_ticket() -> None:
    """Named or not, it is refused as one that does not fit; nothing is held, nothing for its tier shown. REQ OF-11."""
    door = Door()
    offer, standard = make_upgrade(places=1, units=3)
    Offer.objects.filter(pk=offer.pk).update(target_ticket_tiers=[standard.pk])
    ticket = make_ticket(holder=door.user, tier=standard)
    assert listed(door, offer) == [str(offer.pk)]
    Ticket.objects.filter(pk=ticket.pk).update(stopped_reason="A refund was requested.")
    assert listed(door, offer) == []
    named = door.buy(offer, ticket_id=str(ticket.pk))
    assert (named.status_code, named.json()["errors"][0]["code"]) == (400, "not_fitting")
    unnamed = door.buy(offer)
    assert (unnamed.status_code, unnamed.json()["code"]) == (409, "offer_unavailable")
    assert (stock(offer), TierChange.objects.count()) == ((0, 0), 0)


def listed(door: Door, offer: Offer) -> list[str]:
    """Return the ids of the offers that the person is shown."""
    answer = door.get(f"events/{offer.event_id}/offers").json()
    return [one["id"] for one in answer["results"]]


def test_a_ticket_that_can_be_moved_is(stripe_sandbox: SandboxProcess) -> None:
    """Paid in time, and nothing in the way: the ticket is VIP, the money kept. REQ OF-11."""
    case = Upgrading(stripe_sandbox)
    case.paid()
    work_money()
    case.ticket.refresh_from_db()
    assert (case.ticket.tier_id, case.order().status) == (
        case.offer.upgrade_to_tier_id, OrderStatus.COMPLETED,
    )  # fmt: skip
    assert case.fulfillment().status == FulfillmentStatus.FULFILLED


def test_a_late_payer_who_loses_a_race_is_read_again(
    stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others were at the ticket: the reading ends as busy and comes again; place and unit are free, and given."""
    case = Upgrading(stripe_sandbox)
    with locked_order(case.order().pk) as order:
        release(order, OrderState.EXPIRED, now=clock.now())
    pay(case.stripe, case.answer["checkout_session_id"])
    real, lost = upgrades._locked, [Busy]

    def locked(cause: UUID) -> Any:
        if lost:
            raise lost.pop()
        return real(cause)

    monkeypatch.setattr(upgrades, "_locked", locked)
    with pytest.raises(Busy):
        apply_order(case.order().pk, now=clock.now())
    assert apply_order(case.order().pk, now=clock.now()).status == OrderStatus.COMPLETED
    case.ticket.refresh_from_db()
    assert (case.ticket.tier.priority, stock(case.offer)) == ("VIP", (0, 1))
