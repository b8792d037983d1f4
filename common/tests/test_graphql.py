"""The GraphQL door: errors, limits, what is refused before it runs (REQ GQ-01)."""

import json

import pytest
from django.test import Client, override_settings

from common.errors import Unauthenticated
from common.tests import schema as probe
from common.types import Actor

pytestmark = pytest.mark.urls("common.tests.urls")


@pytest.fixture(autouse=True)
def _probe_schema(settings):
    settings.GRAPHENE = {"SCHEMA": "common.tests.schema.schema"}
    settings.GRAPHQL_ACTOR_RESOLVER = "common.tests.test_graphql.resolve_actor"
    probe.calls.clear()


def resolve_actor(request):
    token = request.headers.get("Authorization", "")
    if token == "Bearer wrong":
        raise Unauthenticated("The token is not valid.")
    return Actor(user_id=None, label=token or "nobody"), None


def _post(body, **headers):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client().post("/graphql", text, content_type="application/json", headers=headers)


def _ask(query, variables=None, **headers):
    return _post({"query": query, "variables": variables or {}}, **headers)


def _refused(response, code="graphql_invalid", status=400):
    assert response.status_code == status, response.content
    body = response.json()
    assert "data" not in body
    extensions = body["errors"][0]["extensions"]
    assert extensions["code"] == code
    assert extensions["request_id"] == response["X-Request-ID"]
    return extensions


def _error(response):
    assert response.status_code == 200, response.content
    (error,) = response.json()["errors"]
    return error


def test_an_operation_is_answered() -> None:
    """REQ GQ-01: data, variables, the chosen operation, a trailing slash."""
    assert _ask("{hello}").json() == {"data": {"hello": "hello you"}}
    assert _ask("query Q($n: String){hello(name: $n)}", {"n": "Ann"}).json() == {
        "data": {"hello": "hello Ann"}
    }
    two = {"query": 'query A{hello} query B{hello(name:"B")}', "operationName": "B"}
    assert _post(two).json() == {"data": {"hello": "hello B"}}
    assert Client().post("/graphql/", two, content_type="application/json").status_code == 200


def test_a_mutation_runs() -> None:
    """REQ GQ-01: the control of all that is refused below."""
    assert _ask('mutation {remember(text: "x") {ok}}').json() == {"data": {"remember": {"ok": True}}}
    assert probe.calls == ["x"]


def test_the_caller_is_known_to_resolvers() -> None:
    """REQ EV-02: `info.context.actor` comes from the resolver that the settings name."""
    assert _ask("{who}").json()["data"] == {"who": "nobody"}
    assert _ask("{who}", Authorization="Bearer abc").json()["data"] == {"who": "Bearer abc"}


def test_a_wrong_token_is_401_before_anything_runs() -> None:
    """REQ EV-02: as on REST, a problem document."""
    response = _ask('mutation {remember(text: "x") {ok}}', Authorization="Bearer wrong")
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == "Bearer"
    assert probe.calls == []


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "null", "1", "[]", b"\xff", "[" * 50_000, {}, {"query": ""}, {"query": 5},
        {"query": "{hello}", "variables": "x"}, {"query": "{hello}", "variables": [1]},
        {"query": "{hello}", "operationName": 3}, [{"query": "{hello}"}, {"query": "{hello}"}],
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_no_operation_is_refused(body) -> None:
    """REQ GQ-01: malformed bodies and batches; never a 5xx."""
    response = _post(body)
    assert (response.status_code, response.json()["code"]) == (400, "graphql_invalid")


def test_only_json_by_post() -> None:
    """REQ GQ-01: forms would need CSRF protection, GET would be cached and logged."""
    form = Client().post("/graphql", {"query": 'mutation {remember(text: "x") {ok}}'})
    assert form.status_code == 400
    refused = Client().get("/graphql", {"query": "{hello}"})
    assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json")
    assert probe.calls == []


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{hello", {}),
        ("{nothing}", {}),
        ("{hello(name: 5)}", {}),
        ("query($n: Int!){offers(limit: $n){count}}", {}),
        ("query($n: Int!){offers(limit: $n){count}}", {"n": "x"}),
        ("query($n: Int!){offers(limit: $n){count}}", {"n": 2**40}),
        ("query($n: Int = 3){selected{others(limit: $n){id}}}", {"n": None}),
        ("query A{hello} query B{hello}", {}),
        ("{...F} fragment F on Query {...F}", {}),
        ("subscription {hello}", {}),
        ("{a" * 500 + "}" * 500, {}),
        ("#\n" * 300 + "{hello}", {}),
        ("{" + "hello " * 2500 + "}", {}),
    ],
    ids=range(13),
)
def test_documents_and_variables_that_do_not_fit(query, variables) -> None:
    """REQ GQ-01: `graphql_invalid`, 400, nothing ran."""
    _refused(_ask(query, variables))


