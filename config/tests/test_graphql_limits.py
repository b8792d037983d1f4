"""Questions that are made to cost much, against the schema that we have: refused before anything of them runs.

What each bound is, and all that it counts, is proved on a schema made for it in ``common/tests/test_graphql.py``.
"""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type

from accounts.tests.factories import bearer
from config.tests.digests import digests
from config.tests.graphql_world import SCHEMA, World, ask, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """Give an event with one of everything."""
    return make_world()


def refused(answer: Any, code: str = "graphql_too_complex") -> bool:
    """Say whether it did not run, for that reason."""
    told = answer.json()
    return (
        answer.status_code == 400 and "data" not in told and told["errors"][0]["extensions"]["code"] == code
    )


def changes(world: World, how_many: int) -> str:
    """Return a mutation that sets the capacity of the world's session so often, each time to another."""
    one = f'updateSessionCapacity(sessionId: "{world.session.pk}", maximumCapacity: %d) {{ __typename }}'
    return f"mutation {{ {' '.join(f'a{number}: {one % (number + 5)}' for number in range(how_many))} }}"


def levels_of(kind: Any, above: tuple[str, ...] = ()) -> int:
    """Return how deep a question of a type can go."""
    assert kind.name not in above, f"{kind.name} leads to itself: ask it eleven levels deep below"
    inside = kind.types if isinstance(kind, GraphQLUnionType) else ()
    if isinstance(kind, GraphQLObjectType):
        inside = [get_named_type(one.type) for one in kind.fields.values()]
    step = isinstance(kind, GraphQLObjectType)
    return step + max((levels_of(one, (*above, kind.name)) for one in inside), default=0)


def test_a_question_that_is_too_deep_is_refused(world: World) -> None:
    """The deepest that our types allow is answered, and refused where the bound is lower; what describes the schema
    leads to itself, and is refused at its own bound. REQ GQ-01.
    """
    assert levels_of(SCHEMA.query_type) == 5
    money = "monetizationAnalytics(eventId: $id) { revenue { byDay { fromOffers { amount } } } }"
    deepest, said = f"query($id: ID!) {{ {money} }}", {"id": str(world.event.pk)}
    assert ask(world.owner, deepest, said).status_code == 200
    with override_settings(GRAPHQL_LIMITS={"depth": 4}), CaptureQueriesContext(connection) as statements:
        assert refused(ask(world.owner, deepest, said))
    # The caller is looked up, and nothing else.
    assert len(statements) == 1
    for more, is_refused in ((12, False), (13, True)):
        around = (
            "{ __schema { types { fields { type " + "{ ofType " * (more - 1) + "{ name }" + " }" * (more - 1)
        )
        answer = ask(None, f"{around} }} }} }} }}")
        assert refused(answer) == is_refused, answer.content
        assert (answer.status_code == 200) != is_refused, answer.content


def test_one_request_does_not_change_a_thing_thirty_one_times(world: World) -> None:
    """Thirty names for one field are answered; with one more none of it runs, and no row is another. REQ GQ-01."""
    before = digests()
    assert refused(ask(world.owner, changes(world, 31)))
    assert digests() == before
    answer = ask(world.owner, f"{{ {' '.join(f'a{number}: me {{ id }}' for number in range(30))} }}").json()
    assert "errors" not in answer, answer
    assert len(answer["data"]) == 30


def test_a_batch_is_refused_whole(world: World) -> None:
    """One operation at a time: of two in one body, each of which is answered by itself, neither runs. REQ GQ-01."""
    one = {"query": changes(world, 1)}
    before = digests()
    answer = Client().post(
        "/graphql", json.dumps([one, one]), content_type="application/json", headers=bearer(world.owner)
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "graphql_invalid")
    assert digests() == before
    assert "errors" not in ask(world.owner, one["query"]).json()
    assert digests() != before
