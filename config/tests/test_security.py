"""What strangers cannot have the product do: call their addresses, lead people elsewhere, run scripts, tell secrets."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from accounts.tests.factories import PASSWORD, make_member, make_superuser
from ads.tests.ad_factories import make_ad
from config.local_stack.environment import ROOT
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


@pytest.mark.django_db
def test_pages_run_no_script_of_their_own(client: Client) -> None:
    """The policy allows our files alone, everywhere but for what the admin's theme needs; templates hold no script.

    REQ OP-05.
    """
    policy = client.get("/signin")["Content-Security-Policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert (directives["object-src"], directives["frame-ancestors"], directives["base-uri"]) == (
        "'none'",
    ) * 3
    admin = client.get("/admin/login/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in admin
    assert "unsafe-inline" not in next(part for part in admin.split(";") if "script-src" in part)
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son\w+\s*=|javascript:", re.IGNORECASE
    )
    wrong = [_named(page) for page in (ROOT / "templates").rglob("*.html") if inline.search(page.read_text())]
    assert wrong == []


def test_rooms_are_all_looked_at() -> None:
    """The searches above read every room. REQ OP-05."""
    assert {path.relative_to(ROOT).parts[0] for path in _sources(tests=False)} == set(ROOMS)
