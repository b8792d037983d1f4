"""Errors as every door answers them."""

import json

import pytest
from django.test import Client, override_settings

from common.errors import Conflict, FieldError, Invalid, Kind
from common.problems import document, extensions, status_of
from common.requests import tracing

pytestmark = pytest.mark.urls("common.tests.urls")

MEMBERS = {"type", "title", "status", "code", "detail", "errors", "request_id"}


@pytest.fixture
def http() -> Client:
    return Client(raise_request_exception=False)


def _problem(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body.keys() >= MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:problem-type:marquee:{code}"
    assert body["request_id"] == response["X-Request-ID"] != ""
    return body


CASES = [
    ("invalid", 400, "invalid"),
    ("not_found", 404, "not_found"),
    ("forbidden", 403, "forbidden"),
    ("unauthenticated", 401, "unauthenticated"),
    ("conflict", 409, "conflict"),
    ("rate_limited", 429, "rate_limited"),
    ("busy", 503, "busy"),
    ("http404", 404, "not_found"),
    ("permission", 403, "forbidden"),
    ("suspicious", 400, "malformed"),
    ("model", 400, "invalid"),
    ("data", 400, "malformed"),
    ("database_down", 503, "unavailable"),
    ("drf_auth", 401, "unauthenticated"),
    ("drf_not_found", 404, "not_found"),
    ("drf_permission", 403, "forbidden"),
    ("surrogate", 400, "malformed"),
    ("encoding_defect", 500, "internal_error"),
    ("drf_throttled", 429, "rate_limited"),
    ("defect", 500, "internal_error"),
]


@pytest.mark.parametrize(("kind", "status", "code"), CASES)
@pytest.mark.parametrize("door", ["raise", "plain-raise"])
def test_each_failure_is_the_same_problem_from_drf_and_plain_views(http, door, kind, status, code) -> None:
    """One failure, one document, whichever kind of view raised it; nothing inside leaks."""
    body = _problem(http.get(f"/api/v1/probe/{door}/{kind}"), status, code)
    for secret in ("hunter2", "secret", "10.0.0.5"):
        assert secret not in json.dumps(body)


def test_a_field_error_names_field_code_and_message(http) -> None:
    """The contract's `errors: [{field, code, message}]`."""
    body = http.get("/api/v1/probe/raise/invalid").json()
    assert body["errors"] == [{"field": "price", "code": "too_low", "message": "Too low."}]
    assert "retryable" not in body


def test_model_validation_keeps_field_and_code(http) -> None:
    """`full_clean` speaks the same words; the whole object is the empty field."""
    assert http.get("/api/v1/probe/raise/model").json()["errors"] == [
        {"field": "title", "code": "max_length", "message": "Too long."}
    ]
    assert http.get("/api/v1/probe/raise/model_whole").json()["errors"] == [
        {"field": "", "code": "starts_before_ends", "message": "Starts after it ends."}
    ]


def test_retry_after_and_retryable_are_told(http) -> None:
    """429 and 503 say when to come again."""
    limited = http.get("/api/v1/probe/raise/rate_limited")
    assert (limited["Retry-After"], limited.json()["retryable"]) == ("7", True)
    assert http.get("/api/v1/probe/raise/drf_throttled")["Retry-After"] == "13"
    assert http.get("/api/v1/probe/raise/conflict").json()["retryable"] is False
    assert http.get("/api/v1/probe/raise/busy").json()["retryable"] is True


def test_401_names_the_scheme(http) -> None:
    """RFC 9110: a 401 carries WWW-Authenticate; RFC 6750 tells a wrong token from none."""
    assert http.get("/api/v1/probe/raise/unauthenticated")["WWW-Authenticate"] == "Bearer"
    assert http.get("/api/v1/probe/raise/drf_auth")["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_unknown_address_and_wrong_method_are_problems(http) -> None:
    """Under /api everything is a document; a page elsewhere stays a page."""
    _problem(http.get("/api/v1/nothing/here"), 404, "not_found")
    refused = http.get("/api/v1/probe/plain")
    _problem(refused, 405, "method_not_allowed")
    assert refused["Allow"] == "POST"
    drf = http.delete("/api/v1/probe/echo")
    _problem(drf, 405, "method_not_allowed")
    assert "POST" in drf["Allow"]
    assert http.get("/page")["Content-Type"].startswith("text/html")


def test_csrf_refusal_is_a_problem() -> None:
    """A plain view that wants the token answers 403 as a document."""
    client = Client(enforce_csrf_checks=True)
    _problem(client.post("/api/v1/probe/csrf"), 403, "forbidden")


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe", b'{"title": NaN}', b"[" * 100_000, b'{"title": "x", "n": ' + b"9" * 5000 + b"}"],
    ids=["cut", "not-utf8", "nan", "deep", "huge-number"],
)
def test_malformed_json_is_400(http, body) -> None:
    """What is no JSON is refused as such, never with a 5xx."""
    _problem(http.post("/api/v1/probe/echo", body, content_type="application/json"), 400, "malformed")


def test_wrong_media_type_is_415(http) -> None:
    """Only JSON is read."""
    _problem(http.post("/api/v1/probe/echo", b"a=b", content_type="text/css"), 415, "unsupported_media_type")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
@pytest.mark.parametrize("path", ["/api/v1/probe/echo", "/api/v1/probe/plain", "/graphql"])
def test_too_large_is_413_before_any_view(http, path) -> None:
    """The limit holds for DRF too, which reads the stream past Django's own check."""
    _problem(http.post(path, b"x" * 101, content_type="application/json"), 413, "too_large")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_a_view_may_bound_its_body_itself(http) -> None:
    """Marked so, it is asked whatever the length; one that reads too much still meets Django's own limit."""
    assert http.post("/api/v1/probe/bounded", b"x" * 101, content_type="text/plain").content == b"7"
    _problem(http.post("/api/v1/probe/bounded?all", b"x" * 101, content_type="text/plain"), 413, "too_large")


@pytest.mark.parametrize("host", ["evil.example", "a b", "testserver:port", "x" * 300])
@pytest.mark.parametrize("path", ["/api/v1/probe/who", "/graphql", "/readyz", "/api/v1/nothing"])
def test_a_strange_host_is_a_problem_without_a_trace(http, caplog, host, path) -> None:
    """Who asks by another name gets the one error shape; the log gets the access line alone."""
    _problem(http.get(path, headers={"Host": host}), 400, "malformed")
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []


def test_a_strange_host_sees_no_page(http) -> None:
    """Pages answer a bare 400."""
    answer = http.get("/page", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.content) == (400, b"")


@pytest.mark.parametrize("path", ["/api/v1/probe/who?slug=a%00b", "/api/v1/probe/raise/a%00b"])
def test_nul_in_the_address_is_400(http, path) -> None:
    """PostgreSQL has no such text, so nobody has to ask it."""
    _problem(http.get(path), 400, "malformed")


def test_a_defect_is_logged_with_its_trace(http, caplog) -> None:
    """The caller learns the request id, the log the rest."""
    response = http.get("/api/v1/probe/raise/defect", headers={"X-Request-ID": "trace-1"})
    assert response.json()["request_id"] == "trace-1"
    logged = [record for record in caplog.records if record.message == "unhandled exception"]
    assert [type(record.exc_info[1]) for record in logged] == [RuntimeError]


def test_a_defect_still_surfaces_in_tests() -> None:
    """Error trackers and the test client hear of a defect by Django's signal."""
    with pytest.raises(RuntimeError, match="hunter2"):
        Client().get("/api/v1/probe/raise/defect")


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["40P01", "57014"])
def test_a_lost_race_is_busy_and_retryable(http, state) -> None:
    """PostgreSQL's deadlock_detected and statement time-out reach the caller as 503 `busy`."""
    response = http.get(f"/api/v1/probe/lost-race/{state}")
    assert _problem(response, 503, "busy")["retryable"] is True
    assert response["Retry-After"] == "1"


