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
from accounts.tests.factories import make_superuser, make_user
from ads.models import Ad
from ads.tests.ad_factories import make_ad
from config.graphql import schema
from config.local_stack.environment import ROOT
from config.tests.graphql_world import (
    EACH,
    ENTITIES,
    KEYS,
    SECRET,
    World,
    ask,
    codes_of,
    make_world,
    reference,
    resolve,
)
from events.models import Event, Session
from events.tests.factories import make_event, make_session
from offers.models import Offer
from offers.tests.factories import give, make_offer
from payments.models import Order

pytestmark = pytest.mark.django_db

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
        answers, errors = resolve(
            world.guest, reference(kinds[name], referred[name]), query=fetch["operation"]
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


_MODELS: dict[str, Any] = {
    "Event": Event, "Session": Session, "OfferType": Offer, "AdType": Ad, "Order": Order, "User": User,
}  # fmt: skip


# The references


def test_references_are_answered_in_their_order_and_one_that_is_wrong_is_null_alone(world: World) -> None:
    """Doubled, unknown, foreign, malformed ones among good ones; missing and foreign ones read the same. REQ GQ-02."""
    event, session = reference("Event", world.event), reference("Session", world.session)
    foreign = reference("Event", make_event(private=True))
    wrong = [
        reference("Event", uuid4()), foreign, reference("Event", "no-id"), reference("Venue", world.event),
        reference("EventType", world.event), {"__typename": "Event"}, {"id": str(world.event.pk)},
        {"__typename": ["Event"], "id": "x"}, {"__typename": "Event", "id": 7}, "Event", [event], 3,
        reference("Event", "\u0661" * 32), reference("Event", f"{{{world.event.pk}}}"),
    ]  # fmt: skip
    answers, errors = resolve(world.guest, event, *wrong, session, event)
    expected = [{"__typename": one["__typename"], "id": one["id"]} for one in (event, session)]
    assert answers == [expected[0], *[None] * len(wrong), expected[1], expected[0]]
    codes = ["not_found"] * 2 + ["invalid"] * (len(wrong) - 2)
    assert codes_of(errors) == dict(enumerate(codes, 1))
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
        references = [reference(kind, row) for kind, row in rows]
        with CaptureQueriesContext(connection) as statements:
            answers, errors = resolve(operator, *references, query=query)
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
    event = reference("Event", world.event)
    assert len(resolve(world.guest, *[event] * 200)[0]) == 200
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


def test_the_shared_types_are_named_as_others_know_them() -> None:
    """The contract's names, and the words of the field for the rest. REQ GQ-02."""
    union = schema.graphql_schema.type_map["_Entity"]
    assert sorted(kind.name for kind in union.types) == sorted(KEYS)
