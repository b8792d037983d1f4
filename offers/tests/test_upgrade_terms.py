"""On what terms an upgrade is sold."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.tests.factories import make_member
from common import clock
from common.outbox.testing import run_due
from events.models import Event
from notifications.models import RealtimeEvent
from offers.models import Offer, Purchase
from offers.services.announcing import GATHERED_FOR
from offers.tests.factories import Door, make_offer, make_upgrade
from payments.models import Order, Payment
from sandbox.testing import SandboxProcess
from tickets.models import TicketTier
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("places", "terms", "methods"),
    [
        (1, {}, ["card"]),
        (None, {"units": 3}, ["card"]),
        (None, {}, None),
        (1, {"allows_delayed_payment": True}, None),
    ],
    ids=["few places", "few units", "no limit", "the organizer allows it"],
)
def test_a_place_that_is_scarce_is_not_kept_for_days_unpaid(
    stripe_sandbox: SandboxProcess, places: int | None, terms: dict[str, Any], methods: list[str] | None
) -> None:
    """Cards alone where the offer or the tier it leads to can run out, unless the organizer allows more. REQ OF-08."""
    offer, standard = make_upgrade(places=places, **terms)
    person = Door()
    ticket = make_ticket(holder=person.user, tier=standard)
    answer = person.buy(offer, ticket_id=str(ticket.pk)).json()
    session = Payment.objects.get(order_id=answer["order"]["id"]).request["session"]
    assert session.get("allowed_payment_method_types") == methods


def _listed(person: Door, event: Event) -> list[str]:
    return [row["id"] for row in person.get(f"events/{event.pk}/offers?active=true").json()["results"]]


def _availability(person: Door, offer: Offer) -> tuple[bool, str | None]:
    answer = person.get(f"offers/{offer.pk}/availability?quantity=1").json()
    return answer["is_available"], answer["reason"]


def test_no_upgrade_is_sold_or_listed_once_the_event_is_over(stripe_sandbox: SandboxProcess) -> None:
    """Until the end it is; then it is refused with the reason, as a ticket is, also where it just sold. What else is
    sold at the event goes on. REQ OF-03, OF-05."""
    offer, standard = make_upgrade()
    event, shirt = offer.event, make_offer(event=offer.event)
    first, second = Door(), Door()
    tickets = [make_ticket(holder=person.user, tier=standard) for person in (first, second)]
    assert first.buy(offer, ticket_id=str(tickets[0].pk)).status_code == 201
    assert sorted(_listed(second, event)) == sorted([str(offer.pk), str(shirt.pk)])
    assert _availability(second, offer) == (True, None)
    Event.objects.filter(pk=event.pk).update(
        starts_at=clock.now() - timedelta(days=1), ends_at=clock.now() - timedelta(seconds=1)
    )
    refused = second.buy(offer, ticket_id=str(tickets[1].pk))
    assert (refused.status_code, refused.json()["code"]) == (409, "offer_unavailable")
    assert refused.json()["detail"] == "The event is over."
    assert not Order.objects.filter(buyer=second.user).exists()
    assert Purchase.objects.count() == 1
    assert _listed(second, event) == [str(shirt.pk)]
    assert _availability(second, offer) == (False, "offer_unavailable")
    assert second.buy(shirt).status_code == 201


def _taken(offer: Offer, *, units: int) -> None:
    """Let so many tickets of the tier that the upgrade leads to be sold at the door."""
    for _ in range(units):
        make_ticket(tier=offer.upgrade_to_tier)


@pytest.mark.parametrize(
    ("units", "places", "left"), [(5, 2, 2), (1, 2, 1), (None, 2, 2), (5, None, 5), (None, None, None)]
)
def test_no_more_upgrades_are_left_than_the_tier_has_places(
    units: int | None, places: int | None, left: int | None
) -> None:
    """The fewer of the two is what is told; what has no limit does not count. REQ OF-03."""
    offer, _ = make_upgrade(places=None if places is None else places + 1, units=units)
    _taken(offer, units=1)
    (row,) = Door().get(f"events/{offer.event_id}/offers?active=true").json()["results"]
    assert row["inventory"]["available"] == left


def test_an_upgrade_to_a_full_tier_is_sold_out() -> None:
    """Not listed as active, told as a purchase would be refused, and on sale again with the next place. REQ OF-03."""
    offer, standard = make_upgrade(places=1, units=5)
    _taken(offer, units=1)
    person, staff = Door(), Door(make_member("staff", organization=offer.event.organization))
    ticket = make_ticket(holder=person.user, tier=standard)
    assert _listed(person, offer.event) == []
    rest = staff.get(f"events/{offer.event_id}/offers?active=false").json()["results"]
    assert [(row["id"], row["is_available"]) for row in rest] == [(str(offer.pk), False)]
    assert _availability(person, offer) == (False, "sold_out")
    assert person.buy(offer, ticket_id=str(ticket.pk)).json()["code"] == "sold_out"
    TicketTier.objects.filter(pk=offer.upgrade_to_tier_id).update(inventory_total=2)
    assert _listed(person, offer.event) == [str(offer.pk)]
    assert _availability(person, offer) == (True, None)


def test_what_an_upgrade_leaves_of_its_tier_is_told(stripe_sandbox: SandboxProcess) -> None:
    """An upgrade without a limit of its own tells how many places are left when one goes. REQ OF-03, RT-02."""
    offer, standard = make_upgrade(places=2)
    person = Door()
    person.buy(offer, ticket_id=str(make_ticket(holder=person.user, tier=standard).pk))
    run_due(clock.now() + GATHERED_FOR)
    (told,) = RealtimeEvent.objects.filter(stream=f"event:{offer.event_id}", event="OFFER_AVAILABILITY")
    assert told.payload == {"offer_id": str(offer.pk), "available": 1}
