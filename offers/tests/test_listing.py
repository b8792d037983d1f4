"""Listing offers: what is on sale, to whom, and what it costs to ask."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import bearer, make_member, make_user
from common import clock
from events.models import Event
from events.tests.factories import make_event, make_registration, make_session
from offers.models import Offer
from offers.tests.doors import GraphQLCatalog
from offers.tests.factories import Door, give, make_offer
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db


def test_only_what_can_be_bought_is_active() -> None:
    """Sold out, ended, archived, paused and not yet started offers are not listed, by REST and GraphQL.
    REQ OF-03.
    """
    event, now = make_event(), clock.now()
    on_sale = make_offer(event=event, units=1)
    unlimited = make_offer(event=event, starts_at=now, expires_at=now + timedelta(hours=1))
    give(make_offer(event=event, units=1), make_user())
    give(make_offer(event=event, units=1), make_user(), held=True)
    make_offer(event=event, expires_at=now)
    make_offer(event=event, starts_at=now + timedelta(minutes=1))
    make_offer(event=event, is_active=False)
    make_offer(event=event, is_archived=True, is_active=False)
    make_offer()
    assert set(_rest(event)) == {str(on_sale.pk), str(unlimited.pk)}
    assert set(_graphql(event)) == {str(on_sale.pk), str(unlimited.pk)}


def test_targeted_offers_are_for_whom_they_are_meant() -> None:
    """Holders of a targeted tier see it, others and nobody do not; a session leaves out other sessions'.

    REQ OF-01, OF-03.
    """
    event = make_event()
    vip, here, there = make_tier(event=event), make_session(event=event), make_session(event=event)
    everybody = make_offer(event=event)
    for_vips = make_offer(event=event, target_ticket_tiers=[vip.pk])
    of_here = make_offer(event=event, target_sessions=[here.pk])
    holder, other = make_ticket(tier=vip).holder, make_ticket(tier=make_tier(event=event)).holder
    assert set(_rest(event, user=holder)) == {str(everybody.pk), str(for_vips.pk), str(of_here.pk)}
    assert set(_rest(event, user=other)) == {str(everybody.pk), str(of_here.pk)}
    assert set(_rest(event, f"&session_id={here.pk}")) == {str(everybody.pk), str(of_here.pk)}
    assert set(_rest(event, f"&session_id={there.pk}")) == {str(everybody.pk)}
    assert set(_graphql(event, f', sessionId: "{there.pk}"')) == {str(everybody.pk)}
    assert set(_graphql(event, user=holder)) == {str(everybody.pk), str(for_vips.pk), str(of_here.pk)}


def test_placements_filter() -> None:
    """A placement shows its own offers; one that does not exist is a field error. REQ OF-01."""
    event = make_event()
    checkout = make_offer(event=event, placement="CHECKOUT")
    make_offer(event=event, placement="EMAIL")
    assert _rest(event, "&placement=CHECKOUT") == [str(checkout.pk)]
    assert _graphql(event, ", placement: CHECKOUT") == [str(checkout.pk)]
    refused = Client().get(f"/api/v1/events/{event.pk}/offers?placement=WALL")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "placement")


def test_what_is_not_active_is_for_those_who_manage() -> None:
    """Staff list the rest and all of them; attendees and rivals get 404, analysts 403, nobody 401. REQ
    EV-03.
    """
    event = make_event()
    active, paused = make_offer(event=event), make_offer(event=event, is_active=False)
    staff = make_member("staff", organization=event.organization)
    assert _rest(event, "&active=false", user=staff) == [str(paused.pk)]
    assert set(_rest(event, "&active=all", user=staff)) == {str(active.pk), str(paused.pk)}
    analyst = make_member("analyst", organization=event.organization)
    for user, status in ((make_user(), 404), (make_member("owner"), 404), (analyst, 403), (None, 401)):
        assert _list(event, "&active=false", user=user).status_code == status
    assert _list(event, "&active=maybe", user=staff).status_code == 400


def test_a_private_event_is_for_its_people() -> None:
    """Registered people list, read and may buy its offers; to others nothing of it is there. REQ EV-03."""
    event = make_event(private=True)
    offer = make_offer(event=event)
    guest = make_registration(event).user
    assert _rest(event, user=guest) == [str(offer.pk)]
    for user in (None, make_user(), make_member("owner")):
        assert _list(event, user=user).status_code == 404
        client = Client(headers=bearer(user) if user else {})
        assert client.get(f"/api/v1/offers/{offer.pk}").status_code == 404
        assert client.get(f"/api/v1/offers/{offer.pk}/availability").status_code == 404


@pytest.mark.parametrize("count", [1, 60])
def test_a_list_costs_three_queries(
    count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Of any length, signed in, by REST and by GraphQL with every field. REQ OF-03 (query budget)."""
    event, door = make_event(), Door()
    for _ in range(count):
        make_offer(event=event)
    with django_assert_max_num_queries(3):
        page = door.get(f"events/{event.pk}/offers?limit=200").json()
    assert page["count"] == len(page["results"]) == count
    with django_assert_max_num_queries(3):
        assert len(_graphql(event, ", limit: 200", user=door.user)) == count