def test_a_null_that_a_default_let_in_is_refused_by_its_argument() -> None:
    """REQ GQ-01: valid as a document, as the argument has a default; null is still no number."""
    query = "query($n: Int = 3){selected{others(limit: $n){id}}}"
    refused = _ask(query, {"n": None})
    assert refused.status_code == 400
    assert "'limit'" in refused.json()["errors"][0]["message"]
    assert _ask(query).status_code == 200


def test_what_no_column_can_hold_is_refused() -> None:
    """REQ GQ-01: NUL, lone surrogates and infinities, in variables by name and in literals."""
    mutation = "mutation($t: String!) {remember(text: $t) {ok}}"
    for text in ("a\0", "\ud800"):
        extensions = _refused(_ask(mutation, {"t": text}))
        assert [(e["field"], e["code"]) for e in extensions["errors"]] == [("t", "unreadable_text")]
    _refused(_ask('mutation {remember(text: "a\\u0000") {ok}}'))
    _refused(_post('{"query": "{hello}", "variables": {"x": 1e999}}'))
    assert probe.calls == []


def test_failures_speak_the_same_words_as_rest() -> None:
    """REQ GQ-01: code, errors in camelCase, retryable, request id."""
    response = _ask("{soldOut}", **{"X-Request-ID": "id-3"})
    error = _error(response)
    assert (error["message"], error["path"]) == ("None are left.", ["soldOut"])
    assert error["extensions"] == {"code": "sold_out", "errors": [], "request_id": "id-3", "retry_after": 3}
    assert response.json()["data"] == {"soldOut": None}
    invalid = _error(_ask("{invalid}"))["extensions"]
    assert invalid["errors"] == [{"field": "items[1].unitPrice", "code": "too_low", "message": "Too low."}]
    assert _error(_ask("{membersOnly}"))["extensions"]["code"] == "unauthenticated"


@pytest.mark.parametrize("field", ["boom"])
def test_a_defect_is_logged_and_says_nothing(field, caplog) -> None:
    """REQ GQ-01: the caller gets the request id, the log the trace."""
    response = _ask("{%s hello}" % field)  # noqa: UP031 braces of the language
    error = _error(response)
    assert (error["message"], error["extensions"]["code"]) == (
        "Something went wrong on our side",
        "internal_error",
    )
    assert "hunter2" not in response.content.decode()
    assert response.json()["data"] == {field: None, "hello": "hello you"}
    assert [type(record.exc_info[1]) for record in caplog.records if record.exc_info] == [RuntimeError]


# Limits


def _nested(levels: int) -> str:
    return "{selected" + "{related" * (levels - 2) + "{id}" + "}" * (levels - 2) + "}"


def test_depth_is_bounded() -> None:
    """REQ GQ-01: ten levels and no more, through fragments too."""
    with override_settings(GRAPHQL_LIMITS={"complexity": 10**12}):
        assert _ask(_nested(10)).status_code == 200
        _refused(_ask(_nested(11)), "graphql_too_complex")
        deep = "{related" * 6 + "{id}" + "}" * 6
        hidden = "{selected{related{related{related{...F}}}}} fragment F on Offer " + deep
        _refused(_ask(hidden), "graphql_too_complex")


def test_aliases_are_bounded() -> None:
    """REQ GQ-01: one request is not a way to ask a thousand times."""
    assert _ask("{" + " ".join(f"a{n}: hello" for n in range(30)) + "}").status_code == 200
    _refused(_ask("{" + " ".join(f"a{n}: hello" for n in range(31)) + "}"), "graphql_too_complex")


