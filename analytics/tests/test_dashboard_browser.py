"""The console in a browser: panels that come and fail by themselves, by the clock, for everybody. REQ AN-05, UI-02."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Locator, Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import make_member
from ads.models import AdDaily
from analytics.tests.factories import Place, keep, make_place, told
from analytics.tests.figures import sold
from common import clock
from config.tests.axe import serious_findings
from config.tests.browser import browser, page

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MINUTE_MS = 60_000
FITS = """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"""


def make_busy_place() -> Place:
    """Return an event with something in each panel."""
    now = clock.now()
    place = make_place(title="International Congress of Accessibility 2096")
    for ago in range(6):
        sold(place.offer, now - timedelta(days=ago), quantity=3, back=500 if ago == 2 else 0)
        AdDaily.objects.create(
            ad=place.ad, event=place.event, day=(now - timedelta(days=ago)).date(), impressions=1_234_567, clicks=99,
            billed_micros=5_412_340_000, computed_at=now,
        )  # fmt: skip
    keep(told(place, timestamp=now.isoformat()), now=now)
    return place


def enter(page: Page, server: LiveServer, place: Place) -> str:
    """Sign a member of staff in, and return the console's address."""
    client = Client()
    client.force_login(make_member("staff", organization=place.event.organization))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server.url}])
    return f"{server.url}/admin/analytics/eventconsole/{place.event.pk}/"


def loaded(page: Page) -> None:
    """Wait until every panel has come."""
    expect(page.locator("#refreshed")).to_have_text(re.compile(r"^Updated at \d\d:\d\d:\d\d UTC\."))
    expect(page.locator(".mq-loading")).to_have_count(0)


def panels_asked_for(page: Page) -> list[str]:
    """Return a list that grows by each panel that the page asks for."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/panel/" in request.url:
            asked.append(request.url)

    page.on("request", note)
    return asked


def fail(route: Route) -> None:
    """Answer that a panel could not be had."""
    route.fulfill(status=503, body="gone")


def part_of(page: Page, name: str) -> Locator:
    """Return a panel."""
    return page.get_by_role("region", name=name, exact=True)


def test_it_follows_the_clock_and_a_panel_fails_alone(page: Page, live_server: LiveServer) -> None:
    """Loads every five minutes and on coming back after ten; a broken panel keeps its figures and can be retried."""
    address = enter(page, live_server, make_busy_place())
    asked = panels_asked_for(page)
    page.clock.install()
    page.route("**/panel/ads/", fail)
    page.goto(address)
    _retried(page, asked)
    _loaded_by_the_clock(page, asked)
    _refreshed_by_hand(page, asked)
    _loaded_on_coming_back(page, asked)


def _retried(page: Page, asked: list[str]) -> None:
    """One panel failed; its button loads it alone, and the focus stays."""
    expect(page.locator("#refreshed")).to_have_text(re.compile(r"^Updated at .*, without 1 of 6 parts\.$"))
    ads = part_of(page, "Ads")
    expect(ads.get_by_role("status")).to_have_text("This could not be loaded.")
    expect(part_of(page, "Revenue by day").get_by_role("img", name="Revenue by day")).to_be_visible()
    page.unroute("**/panel/ads/")
    ads.get_by_role("button", name="Try again").press("Enter")
    expect(ads.get_by_text("Click rate (CTR)")).to_be_visible()
    expect(ads.get_by_role("button")).to_have_count(0)
    expect(ads).to_be_focused()
    assert len(asked) == 7


def _loaded_by_the_clock(page: Page, asked: list[str]) -> None:
    """After five minutes; what is open stays open, what fails then keeps its figures."""
    ads, revenue = part_of(page, "Ads"), part_of(page, "Revenue by day")
    summary = revenue.get_by_text("The chart as a table")
    summary.press("Enter")
    page.route("**/panel/ads/", fail)
    page.clock.fast_forward(4 * MINUTE_MS)
    assert len(asked) == 7
    page.clock.fast_forward(2 * MINUTE_MS)
    said = "This could not be refreshed. What stands here is from before."
    expect(ads.get_by_role("status")).to_have_text(said)
    expect(ads.get_by_text("Click rate (CTR)")).to_be_visible()
    expect(page.locator("#refreshed")).to_have_text(re.compile("without 1 of 6 parts"))
    expect(revenue.get_by_role("table")).to_be_visible()
    expect(summary).to_be_focused()
    assert len(asked) == 13


def _refreshed_by_hand(page: Page, asked: list[str]) -> None:
    """What was told meanwhile is computed, and all panels are loaded."""
    page.unroute("**/panel/ads/")
    offers = part_of(page, "Offers")
    expect(offers.get_by_text("Views").first.locator("xpath=..")).to_contain_text("0")
    page.get_by_role("button", name="Refresh", exact=True).press("Enter")
    expect(page.locator("#refreshed")).to_have_text(re.compile(r"UTC\. 1 day computed anew\.$"))
    expect(offers.locator(".mq-cards div").filter(has_text="Views")).to_contain_text("up 1 (N/A)")
    assert len(asked) == 19


def _loaded_on_coming_back(page: Page, asked: list[str]) -> None:
    """Nobody looks: nothing is loaded, until somebody comes back after more than ten minutes."""
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    page.clock.fast_forward(9 * MINUTE_MS)
    page.evaluate("dispatchEvent(new Event('focus'))")
    assert len(asked) == 19
    page.clock.fast_forward(2 * MINUTE_MS)
    assert len(asked) == 19
    page.evaluate("dispatchEvent(new Event('focus'))")
    loaded(page)
    assert len(asked) == 25


def test_it_keeps_nobody_out_and_fits(page: Page, live_server: LiveServer) -> None:
    """No serious finding of axe-core in light and dark; nothing sticks out of a laptop's or a phone's window."""
    address = enter(page, live_server, make_busy_place())
    page.goto(address)
    for scheme, width, part in (("light", 1280, ""), ("dark", 390, ""), ("light", 390, "upsells/")):
        page.evaluate("scheme => localStorage.setItem('adminTheme', JSON.stringify(scheme))", scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{address}{part}")
        loaded(page)
        assert serious_findings(page) == [], (scheme, part)
        assert page.evaluate(FITS), (scheme, width, part)
    # Where scripts are off the same figures come with the page.
    page.goto(f"{address}?plain=1")
    expect(page.get_by_role("img", name="Revenue by day")).to_be_visible()
    assert page.locator("script[src*='console.js']").count() == 0


def test_the_pickers_cannot_be_set_wrong(page: Page, live_server: LiveServer) -> None:
    """Each keeps the other's bounds: no end before the start, no more than 365 days, nothing after today. REQ UI-02."""
    place = make_place()
    page.goto(enter(page, live_server, place))
    first, last = page.get_by_label("From", exact=True), page.get_by_label("To", exact=True)
    today = clock.now().date()
    first.fill(str(today - timedelta(days=400)))
    first.dispatch_event("change")
    assert last.get_attribute("max") == str(today - timedelta(days=400 - 364))
    last.fill(str(today - timedelta(days=500)))
    last.dispatch_event("change")
    assert first.input_value() == str(today - timedelta(days=500))
    assert last.get_attribute("min") == first.input_value()
