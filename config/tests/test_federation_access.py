"""References open nothing that the other doors keep shut."""

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.tests.factories import make_member, make_superuser
from config.tests.graphql_world import ENTITIES, World, ask, codes_of, make_world, reference, resolve
from events.tests.factories import make_event, make_session
from offers.tests.factories import make_offer

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """Give an event with one of everything."""
    return make_world()


SINGLE = {"Event": "event", "OfferType": "offer", "AdType": "ad", "Order": "order"}
ROLES = ("owner", "admin", "staff", "analyst", "scanner")


def test_a_reference_opens_no_door_that_a_query_keeps_shut(world: World) -> None:
    """Public and private events, paused and archived offers, ads, orders, for every role, strangers and nobody: found
    or refused with the code of the single query. REQ GQ-02, EV-03.
    """
    public = make_event(organization=world.event.organization)
    offers = [make_offer(event=event, **more) for event in (public, world.event) for more in _STATES]
    things = [
        *(("Event", event) for event in (public, world.event)),
        *(("OfferType", offer) for offer in offers),
        ("AdType", world.ad), ("Order", world.purchase.order),
    ]  # fmt: skip
    people = world.strangers() | {"guest": world.guest, "operator": make_superuser()}
    people |= {role: make_member(role, organization=world.event.organization) for role in ROLES}
    seen = set()
    for who, user in people.items():
        answers, errors = resolve(user, *(reference(kind, row) for kind, row in things))
        refused = codes_of(errors)
        assert refused == _refused_singly(user, things), who
        assert {place for place, answer in enumerate(answers) if answer is None} == set(refused)
        seen |= {(kind, refused.get(place, "")) for place, (kind, _) in enumerate(things)}
    assert {kind for kind, code in seen if not code} == set(SINGLE)
    assert {code for _, code in seen} == {"", "not_found", "unauthenticated", "forbidden"}


_STATES: tuple[dict[str, Any], ...] = ({}, {"is_active": False}, {"is_archived": True})


def _refused_singly(user: User | None, things: list[tuple[str, Any]]) -> dict[int, str]:
    """Return the codes of the single queries, by the thing's place."""
    parts = (f'a{place}: {SINGLE[kind]}(id: "{row.pk}") {{ id }}' for place, (kind, row) in enumerate(things))
    answer = ask(user, f"{{ {' '.join(parts)} }}").json()
    return {int(error["path"][0][1:]): error["extensions"]["code"] for error in answer.get("errors", [])}


def test_sessions_are_seen_with_their_event(world: World) -> None:
    """Those of a private event by its people alone. REQ GQ-02, EV-03."""
    public = make_session(event=make_event())
    asked = [reference("Session", one) for one in (public, world.session)]
    for user in world.strangers().values():
        answers, errors = resolve(user, *asked)
        assert (answers[0]["id"], answers[1]) == (str(public.pk), None)
        assert codes_of(errors) == {1: "not_found"}
    assert resolve(world.guest, *asked)[1] == {}


def test_a_person_sees_themselves_alone(world: World) -> None:
    """Nobody's name or e-mail is had by their id, an organizer's staff included; operators see all. REQ GQ-02."""
    asked = [reference("User", one) for one in (world.owner, world.guest, uuid4())]
    query = ENTITIES % "... on User { name email memberships { role } }"
    answers, errors = resolve(world.owner, *asked, query=query)
    assert answers == [
        {"__typename": "User", "name": "", "email": world.owner.email, "memberships": [{"role": "owner"}]}, None, None,
    ]  # fmt: skip
    assert codes_of(errors) == {1: "not_found", 2: "not_found"}
    assert codes_of(resolve(None, *asked)[1]) == dict.fromkeys(range(3), "unauthenticated")
    answers, errors = resolve(make_superuser(), *asked, query=query)
    assert [one and one["email"] for one in answers] == [world.owner.email, world.guest.email, None]
