"""What strangers cannot have the product do: call their addresses, lead people elsewhere, run scripts, tell secrets."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import PASSWORD, make_member, make_superuser
from ads.tests.ad_factories import make_ad
from config.local_stack.environment import ROOT
from config.storefront.urls import urlpatterns as storefront
from config.tests.test_docs import ROOMS, _sources
from offers.models import OfferType
from offers.tests.factories import Door, make_offer

_IMPORT = re.compile(r"^\s*(?:from ([\w.]+) )?import ([\w., ]+|\([^)]*)", re.MULTILINE)
# What opens connections by address. Sockets of a library's own (PostgreSQL, Redis, SMTP) have theirs from the settings.
_CALLING = {"requests", "httpx", "aiohttp", "urllib3", "http.client", "urllib.request", "socket", "pywebpush"}
# Who may: Stripe (its own address), the mail provider's and push's answers, push services of an allowed list.
_MAY_CALL = ("payments/gateway/", "notifications/pushing/", "notifications/mailer/verdicts.py", "config/local_stack/",
             "config/demo/", "ads/decision/")  # fmt: skip
# Where an answer sends somebody elsewhere. Each leads to a page of ours, or to what an organizer stored for an ad.
_MAY_REDIRECT = {
    "accounts/admin_base/pages.py", "ads/admin/performance.py", "ads/rest/redeeming.py", "analytics/admin/console.py",
    "common/admin/dead_letters.py", "notifications/admin/campaigns.py", "tickets/admin/tickets.py",
    "waitlist/admin/screens.py",
}  # fmt: skip
_ELSEWHERE = (
    "https://evil.test/",
    "//evil.test/",
    "/\\evil.test/",
    "http:evil.test",
    "javascript:alert(1)",
    "\t//evil.test",
)


def _imports(path: Path) -> Iterator[str]:
    for module, names in _IMPORT.findall(path.read_text()):
        yield from (f"{module}.{name}" if module else name for name in re.findall(r"[\w.]+", names))


def _reaches_out(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in _CALLING)


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_nothing_calls_an_address_but_the_known_doors() -> None:
    """Addresses of offers and ads are kept and shown, never called: nobody has us ask their network. REQ OP-05."""
    callers = {
        _named(path) for path in _sources(tests=False) for name in _imports(path) if _reaches_out(name)
    }
    assert {one for one in callers if not one.startswith(_MAY_CALL)} == set()
    assert any(one.startswith("payments/gateway/") for one in callers)


def test_every_place_that_redirects_is_known() -> None:
    """A new one has to be looked at, and entered here. Where ads lead has tests of its own (AD-10). REQ OP-05."""
    redirecting = {
        _named(path)
        for path in _sources(tests=False)
        if re.search(r"\b(?:HttpResponseRedirect|HttpResponsePermanentRedirect|redirect)\(", path.read_text())
    }
    assert redirecting == _MAY_REDIRECT


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", _ELSEWHERE)
def test_signing_in_leads_to_our_own_pages(client: Client, wanted: str) -> None:
    """`next` of the admin's sign-in: an address elsewhere is dropped. REQ OP-05."""
    make_superuser("operator@example.test", password=PASSWORD)
    answer = client.post(
        "/admin/login/", {"username": "operator@example.test", "password": PASSWORD, "next": wanted}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", [*_ELSEWHERE, "", "/admin/offers/offer/?is_active__exact=1"])
def test_an_act_leads_back_to_our_own_pages(client: Client, wanted: str) -> None:
    """`back` of an act's form: an address elsewhere is on no link of the page, and not sent on; one of ours is.

    REQ OP-05.
    """
    offer = make_offer()
    client.force_login(make_superuser())
    for refused in ({}, {"confirmed": "1"}):
        said = {"ids": str(offer.pk), "back": wanted, **refused}
        answer = client.post("/admin/offers/offer/act/pause/", said)
        assert answer.status_code == 200
        page = answer.content.decode()
        (hidden,) = re.findall(r'<input type="hidden" name="back" value="([^"]*)"', page)
        (link,) = re.findall(r'<a class="mq-textlink" href="([^"]*)">Cancel', page)
        is_ours = wanted.startswith("/admin/")
        assert hidden == link == (wanted if is_ours else f"/admin/offers/offer/{offer.pk}/change/")
        assert "evil.test" not in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.test/x", "gopher://127.0.0.1:6379/_x",
     "ht\ttps://evil.test", "https://user:pass@evil.test/"],
)  # fmt: skip
def test_addresses_that_are_kept_are_web_addresses(address: str) -> None:
    """Pictures, films, content and links: http(s) alone, on the doors that take them; refused, nothing is changed.

    REQ OF-02, AD-01.
    """
    ad, offer = make_ad(), make_offer(kind=OfferType.EXCLUSIVE_CONTENT)
    owner = Door(make_member("owner", organization=ad.event.organization))
    for field in ("media_url", "click_url"):
        before = getattr(ad, field)
        answer = owner.send("patch", f"ads/{ad.pk}", {field: address})
        _refused_for(answer.status_code, answer.json(), field, address)
        ad.refresh_from_db()
        assert getattr(ad, field) == before
    seller = Door(make_member("owner", organization=offer.event.organization))
    for field in ("image_url", "content_url"):
        before = getattr(offer, field)
        answer = seller.send("patch", f"offers/{offer.pk}", {field: address})
        _refused_for(answer.status_code, answer.json(), field, address)
        offer.refresh_from_db()
        assert getattr(offer, field) == before


