"""On what terms an upgrade is sold."""

from datetime import timedelta
from typing import Any

import pytest

from common import clock
from events.models import Event
from offers.models import Offer, Purchase
from offers.tests.factories import Door, make_offer, make_upgrade
from payments.models import Order, Payment
from sandbox.testing import SandboxProcess
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