def test_documents_outside_of_a_request() -> None:
    """Services' callers without HTTP (sockets, jobs) get the same words."""
    with tracing("job-1"):
        body = document(Conflict("Already there."))
    assert body == {
        "type": "urn:problem-type:marquee:conflict",
        "title": "The current state does not allow this",
        "status": 409,
        "code": "conflict",
        "detail": "Already there.",
        "errors": [],
        "request_id": "job-1",
    }


def test_graphql_extensions_name_fields_in_camel_case() -> None:
    """Callers see fields as they wrote them: snake_case on REST, camelCase on GraphQL."""
    failure = Invalid(
        errors=[FieldError("events[2].entity_id", "c", "m"), FieldError("Idempotency-Key", "c", "m")]
    )
    assert [error["field"] for error in extensions(failure)["errors"]] == [
        "events[2].entityId",
        "Idempotency-Key",
    ]
    assert document(failure)["errors"][0]["field"] == "events[2].entity_id"


def test_every_kind_has_a_status() -> None:
    """The contract's status codes."""
    assert {kind.name: status_of(kind) for kind in Kind} == {
        "MALFORMED": 400,
        "UNAUTHENTICATED": 401,
        "FORBIDDEN": 403,
        "NOT_FOUND": 404,
        "CONFLICT": 409,
        "GONE": 410,
        "TOO_LARGE": 413,
        "MISMATCH": 422,
        "TOO_MANY": 429,
        "UNAVAILABLE": 503,
    }
