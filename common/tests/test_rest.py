"""What every REST room shares."""

import json
from uuid import UUID

import pytest
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Invalid
from common.rest import client_address, client_network, optional_slash, read_body, unreadable_values
from common.tests.urls import Body

pytestmark = pytest.mark.urls("common.tests.urls")
ECHO = "/api/v1/probe/echo"


def _refused(body, **kwargs) -> dict[str, str]:
    text = body if isinstance(body, str) else json.dumps(body)
    response = Client().post(ECHO, text, content_type="application/json", **kwargs)
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return {error["field"]: error["code"] for error in response.json()["errors"]}


def test_unknown_fields_are_errors() -> None:
    """A misspelt name is told, not dropped; a nested one with its place."""
    assert _refused({"title": "x", "prcie": "1"}) == {"prcie": "unknown_field"}
    nested = {"title": "x", "events": [{"id": "0" * 32}, {"id": "nope"}, {"id": "0" * 32, "extra": 1}]}
    assert _refused(nested) == {"events[1].id": "invalid", "events[2].extra": "unknown_field"}


def test_read_only_fields_are_errors() -> None:
    """What cannot be written is not swallowed either."""
    assert _refused({"title": "x", "number": "A-1"}) == {"number": "read_only"}


def test_an_id_is_a_text() -> None:
    """A number is no id, alone, in an object of a list, or in a list; nor is a truth value."""
    body = {"title": "x", "events": [{"id": 7}, {"id": True}], "sessions": ["0" * 32, 7, False, ["0" * 32]]}
    wrong = dict.fromkeys(("sessions[1]", "sessions[2]", "sessions[3]"), "wrong_type")
    assert _refused(body) == {**wrong, "events[0].id": "wrong_type", "events[1].id": "wrong_type"}
    assert _refused({"title": "x", "sessions": ["nope"]}) == {"sessions[0]": "invalid"}


def test_missing_and_wrong_fields_are_all_named_at_once() -> None:
    """One answer tells everything that is wrong."""
    assert _refused({"price": "1.5.5", "quantity": 21}) == {
        "title": "required",
        "price": "not_a_price",
        "quantity": "max_value",
    }


def test_what_is_wrong_for_any_reason_is_named_at_once() -> None:
    """REQ UI-01: unknown names, naive times, other types and broken rules of a field in one answer, each once."""
    body = {"colour": 1, "number": "A-1", "starts_at": "2026-12-02T10:00:00", "quantity": 21, "price": "x"}
    assert _refused(body) == {
        "colour": "unknown_field",
        "number": "read_only",
        "starts_at": "naive_time",
        "quantity": "max_value",
        "price": "not_a_price",
        "title": "required",
    }
    assert _refused({"title": 5, "quantity": "many"}) == {"title": "wrong_type", "quantity": "wrong_type"}


def test_a_refused_choice_names_the_choices() -> None:
    """REQ UI-01: whoever misses a choice is told what there is to choose from, also inside a list."""
    body = {"title": "x", "size": "XXL", "sizes": ["S", "XS"]}
    told = Client().post(ECHO, json.dumps(body), content_type="application/json").json()["errors"]
    assert [(one["field"], one["code"], one["message"]) for one in told] == [
        ("size", "invalid_choice", "One of S, M."),
        ("sizes[1]", "invalid_choice", "One of S, M."),
    ]


def test_what_can_be_read_of_a_body_is_handed_on_beside_what_cannot() -> None:
    """REQ UI-01: a service judges the one together with the other, so that nothing is told a round later."""
    events = [{"id": str(UUID(int=1))}]
    read = read_body(Body, {"quantity": "many", "colour": 1, "price": "1.50", "events": events})
    assert read.said == {"price": "1.50", "events": [{"id": UUID(int=1)}]}
    assert {(one.field, one.code) for one in read.unreadable} == {
        ("quantity", "wrong_type"), ("colour", "unknown_field"), ("title", "required"),
    }  # fmt: skip
    assert read_body(Body, {"title": "x"}) == ({"title": "x"}, ())
    with pytest.raises(Invalid):
        read_body(Body, [1])


def test_a_body_that_is_no_object() -> None:
    """A list where an object belongs is the whole body's error."""
    assert _refused([1, 2]) == {"": "invalid"}
    assert _refused("null") in ({"": "null"}, {"": "invalid"}, {"": "not_an_object"})


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udfff tail"])
def test_text_that_is_no_text_is_a_field_error(text) -> None:
    """NUL and lone surrogates never reach PostgreSQL, nor a 5xx."""
    assert _refused({"title": text}) == {"title": "unreadable_text"}
    inside = {"title": "x", "events": [{"id": "0" * 32, "metadata": {"a": [1, text]}}]}
    assert _refused(inside) == {"events[0].metadata.a[1]": "unreadable_text"}
    assert _refused({"title": "x", "events": [{"id": "0" * 32, "metadata": {text: 1}}]}) == {
        "events[0].metadata": "unreadable_text"
    }
    assert set(_refused({"title": "x", text: 1}).values()) == {"unreadable_text", "unknown_field"}


