"""Tiers and tickets as callers read them, and events and seats through GraphQL."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import bearer, make_member, make_user
from common.facts import SeatFreed
from common.outbox.models import Job
from common.outbox.registry import registry
from events.models import Attendance
from events.tests.factories import make_event, make_session
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db


def ask(client: Client, query: str, user: User | None = None) -> dict[str, Any]:
    """Send a query and return the whole answer."""
    headers = bearer(user) if user else {}
    body = json.dumps({"query": query})
    return client.post("/graphql", body, content_type="application/json", headers=headers).json()


def test_tiers_of_an_event_are_listed_with_price_and_stock(client: Client) -> None:
    """Active tiers, in the organizer's order, prices as decimals. REQ TK-01."""
    event = make_event()
    make_tier(event=event, name="Standard", units=10, price_amount=14900, sort_order=2)
    make_tier(event=event, name="VIP", priority="VIP", price_amount=49900, sort_order=1)
    make_tier(event=event, name="Old", is_active=False)
    answer = client.get(f"/api/v1/events/{event.pk}/ticket-tiers").json()
    assert [(tier["name"], tier["price"], tier["available"]) for tier in answer["results"]] == [
        ("VIP", "499.00", None),
        ("Standard", "149.00", 10),
    ]
    same = ask(client, f'{{ ticketTiers(eventId: "{event.pk}") {{ name price available }} }}')
    assert same["data"]["ticketTiers"][1] == {"name": "Standard", "price": "149.00", "available": 10}


def test_my_tickets_are_mine_alone(client: Client) -> None:
    """One's own tickets with event and tier; others' are not there, nobody's need a token. REQ EV-03, TK-01."""
    me = make_user()
    mine = make_ticket(holder=me)
    make_ticket()
    assert client.get("/api/v1/me/tickets").status_code == 401
    answer = client.get("/api/v1/me/tickets", headers=bearer(me)).json()
    assert [(one["number"], one["event"]["id"]) for one in answer["results"]] == [
        (mine.number, str(mine.event_id))
    ]
    same = ask(client, "{ myTickets { number tier { name } event { slug } } }", me)
    assert same["data"]["myTickets"][0]["number"] == mine.number
    assert ask(client, "{ myTickets { number } }")["errors"][0]["extensions"]["code"] == "unauthenticated"


def test_my_tickets_cost_the_same_for_many(client: Client) -> None:
    """Event, tier and sessions of thirty tickets take as many queries as those of one. REQ GQ-01."""
    me = make_user()
    tier = make_tier()
    make_session(event=tier.event)
    query = "{ myTickets { number tier { name } event { slug organization { name } sessions { slug } } } }"

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert "errors" not in ask(client, query, me)
        return len(queries)

    make_ticket(holder=me, tier=tier)
    one = cost()
    for _ in range(29):
        make_ticket(holder=me, tier=tier)
    assert cost() == one <= 4


def test_an_event_with_its_sessions_is_read_by_slug(client: Client) -> None:
    """Public ones by anybody; a private one is not there for strangers. REQ GQ-01, EV-03."""
    event = make_event(slug="open")
    make_session(event=event, slug="talk", capacity=5)
    query = '{ event(slug: "open") { title currency sessions { slug freeSeats isFull } } }'
    assert ask(client, query)["data"]["event"]["sessions"] == [
        {"slug": "talk", "freeSeats": 5, "isFull": False}
    ]
    hidden = make_event(private=True)
    refused = ask(client, f'{{ event(id: "{hidden.pk}") {{ title }} }}', make_user())
    assert refused["errors"][0]["extensions"]["code"] == "not_found"


def test_a_seat_is_taken_and_left_through_graphql(client: Client) -> None:
    """The same service as REST; leaving wakes whoever waits. REQ EV-05, GQ-01."""
    session = make_session(capacity=1)
    me, other = make_user(), make_user()
    take = f'mutation {{ attendSession(sessionId: "{session.pk}") {{ attendance {{ seats status }} }} }}'
    assert ask(client, take, me)["data"]["attendSession"]["attendance"] == {"seats": 1, "status": "ATTENDING"}
    assert ask(client, take, other)["errors"][0]["extensions"]["code"] == "session_full"
    leave = f'mutation {{ leaveSession(sessionId: "{session.pk}") {{ ok }} }}'
    assert ask(client, leave, me)["data"]["leaveSession"]["ok"] is True
    session.refresh_from_db()
    assert (session.current_attendance, Attendance.objects.filter(status="ATTENDING").count()) == (0, 0)
    woken = {kind.name for kind in registry.handlers_of(SeatFreed)}
    assert woken
    assert set(Job.objects.values_list("kind", flat=True)) == woken


def test_me_tells_ones_roles(client: Client) -> None:
    """Who calls, and what they are where. REQ EV-01."""
    staff = make_member("staff")
    answer = ask(client, "{ me { email isStaff memberships { role organization { slug } } } }", staff)
    assert answer["data"]["me"]["memberships"][0]["role"] == "staff"
    assert client.get("/api/v1/me", headers=bearer(staff)).json()["email"] == staff.email
