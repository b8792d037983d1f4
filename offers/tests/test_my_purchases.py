"""What somebody bought, as they alone read it."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import bearer, make_member, make_user
from events.models import Event
from offers.tests.factories import give, make_offer

pytestmark = pytest.mark.django_db


def by_rest(user: User | None, event: Event | None = None) -> Any:
    """Return the titles of what somebody bought with how their orders stand, or the code of the refusal."""
    query = {} if event is None else {"event_id": str(event.pk)}
    answer = Client(headers=bearer(user) if user else {}).get("/api/v1/me/purchases", query)
    told = answer.json()
    if answer.status_code != 200:
        return told["code"]
    return [(one["offer"]["title"], one["order"]["status"]) for one in told["results"]]


def by_graphql(user: User | None, event: Event | None = None) -> Any:
    """Return the same from the other door."""
    named = "" if event is None else f'(eventId: "{event.pk}")'
    query = f"{{ myPurchasedOffers{named} {{ offer {{ title }} order {{ status }} }} }}"
    client = Client(headers=bearer(user) if user else {})
    told = client.post("/graphql", json.dumps({"query": query}), content_type="application/json").json()
    if "errors" in told:
        return told["errors"][0]["extensions"]["code"]
    return [(one["offer"]["title"], one["order"]["status"]) for one in told["data"]["myPurchasedOffers"]]


@pytest.mark.parametrize("read", [by_rest, by_graphql], ids=["REST", "GraphQL"])
def test_my_purchases_are_mine_alone_at_both_doors(read: Any) -> None:
    """The buyer's list, the newest first, of one event where it is named, and nobody else's: staff of the event do not
    find it there, nor who bought the same.

    REQ OF-12, EV-03.
    """
    person, other = make_user(), make_user()
    offer, elsewhere = make_offer(units=5), make_offer(units=5)
    give(offer, person)
    give(elsewhere, person, held=True)
    give(offer, other)
    mine = [(elsewhere.title, "PENDING"), (offer.title, "COMPLETED")]
    assert read(person) == mine
    assert read(person, offer.event) == mine[1:]
    assert read(other) == mine[1:]
    for stranger in (make_user(), make_member("staff", organization=offer.event.organization)):
        assert read(stranger) == []
        assert read(stranger, offer.event) == []
    assert read(None) == "unauthenticated"