def test_pages() -> None:
    """Pages say how many there are, newest first, and where the next one is; past the end is empty. REQ
    OF-01.
    """
    event = make_event()
    newest = [str(make_offer(event=event, now=clock.now() + timedelta(minutes=i)).pk) for i in range(5)][::-1]
    first = _list(event, "&limit=2").json()
    assert ([row["id"] for row in first["results"]], first["count"]) == (newest[:2], 5)
    second = Client().get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == newest[2:4]
    beyond = _list(event, "&limit=2&offset=10").json()
    assert (beyond["results"], beyond["count"]) == ([], 5)


def test_availability_is_told() -> None:
    """So many units can be had or not, and why not. REQ OF-03."""
    event = make_event()
    offer = make_offer(event=event, units=3)
    give(offer, make_user(), held=True)
    asked = Door().get(f"offers/{offer.pk}/availability?quantity=2").json()
    assert asked == {
        "offer_id": str(offer.pk), "quantity": 2, "is_available": True, "available": 2, "reason": None,
    }  # fmt: skip
    assert Door().get(f"offers/{offer.pk}/availability?quantity=3").json()["reason"] == "sold_out"
    ended = make_offer(event=event, expires_at=clock.now() - timedelta(seconds=1))
    assert Door().get(f"offers/{ended.pk}/availability").json()["reason"] == "offer_unavailable"
    for wrong in ("0", "21", "two", "-1", "99999999999999999999"):
        assert Door().get(f"offers/{offer.pk}/availability?quantity={wrong}").status_code == 400


def test_hidden_offers_are_not_there() -> None:
    """A paused offer is readable for those who manage it alone; an ended one for everybody. REQ OF-03,
    EV-03.
    """
    event = make_event()
    paused = make_offer(event=event, is_active=False)
    ended = make_offer(event=event, expires_at=clock.now() - timedelta(seconds=1))
    staff = make_member("staff", organization=event.organization)
    assert Door().get(f"offers/{paused.pk}").status_code == 404
    assert Door(staff).get(f"offers/{paused.pk}").json()["is_available"] is False
    assert Door().get(f"offers/{ended.pk}").json()["is_available"] is False
    assert Door().get(f"offers/{uuid4()}").status_code == 404


def _list(event: Event, query: str = "", *, user: User | None = None) -> Any:
    client = Client(headers=bearer(user) if user else {})
    return client.get(f"/api/v1/events/{event.pk}/offers?{query.lstrip('&')}")


def _rest(event: Event, query: str = "", *, user: User | None = None) -> list[str]:
    response = _list(event, query, user=user)
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def _graphql(event: Event, more: str = "", *, user: User | None = None) -> list[str]:
    query = (
        f'{{ activeOffers(eventId: "{event.pk}"{more}) {{ id title price originalPrice targetSessions '
        "isAvailable inventory { total available sold reserved } } }"
    )
    answer = GraphQLCatalog(user).ask(query)
    assert "errors" not in answer, answer
    return [row["id"] for row in answer["data"]["activeOffers"]]


def test_offers_are_counted_in_sql_alone() -> None:
    """What is left comes from the database: the model has no Python sum that a list could use. REQ OF-03."""
    offer = make_offer(units=4)
    give(offer, make_user(), quantity=3)
    row = Offer.objects.with_availability(clock.now()).get(pk=offer.pk)
    assert (row.available, row.is_available) == (1, True)
    give(offer, make_user())
    row = Offer.objects.with_availability(clock.now()).get(pk=offer.pk)
    assert (row.available, row.is_available) == (0, False)
