"""The subgraph: what a router of Apollo Federation 2 composes, and what it asks for by reference."""

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import make_member, make_superuser, make_user
from ads.models import Ad
from ads.tests.ad_factories import make_ad
from config.graphql import schema
from config.local_stack.environment import ROOT
from config.tests.graphql_world import SECRET, World, ask, make_world
from events.models import Event, Session
from events.tests.factories import make_event, make_session
from offers.models import Offer
from offers.tests.factories import give, make_offer
from payments.models import Order

pytestmark = pytest.mark.django_db

KEYS = ("Event", "Session", "OfferType", "AdType", "Order", "User")
ENTITIES = (
    "query($representations: [_Any!]!) { _entities(representations: $representations) { __typename %s } }"
)
EACH = ENTITIES % " ".join(f"... on {kind} {{ id }}" for kind in KEYS)

# Another team's subgraph: it adds to two types of ours, refers to a third, and has Money of its own.
REVIEWS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
"What can be asked of reviews."
type Query { latestReviews: [Review!]! }
type Review { id: ID! text: String! event: Event! order: Order author: User voucher: Money }
type Event @key(fields: "id") { id: ID! rating: Float reviews: [Review!]! }
type Order @key(fields: "id") { id: ID! review: Review }
type User @key(fields: "id", resolvable: false) { id: ID! }
type Money @shareable { amount: BigInt! currency: String! }
scalar BigInt
"""
LATEST = """{ latestReviews { text
  event { title sessions { title freeSeats } } order { orderNumber totalAmount { amount } } author { name } } }"""
RATED = "query($id: ID!) { event(id: $id) { title rating } }"


@pytest.fixture
def world() -> World:
    """Give an event with one of everything."""
    return make_world()


def _reference(kind: str, row: Any) -> dict[str, str]:
    return {"__typename": kind, "id": str(getattr(row, "pk", row))}


def _resolve(user: User | None, *references: Any, query: str = EACH) -> tuple[list[Any], dict[int, Any]]:
    """Return the answers, and the errors by their place."""
    answer = ask(user, query, {"representations": list(references)})
    assert answer.status_code == 200, answer.content
    errors = {error["path"][1]: error for error in answer.json().get("errors", [])}
    return answer.json()["data"]["_entities"], errors


def _codes(errors: dict[int, Any]) -> dict[int, str]:
    return {place: error["extensions"]["code"] for place, error in errors.items()}


# The schema


def _sdl() -> str:
    sdl: str = ask(None, "{ _service { sdl } }").json()["data"]["_service"]["sdl"]
    return sdl


def test_the_schema_is_told_to_who_composes() -> None:
    """Keys on the shared types and nothing of federation's own, introspection on or off; not where the setting says no.
    REQ GQ-02.
    """
    for introspection in (True, False):
        with override_settings(GRAPHQL_INTROSPECTION=introspection):
            sdl = _sdl()
            assert [line for line in sdl.splitlines() if line.startswith("type") and "@key" in line] == [
                line
                for line in sdl.splitlines()
                if line in {f'type {kind} @key(fields: "id") {{' for kind in KEYS}
            ]
            assert sdl.count("@key(") == len(KEYS)
            assert "_entities" not in sdl
            assert "_Any" not in sdl
    with override_settings(GRAPHQL_SDL=False):
        refused = ask(None, "{ _service { sdl } }").json()
        assert refused["data"] is None
        assert refused["errors"][0]["extensions"]["code"] == "not_found"


def _compose(*operations: str) -> dict[str, Any]:
    if not (ROOT / "node_modules" / "@apollo" / "composition").exists():
        pytest.skip("@apollo/composition is not installed: npm ci")
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("compose.mjs"))],
        input=json.dumps({"subgraphs": {"marquee": _sdl(), "reviews": REVIEWS}, "operations": operations}),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _fetches(plan: Any) -> list[dict[str, Any]]:
    """Return what a plan fetches, each with its path in the answer."""
    if plan["kind"] == "Fetch":
        return [{**plan, "path": []}]
    if plan["kind"] == "Flatten":
        return [{**one, "path": plan["path"]} for one in _fetches(plan["node"])]
    parts = [plan["node"]] if "node" in plan else plan["nodes"]
    return [fetch for part in parts for fetch in _fetches(part)]


@pytest.mark.node
def test_it_composes_with_another_subgraph(world: World) -> None:
    """Apollo's composition finds no error and has no hint; what its planner would send us for another team's answer
    is answered as it is asked. REQ GQ-02.
    """
    composed = _compose(LATEST, RATED)
    assert composed["errors"] == []
    assert composed["hints"] == []
    first, *ours = _fetches(composed["plans"][0])
    assert (first["serviceName"], {one["serviceName"] for one in ours}) == ("reviews", {"marquee"})
    referred = {"event": world.event, "order": world.purchase.order, "author": world.guest}
    kinds = {"event": "Event", "order": "Order", "author": "User"}
    found = {}
    for fetch in ours:
        name = fetch["path"][-1]
        answers, errors = _resolve(
            world.guest, _reference(kinds[name], referred[name]), query=fetch["operation"]
        )
        assert errors == {}
        (found[name],) = answers
    assert found == {
        "event": {"title": SECRET, "sessions": [{"title": SECRET, "freeSeats": 0}]},
        "order": {"orderNumber": world.purchase.order.number, "totalAmount": {"amount": 0}},
        "author": {"name": SECRET},
    }
    mine, theirs = _fetches(composed["plans"][1])
    assert (mine["serviceName"], theirs["serviceName"]) == ("marquee", "reviews")
    event = ask(world.guest, mine["operation"], {"id": str(world.event.pk)}).json()["data"]["event"]
    assert (event["__typename"], event["id"]) == ("Event", str(world.event.pk))


# The references


def test_references_are_answered_in_their_order_and_one_that_is_wrong_is_null_alone(world: World) -> None:
    """Doubled, unknown, foreign, malformed ones among good ones; missing and foreign ones read the same. REQ GQ-02."""
    event, session = _reference("Event", world.event), _reference("Session", world.session)
    foreign = _reference("Event", make_event(private=True))
    wrong = [
        _reference("Event", uuid4()), foreign, _reference("Event", "no-id"), _reference("Venue", world.event),
        _reference("EventType", world.event), {"__typename": "Event"}, {"id": str(world.event.pk)},
        {"__typename": ["Event"], "id": "x"}, {"__typename": "Event", "id": 7}, "Event", [event], 3,
    ]  # fmt: skip
    answers, errors = _resolve(world.guest, event, *wrong, session, event)
    expected = [{"__typename": one["__typename"], "id": one["id"]} for one in (event, session)]
    assert answers == [expected[0], *[None] * len(wrong), expected[1], expected[0]]
    codes = ["not_found"] * 2 + ["invalid"] * (len(wrong) - 2)
    assert _codes(errors) == dict(enumerate(codes, 1))
    assert [errors[3]["extensions"]["errors"][0][name] for name in ("field", "code")] == [
        "representations[3]", "not_an_id",
    ]  # fmt: skip
    missing, hidden = ({**errors[place], "path": None} for place in (1, 2))
    assert missing == hidden


def test_references_may_stand_in_the_document(world: World) -> None:
    """As literals, with a variable inside; and by fragments of another name. REQ GQ-02."""
    query = """query($id: ID!) {
        _entities(representations: [{__typename: "Event", id: $id}]) { ...F ... { __typename } }
    }
    fragment F on _Entity { ... on Event { ...G } ... on Session { title } }
    fragment G on Event { sessions { id } }"""
    answer = ask(world.guest, query, {"id": str(world.event.pk)}).json()
    assert answer == {
        "data": {"_entities": [{"sessions": [{"id": str(world.session.pk)}], "__typename": "Event"}]}
    }


def test_two_hundred_cost_what_twelve_cost(world: World) -> None:
    """All six types in one request, two or thirty-three of each: as many statements, three for most. REQ GQ-02."""
    _fill(world, 1)
    costs = []
    operator = make_superuser()
    query = (
        ENTITIES
        % """... on Event { title organization { name } sessions { title freeSeats } }
        ... on Session { id isFull } ... on OfferType { price inventory { available } }
        ... on AdType { spent { amount } }
        ... on Order { items { title fulfillment } payment { status } refunds { id } totalAmount { amount } }
        ... on User { email memberships { role organization { name } } }"""
    )
    for more in (0, 31):
        _fill(world, more)
        rows = [(kind, row) for kind, model in _MODELS.items() for row in model.objects.all()[: 2 + more]]
        references = [_reference(kind, row) for kind, row in rows]
        with CaptureQueriesContext(connection) as statements:
            answers, errors = _resolve(operator, *references, query=query)
        assert errors == {}
        assert [answer["__typename"] for answer in answers] == [kind for kind, _ in rows]
        costs.append(len(statements))
    assert len(references) == 198
    assert costs == [costs[0]] * 2
    # The caller; events, their sessions; sessions; offers; ads; whose orders, orders, payments, refunds, and what was
    # bought of three kinds at most; people, memberships.
    assert costs[0] <= 17


def _fill(world: World, more: int) -> None:
    for _ in range(more):
        event = make_event(organization=world.event.organization)
        make_session(event=event)
        make_ad(event)
        give(make_offer(event=event), make_user())


def test_at_most_two_hundred_at_once(world: World) -> None:
    """A clear refusal before anything is looked up, counted over the whole request; and each counts as a value. REQ
    GQ-02, GQ-01.
    """
    event = _reference("Event", world.event)
    assert len(_resolve(world.guest, *[event] * 200)[0]) == 200
    both = """query($a: [_Any!]!, $b: [_Any!]!) {
        a: _entities(representations: $a) { __typename } b: _entities(representations: $b) { __typename } }"""
    for query, variables in (
        (EACH, {"representations": [event] * 201}),
        (both, {"a": [event] * 101, "b": [event] * 100}),
    ):
        with CaptureQueriesContext(connection) as statements:
            refused = ask(None, query, variables)
        assert (refused.status_code, len(statements)) == (400, 0)
        (error,) = refused.json()["errors"]
        assert error["extensions"]["code"] == "graphql_too_complex"
        assert error["message"] == "At most 200 representations are answered at once."
    assert ask(None, both, {"a": [event] * 100, "b": [event] * 100}).status_code == 200
    with override_settings(GRAPHQL_LIMITS={"complexity": 400}):
        assert ask(None, EACH, {"representations": [event] * 57}).status_code == 200
        assert ask(None, EACH, {"representations": [event] * 58}).status_code == 400


# Who may see what: as at the other doors

SINGLE = {
    "Event": "query($id: ID!) { found: event(id: $id) { id } }",
    "OfferType": "query($id: ID!) { found: offer(id: $id) { id } }",
    "AdType": "query($id: ID!) { found: ad(id: $id) { id } }",
    "Order": "query($id: ID!) { found: order(id: $id) { id } }",
}
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
        answers, errors = _resolve(user, *(_reference(kind, row) for kind, row in things))
        for place, (kind, row) in enumerate(things):
            single = ask(user, SINGLE[kind], {"id": str(row.pk)}).json()
            code = single["errors"][0]["extensions"]["code"] if "errors" in single else ""
            assert _codes(errors).get(place, "") == code, (who, kind, place)
            assert (answers[place] is None) == bool(code)
            seen.add((kind, code))
    assert {kind for kind, code in seen if not code} == set(SINGLE)
    assert {code for _, code in seen} == {"", "not_found", "unauthenticated", "forbidden"}


_STATES: tuple[dict[str, Any], ...] = ({}, {"is_active": False}, {"is_archived": True})
_MODELS: dict[str, Any] = {
    "Event": Event, "Session": Session, "OfferType": Offer, "AdType": Ad, "Order": Order, "User": User,
}  # fmt: skip


def test_sessions_are_seen_with_their_event(world: World) -> None:
    """Those of a private event by its people alone. REQ GQ-02, EV-03."""
    public = make_session(event=make_event())
    asked = [_reference("Session", one) for one in (public, world.session)]
    for user in world.strangers().values():
        answers, errors = _resolve(user, *asked)
        assert (answers[0]["id"], answers[1]) == (str(public.pk), None)
        assert _codes(errors) == {1: "not_found"}
    assert _resolve(world.guest, *asked)[1] == {}


def test_a_person_sees_themselves_alone(world: World) -> None:
    """Nobody's name or e-mail is had by their id, an organizer's staff included; operators see all. REQ GQ-02."""
    asked = [_reference("User", one) for one in (world.owner, world.guest, uuid4())]
    query = ENTITIES % "... on User { name email memberships { role } }"
    answers, errors = _resolve(world.owner, *asked, query=query)
    assert answers == [
        {"__typename": "User", "name": "", "email": world.owner.email, "memberships": [{"role": "owner"}]}, None, None,
    ]  # fmt: skip
    assert _codes(errors) == {1: "not_found", 2: "not_found"}
    assert _codes(_resolve(None, *asked)[1]) == dict.fromkeys(range(3), "unauthenticated")
    answers, errors = _resolve(make_superuser(), *asked, query=query)
    assert [one and one["email"] for one in answers] == [world.owner.email, world.guest.email, None]


def test_the_shared_types_are_named_as_others_know_them() -> None:
    """The contract's names, and the words of the field for the rest. REQ GQ-02."""
    union = schema.graphql_schema.type_map["_Entity"]
    assert sorted(kind.name for kind in union.types) == sorted(KEYS)
