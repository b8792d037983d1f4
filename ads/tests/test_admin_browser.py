"""The staff's screens of ads in a browser: readable by all, in light and dark, and a preview that never breaks."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import make_member
from ads.models import Ad, AdDaily, AdSpend
from ads.tests.ad_factories import make_ad
from ads.tests.test_admin_invalid import refuse
from common import clock
from config.tests.axe import CLEAN, findings_in_both_schemes
from config.tests.browser import browser, page
from events.tests.factories import make_event, make_session

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/ads/ad/"
WIDTHS = """() => [document.documentElement, ...document.querySelectorAll(".simplebar-content-wrapper, .mq-scroll")]
    .every(one => one.scrollWidth <= one.clientWidth)"""


def make_busy_ad(server: LiveServer) -> Ad:
    """Create an ad with everything that a screen can show of it, in words and sums that need room."""
    now = clock.now()
    ad = make_ad(
        event=make_event(title="International Congress of Accessibility 2096"),
        name="Northwind Coffee: free espresso at booth 12", media_url=f"{server.url}/static/storefront/icon.svg",
        placements=["EVENT_HERO", "SIDEBAR", "IN_FEED"], price_model="CPM", price_amount=500,
        budget_total_amount=876_543_210, starts_at=now - timedelta(days=3), ends_at=now + timedelta(days=9),
    )  # fmt: skip
    make_session(event=ad.event)
    AdSpend.objects.filter(ad=ad).update(billed_micros=5_412_345_000_000)
    for ago in range(14):
        day = now.date() - timedelta(days=ago)
        AdDaily.objects.create(ad=ad, event=ad.event, day=day, impressions=ago * 99, computed_at=now)
    refuse(ad, "bot", count=1_200, user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)")
    return ad


def enter(page: Page, server: LiveServer, ad: Ad) -> None:
    """Sign a member of staff in, at a window of 1280 pixels."""
    client = Client()
    client.force_login(make_member("staff", organization=ad.event.organization))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server.url}])
    page.set_viewport_size({"width": 1280, "height": 900})


def test_the_screens_keep_nobody_out_and_fit(page: Page, live_server: LiveServer) -> None:
    """No serious finding of axe-core in light and dark, nothing to scroll sideways at 1280. REQ AD-07, UI-01."""
    ad = make_busy_ad(live_server)
    enter(page, live_server, ad)
    addresses = (
        LIST, f"{LIST}{ad.pk}/change/", f"{LIST}act/show_now/?ids={ad.pk}", f"{LIST}performance/",
        f"{LIST}performance/recount/?event={ad.event_id}",
        f"{LIST}explain/?event={ad.event_id}&placement=EVENT_HERO&session=&viewer=", "/admin/ads/invalidsample/",
    )  # fmt: skip
    for address in addresses:
        page.goto(f"{live_server.url}{address}")
        assert findings_in_both_schemes(page) == CLEAN, address
        assert page.evaluate(WIDTHS), address


def test_the_preview_says_what_viewers_would_see(page: Page, live_server: LiveServer) -> None:
    """A picture at its ratio; a placeholder with the reason where there is none; a film with controls. REQ UI-02."""
    ad = make_busy_ad(live_server)
    enter(page, live_server, ad)
    held: list[Route] = []
    page.route("https://media.test/gone.png", lambda route: route.abort())

    def hold(route: Route) -> None:
        held.append(route)

    page.route("https://media.test/film.mp4", hold)
    page.goto(f"{live_server.url}{LIST}{ad.pk}/change/")
    box, words, address = (
        page.locator("#ad-preview [data-part=box]"),
        page.locator("#ad-preview [role=status]"),
        page.get_by_label("Media address"),
    )
    expect(words).to_contain_text("pixels, shown at 16:9.")
    expect(box.locator("img")).to_have_attribute("alt", "Preview of the ad")
    page.get_by_label("Aspect ratio").fill("1:2")
    page.get_by_label("Aspect ratio").press("Tab")
    shape = box.bounding_box()
    assert shape is not None
    assert shape["height"] == pytest.approx(2 * shape["width"], rel=0.02)
    for typed, said in (
        ("https://media.test/gone.png", "cannot be loaded"), ("http://media.test/a.png", "give an https address"),
        ("javascript:alert(1)", "not a web address"), ("", "No media address yet."),
    ):  # fmt: skip
        address.fill(typed)
        address.press("Tab")
        expect(words).to_contain_text(said)
        expect(box.locator("img")).to_have_count(0)
        expect(box).to_have_attribute("data-state", "missing")
    page.get_by_label("Content type").select_option("VIDEO")
    address.fill("https://media.test/film.mp4")
    address.press("Tab")
    expect(box.locator("video")).to_have_js_property("controls", True)
    expect(words).to_have_text("Loading the preview...")
    held[0].abort()
    expect(words).to_contain_text("cannot be loaded")


def test_a_range_cannot_be_set_wrong(page: Page, live_server: LiveServer) -> None:
    """Each date follows the other, and neither leaves the 365 days, with the keyboard alone. REQ UI-02."""
    ad = make_busy_ad(live_server)
    enter(page, live_server, ad)
    today = clock.now().date()
    page.goto(f"{live_server.url}{LIST}performance/")
    first, last = page.locator("#id_date_from"), page.locator("#id_date_to")
    last.fill(str(today - timedelta(days=20)))
    first.fill(str(today - timedelta(days=5)))
    expect(last).to_have_value(str(today - timedelta(days=5)))
    expect(last).to_have_attribute("min", str(today - timedelta(days=5)))
    expect(last).to_have_attribute("max", str(today))
    expect(first).to_have_attribute("min", str(today - timedelta(days=369)))
    page.get_by_role("button", name="Show", exact=True).press("Enter")
    expect(page.get_by_role("link", name="Download as CSV")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").press("Enter")
    assert (
        download.value.suggested_filename
        == f"ads-{ad.event.slug}-{today - timedelta(days=5)}-{today - timedelta(days=5)}.csv"
    )