def _refused_for(status: int, problem: dict[str, object], field: str, address: str) -> None:
    assert status in {400, 422}, (field, address)
    errors = problem["errors"]
    assert isinstance(errors, list)
    assert {error["field"] for error in errors} == {field}


_SCRIPT = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son\w+\s*=|javascript:", re.IGNORECASE
)
_STYLE = re.compile(r"<style|\sstyle\s*=", re.IGNORECASE)


def _public_pages() -> dict[str, str]:
    """Return the addresses of the demo pages and of the API's description, with anything in the place of ids."""
    anything = {
        "slug": "demo-conf",
        "session_id": uuid4(),
        "ticket_id": uuid4(),
        "order_id": uuid4(),
        "token": "x",
    }
    pages = {
        str(one.name): reverse(
            str(one.name), kwargs={name: anything[name] for name in one.pattern.converters}
        )
        for one in storefront
    }
    return pages | {"api-docs": reverse("api-docs")}


def _policy(answer: HttpResponseBase) -> dict[str, str]:
    """Return the directives of an answer's policy."""
    parts = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.django_db
@pytest.mark.parametrize("name", _public_pages())
def test_a_public_page_runs_our_files_alone(client: Client, name: str) -> None:
    """Each has the policy, and holds nothing that the policy would stop: no script or style in the page. REQ OP-05."""
    ask = client.post if name.endswith("undo") else client.get
    answer = ask(_public_pages()[name])
    policy = _policy(answer)
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert (policy["object-src"], policy["frame-ancestors"], policy["base-uri"]) == ("'none'",) * 3
    page = answer.content.decode()
    if name == "storefront-service-worker":
        assert answer["Content-Type"].startswith("text/javascript")
        return
    assert "</html>" in page
    assert not _SCRIPT.search(page)
    assert not _STYLE.search(page)
    assert all(source.startswith("/") for source in re.findall(r'<script[^>]*\ssrc="([^"]*)"', page))


def test_the_admin_runs_no_inline_script(client: Client) -> None:
    """Its theme evaluates expressions: no more than that is allowed; and templates hold no script. REQ OP-05."""
    assert _policy(client.get("/admin/login/"))["script-src"] == "'self' 'unsafe-eval'"
    templates = (ROOT / "templates").rglob("*.html")
    assert [_named(page) for page in templates if _SCRIPT.search(page.read_text())] == []


def test_rooms_are_all_looked_at() -> None:
    """The searches above read every room. REQ OP-05."""
    assert {path.relative_to(ROOT).parts[0] for path in _sources(tests=False)} == set(ROOMS)
