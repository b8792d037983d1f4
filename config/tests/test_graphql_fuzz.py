"""Whatever is asked of GraphQL is answered, or refused in words of ours.

The suite asks a little, always the same; `make fuzz` asks more, by a seed (`docs/running.md`).
"""

import logging
import os
from typing import Any, Final

import pytest
from django.db import transaction
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from accounts.tests.factories import make_superuser
from config.tests.graphql_world import SECRET, ask, fields_of, make_world

# So many questions of each query and mutation: a document has about two of them, and five people ask it. Without a
# number, a few documents.
_OF_EACH: Final = int(os.environ.get("FUZZ_EXAMPLES", "0"))
_EXAMPLES: Final = _OF_EACH * len([*fields_of("query"), *fields_of("mutation")]) // 10 or 10
_SEED: Final = int(os.environ.get("FUZZ_SEED", "1"))
_TEXTS = [
    "",
    "x",
    "not-an-id",
    "2096-11-21",
    "2096-11-21T12:00:00Z",
    "00000000-0000-0000-0000-000000000000",
    "ü\u200b'\"",
]


def _value(kind: Any, said: Any) -> st.SearchStrategy[Any]:
    """Return values of an input type, mostly of its shape."""
    if isinstance(kind, GraphQLNonNull):
        return _value(kind.of_type, said)
    if isinstance(kind, GraphQLList):
        return st.lists(_value(kind.of_type, None), max_size=3) | st.just(said or [])
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from([*kind.values, "NONE_SUCH"])
    if isinstance(kind, GraphQLInputObjectType):
        parts = {name: _value(one.type, None) for name, one in kind.fields.items()}
        return st.fixed_dictionaries({}, optional=parts) | st.just(said or {})
    plain = {
        "Int": st.sampled_from([0, 1, -1, 50, 201, 2**31 - 1]),
        "Boolean": st.booleans(),
        "_Any": st.dictionaries(st.sampled_from(["__typename", "id"]), st.sampled_from(_TEXTS)),
    }  # fmt: skip
    made = plain.get(kind.name, st.sampled_from(_TEXTS))
    return made if said is None else st.just(said) | made


@st.composite
def _questions(draw: st.DrawFn, said: Any) -> tuple[str, dict[str, Any]]:
    """Return an operation over up to three queries or mutations, with any of their arguments and fields."""
    operation = draw(st.sampled_from(["query", "query", "mutation"]))
    fields = fields_of(operation)
    kinds: list[str] = []
    values: dict[str, Any] = {}
    parts: list[str] = []
    for name in draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3)):
        known, passed = said(name), []
        for argument, one in fields[name].args.items():
            if isinstance(one.type, GraphQLNonNull) or draw(st.booleans()):
                variable = f"v{len(values)}"
                values[variable] = draw(_value(one.type, known.get(argument)))
                kinds.append(f"${variable}: {one.type}")
                passed.append(f"{argument}: ${variable}")
        arguments = f"({', '.join(passed)})" if passed else ""
        parts.append(f"a{len(parts)}: {name}{arguments} {draw(_selections(fields[name], 0))}")
    head = f"{operation}({', '.join(kinds)})" if kinds else operation
    return f"{head} {{ {' '.join(parts)} }}", values


@st.composite
def _selections(draw: st.DrawFn, field: GraphQLField, depth: int) -> str:
    kind = get_named_type(field.type)
    if isinstance(kind, GraphQLUnionType):
        one = draw(st.sampled_from(kind.types))
        return f"{{ __typename ... on {one.name} {draw(_selections(GraphQLField(one), depth))} }}"
    if not isinstance(kind, GraphQLObjectType):
        return ""
    if depth == 3:
        return "{ __typename }"
    names = draw(st.lists(st.sampled_from(sorted(kind.fields)), min_size=1, max_size=5, unique=True))
    return f"{{ {' '.join(f'{name} {draw(_selections(kind.fields[name], depth + 1))}' for name in names)} }}"


@pytest.mark.django_db
def test_no_question_is_our_defect(caplog: pytest.LogCaptureFixture) -> None:
    """Any queries and mutations, fields and values, each by the owner, an operator, a guest, another organization's
    owner and nobody: answered, or refused with a code of ours; never a 5xx, an unhandled error, or a value that breaks
    the schema's promise. To the last two nothing is told of what is not theirs. REQ GQ-01, EV-03.
    """
    world = make_world()
    people = {"owner": world.owner, "operator": make_superuser(), "guest": world.guest}
    strangers = {"rival": world.rival, "nobody": None}

    @seed(_SEED)
    @settings(max_examples=_EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(asked=_questions(world.arguments))
    def hold(asked: tuple[str, dict[str, Any]]) -> None:
        for who, user in {**people, **strangers}.items():
            with transaction.atomic():
                answer = ask(user, *asked)
                transaction.set_rollback(True)
            assert answer.status_code in {200, 400}, (who, asked, answer.content)
            assert who not in strangers or SECRET not in answer.content.decode(), (who, asked)
            for error in answer.json().get("errors", []):
                code = error["extensions"]["code"]
                assert code != "internal_error", (who, asked, error)
                assert answer.status_code == 400 or code != "graphql_invalid", (who, asked, error)

    with caplog.at_level(logging.ERROR):
        hold()
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
