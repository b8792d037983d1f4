"""What stands behind the `?` of an address is in no line of the log, whatever becomes of the call (REQ OP-01)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from accounts.tests.factories import make_superuser
from common.logging import masked
from common.tests.logs import written
from config.local_stack.environment import ROOT
from config.urls import urlpatterns as product

pytestmark = pytest.mark.django_db

_SECRET = "alice.secret@corp.test"
_QUERY = f"?q={_SECRET}&x=1"
_ALL = {"": "DEBUG", "django.request": "DEBUG"}
_ID = "query-probe-1"


def _broken(request: Any) -> HttpResponse:
    raise RuntimeError("a defect")


# The product's addresses, and a page that breaks: no page of the product is known to.
urlpatterns = [path("broken", _broken), *product]


def _client() -> Client:
    client = Client(raise_request_exception=False, headers={"X-Request-ID": _ID})
    client.force_login(make_superuser())
    return client


def _refused_form() -> Any:
    """Post a form of another site's page, whose own address has a query too."""
    client = Client(enforce_csrf_checks=True, headers={"X-Request-ID": _ID})
    referer = f"https://elsewhere.test/page{_QUERY}"
    refused: Any = client.post(f"/admin/login/{_QUERY}", secure=True, headers={"Referer": referer})
    return refused


_CALLS: dict[str, tuple[Callable[[], Any], int]] = {
    "lookup": (lambda: _client().get(f"/admin/payments/order/{_QUERY}&buyer__password=x"), 400),
    "lookup by its name": (lambda: _client().get(f"/admin/payments/order/?{_SECRET}__x=1"), 400),
    "CSRF": (_refused_form, 403),
    "no page": (lambda: _client().get(f"/nowhere{_QUERY}"), 404),
    "no row": (lambda: _client().get(f"/api/v1/orders/by-number/MQ-NONE{_QUERY}"), 401),
    "defect": (lambda: _client().get(f"/broken{_QUERY}"), 500),
    "host": (lambda: _client().get(f"/admin/{_QUERY}", headers={"Host": "evil.test"}), 400),
}


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("name", _CALLS)
def test_no_query_is_in_the_log(name: str) -> None:
    """REQ OP-01: refused, not found or broken: each line tells method and path, and the request's id, and none the
    query."""
    call, status = _CALLS[name]
    with written(_ALL) as lines:
        assert call().status_code == status
        told = [line for line in lines() if not line["logger"].startswith(("django.db", "asyncio"))]
    assert [line for line in told if _SECRET in str(line)] == []
    assert [line["status"] for line in told if line["event"] == "request"] == [status]
    for line in (one for one in told if one["logger"].startswith("django.")):
        assert (line["request_id"], line["status"]) == (_ID, status)
        assert line["path"].startswith("/")
        assert line["method"] in {"GET", "POST"}
        assert not {"request", "status_code"} & set(line)


@pytest.mark.urls(__name__)
def test_a_defects_trace_and_a_refusals_reason_are_kept() -> None:
    """REQ OP-01: a defect is found by its trace, a refused form by why it was refused, a lookup by what it is."""
    with written(_ALL) as lines:
        for name in ("defect", "CSRF", "lookup"):
            _CALLS[name][0]()
        told = {line["logger"]: line for line in lines() if line["logger"].startswith("django.")}
    assert "in _broken" in told["django.request"]["exception"]
    assert "https://elsewhere.test/page" in told["django.security.csrf"]["event"]
    refused = told["django.security.DisallowedModelAdminLookup"]
    assert (refused["event"], refused["path"]) == ("refused as suspicious", "/admin/payments/order/")
    assert "exception" not in refused


def test_a_request_is_told_without_its_query_wherever_it_is_logged() -> None:
    """REQ OP-01: as a value of its own or among others."""
    request = RequestFactory().get(f"/api/v1/events{_QUERY}")
    assert masked({"call": request, "calls": [request]}) == {
        "call": "GET /api/v1/events",
        "calls": ["GET /api/v1/events"],
    }


def test_the_proxy_cuts_addresses_at_the_query() -> None:
    """REQ OP-01: its access and error lines have one format, which drops the query of the address that was asked for,
    of the page it was asked from and of where it leads, and leaves the rest.

    Held here: the fields, and what their expressions do to an address. No proxy runs: that it applies a filter to a
    field is its own promise (Caddy: log, format filter, regexp).
    """
    lines = [line.strip() for line in (ROOT / "deploy/Caddyfile").read_text().splitlines()]
    filters = {
        words[0]: words[2:] for line in lines if len(words := line.split()) == 4 and words[1] == "regexp"
    }
    assert filters.keys() == {"request>uri", "request>headers>Referer", "resp_headers>Location"}
    for expression, instead in filters.values():
        for page in ("/api/v1/events", "https://marquee.test/a%3Fb", "/"):
            for query in ("", "?", _QUERY, f"{_QUERY}?{_SECRET}", f"?{_SECRET}#{_SECRET}"):
                assert re.sub(expression, instead.strip('"'), f"{page}{query}") == page
    assert [line for line in lines if line.startswith(("log", "format"))] == [
        "log {",
        "format filter {",
        "log",
    ]