@pytest.mark.parametrize("size", [0, -1, 201, 2**31 - 1])
def test_pages_are_bounded(size) -> None:
    """REQ GQ-01: 1 to 200, as literal, variable or the variable's default."""
    for query, variables in (
        (f"{{offers(limit: {size}) {{count}}}}", {}),
        ("query($n: Int){offers(limit: $n){count}}", {"n": size}),
        (f"query($n: Int = {size}){{offers(limit: $n){{count}}}}", {}),
        (f"{{selected{{related(limit: {size}) {{id}}}}}}", {}),
    ):
        extensions = _refused(_ask(query, variables), "invalid")
        assert [error["field"] for error in extensions["errors"]] == ["limit"]
    assert _ask("{offers(limit: 200) {count}}").status_code == 200


def test_a_page_begins_at_0_or_later() -> None:
    """REQ GQ-01: as on REST, an offset below is an error, not a silent 0."""
    for query, variables in (
        ("{offers(offset: -1) {count}}", {}),
        ("query($n: Int){offers(offset: $n){count}}", {"n": -5}),
    ):
        extensions = _refused(_ask(query, variables), "invalid")
        assert [(error["field"], error["code"]) for error in extensions["errors"]] == [
            ("offset", "out_of_range")
        ]
    for offset in ("0", "7", "null"):
        assert _ask(f"{{offers(offset: {offset}) {{count}}}}").status_code == 200


def test_complexity_multiplies_along_lists() -> None:
    """REQ GQ-01: pages within pages are reckoned at what they may return."""
    assert _ask("{offers(limit: 200){results{id title related(limit: 20){id title}}}}").status_code == 200
    _refused(_ask("{offers(limit: 200){results{related(limit: 200){id}}}}"), "graphql_too_complex")
    _refused(_ask("{selected{related{related{related{related{related{id}}}}}}}"), "graphql_too_complex")


def test_fragments_do_not_hide_their_cost() -> None:
    """REQ GQ-01: fragments that spread fragments grow exponentially; measuring them stays cheap."""
    parts = [f"fragment F{n} on Query {{...F{n + 1} ...F{n + 1}}}" for n in range(30)]
    query = "{...F0} " + " ".join(parts) + " fragment F30 on Query {hello}"
    _refused(_ask(query), "graphql_too_complex")


def test_introspection_follows_its_setting() -> None:
    """REQ GQ-01: on, tools can read the schema in full; off, neither it nor suggestions tell anything."""
    from graphql import get_introspection_query

    with override_settings(GRAPHQL_INTROSPECTION=True):
        assert "errors" not in _ask(get_introspection_query()).json()
        deep = "{__schema{types" + "{fields{type" * 9 + "{name}" + "}}" * 9 + "}}"
        _refused(_ask(deep))
    with override_settings(GRAPHQL_INTROSPECTION=False):
        _refused(_ask("{__schema{types{name}}}"))
        assert "hello" not in _ask("{hallo}").content.decode().replace("hallo", "")
        assert _ask("{__typename}").json()["data"] == {"__typename": "Query"}


def test_queries_come_by_post_alone() -> None:
    """REQ GQ-01: no page and no query by GET, which caches and logs would keep."""
    refused = Client().get("/graphql", {"query": "{hello}"})
    assert (refused.status_code, refused["Allow"]) == (405, "POST, OPTIONS")


# What a query asks for


def _wanted(query, variables=None):
    assert "errors" not in _ask(query, variables).json()
    return probe.Query.last_wanted


def test_wanted_names_the_selected_fields() -> None:
    """REQ GQ-01: nested, in snake_case, aliases under their real name, merged."""
    assert _wanted("{selected{id offerType x: inventory{sold} inventory{total}}}") == {
        "id": {},
        "offer_type": {},
        "inventory": {"sold": {}, "total": {}},
    }


def test_wanted_follows_fragments_and_conditions() -> None:
    """REQ GQ-01: what is skipped is not fetched."""
    query = """query($no: Boolean = false) {
        selected {
            __typename
            ...F
            ... on Offer @include(if: true) { title }
            inventory @include(if: $no) { sold }
            offerType @skip(if: true)
        }
    } fragment F on Offer { id inventory @skip(if: $no) { total } }"""
    assert _wanted(query) == {"id": {}, "title": {}, "inventory": {"total": {}}}
    assert _wanted(query, {"no": True}) == {"id": {}, "title": {}, "inventory": {"sold": {}}}


def test_wanted_merges_the_same_field_asked_twice() -> None:
    """REQ GQ-01: `{selected{id} selected{title}}` is one field."""
    assert _wanted("{selected{id} selected{title}}") == {"id": {}, "title": {}}