@pytest.mark.parametrize("number", ["1" + "0" * 30, "1e999", "-1e999"])
def test_numbers_past_every_column_are_field_errors(number) -> None:
    """Integers over 64 bits and infinities are named where they stand."""
    assert _refused(f'{{"title": "x", "quantity": {number}}}') == {"quantity": "out_of_range"}
    inside = f'{{"title": "x", "events": [{{"id": "{"0" * 32}", "metadata": {{"n": {number}}}}}]}}'
    assert _refused(inside) == {"events[0].metadata.n": "out_of_range"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_passes_can_be_stored(value) -> None:
    """Whatever is not named as unreadable encodes as UTF-8 JSON without NUL."""
    if not list(unreadable_values(value, "x")):
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        assert b"\\u0000" not in encoded


@given(st.binary(max_size=200))
def test_no_body_gives_a_5xx(body) -> None:
    """Any bytes at all: read, or refused as the caller's."""
    assert Client().post(ECHO, body, content_type="application/json").status_code < 500


def test_money_goes_out_as_the_contract_says() -> None:
    """Prices are decimal strings, totals minor units with their currency."""
    assert Client().get(ECHO).json() == {"price": "19.99", "total": {"amount": 500, "currency": "JPY"}}


# Paging


def _page(query: str):
    return Client().get(f"/api/v1/probe/numbers{query}")


def test_pages_of_fifty_by_default() -> None:
    """`{count, next, previous, results}`."""
    page = _page("").json()
    assert page.keys() == {"count", "next", "previous", "results"}
    assert (page["count"], page["results"], page["previous"]) == (450, list(range(50)), None)
    assert page["next"].endswith("/api/v1/probe/numbers?limit=50&offset=50")


def test_a_page_has_at_most_two_hundred() -> None:
    """200 are given when they are asked for; more is refused, below."""
    assert len(_page("?limit=200").json()["results"]) == 200
    assert _page("?limit=3&offset=449").json()["results"] == [449]
    assert _page("?offset=1000").json()["results"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=abc", "limit"),
        ("?limit=0", "limit"),
        ("?limit=201", "limit"),
        ("?limit=1000000000000000", "limit"),
        ("?limit=-1", "limit"),
        ("?offset=-1", "offset"),
        ("?offset=9999999999999999999999", "offset"),
        ("?limit=%C2%B2", "limit"),
        ("?limit=1.5", "limit"),
    ],
)
def test_a_page_that_is_no_number_is_a_field_error(query, field) -> None:
    """No silent default or bound, no integer that PostgreSQL cannot hold."""
    response = _page(query)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_list_takes_the_parameters_it_declares() -> None:
    """A filter that the description declares is taken, with the page's own."""
    assert _page("?parity=odd&limit=2&offset=1").json()["results"] == [3, 5]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("?parety=odd", ["parety"]),
        ("?parity=odd&limt=3&ofset=1", ["limt", "ofset"]),
        ("?Parity=odd", ["Parity"]),
        ("?=1", [""]),
        ("?X-Trace=1", ["X-Trace"]),
        (f"?{'x' * 500}=1", ["x" * 100]),
    ],
)
def test_a_parameter_that_a_list_does_not_declare_is_a_field_error(query, fields) -> None:
    """A misspelt filter is told by its name, and not answered by a list that was not filtered."""
    response = _page(query)
    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [
        (field, "unknown_field") for field in fields
    ]


# Paths


@pytest.mark.parametrize(
    "path",
    ["/api/v1/probe/numbers", "/healthz", "/api/v1/probe/who/" + "0" * 8 + "-0000" * 3 + "-" + "0" * 12],
)
def test_a_trailing_slash_is_optional(path) -> None:
    """With and without it: the same view, no redirect."""
    assert Client().get(path).status_code == Client().get(f"{path}/").status_code == 200
    assert Client().get(f"{path}//").status_code == 404


def test_addresses_are_written_without_the_slash() -> None:
    """`reverse` gives the one form; a route with a slash is a mistake told at once."""
    assert reverse("numbers") == "/api/v1/probe/numbers"
    with pytest.raises(ValueError, match="trailing slash"):
        optional_slash("a/", lambda request: None, name="a")


# Addresses


def _request(peer="10.0.0.1", forwarded=None):
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=peer, **headers)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "10.0.0.1"),
        (0, None, "10.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (1, "not an address", "10.0.0.1"),
        (1, "::ffff:1.2.3.4", "1.2.3.4"),
        (1, " 2001:DB8::1 ", "2001:db8::1"),
    ],
)
def test_only_our_proxies_are_believed(proxies, forwarded, address) -> None:
    """REQ OF-07: nobody chooses the address that a limit counts."""
    with override_settings(TRUSTED_PROXY_COUNT=proxies):
        assert client_address(_request(forwarded=forwarded)) == address


@override_settings(TRUSTED_PROXY_COUNT=0)
def test_a_limit_counts_an_ipv6_customer_once() -> None:
    """One customer owns a /64: changing addresses inside it is no way around."""
    assert (
        client_network(_request("2001:db8::1"))
        == client_network(_request("2001:db8::ffff:1"))
        == "2001:db8::/64"
    )
    assert client_network(_request("10.0.0.1")) == "10.0.0.1"
    assert client_address(_request("")) == "0.0.0.0"  # noqa: S104 compared, not bound
