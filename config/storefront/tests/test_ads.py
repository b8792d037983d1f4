"""Ads in a real browser: shown, turned, seen, clicked, and each counted once in the database. REQ UI-03.

Each test ends when all that its page had to tell is counted: what arrives later would be another test's.
"""

import re
import time
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_user
from ads.models import Ad, AdEvent, AdPlacement, ContentType, InvalidCount
from ads.services.injecting import inject_ad
from ads.services.writing import create_ad
from ads.tests.ad_factories import make_ad
from ads.types.ads import AdInput
from common import clock
from config.local_stack.testing import patience
from config.tests.axe import serious_findings
from config.tests.live import House, house, realtime
from events.models import Event
from events.tests.factories import make_event, make_session

__all__ = ["house", "realtime"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The page sends what waits every three seconds; its clock is moved on, nobody waits.
_SENT_MS = 3_100
_SEEN_MS = 1_100
_NO_STORAGE = """
    for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, {get() { throw new DOMException("denied", "SecurityError"); }});
    }
"""


@pytest.fixture
def event() -> Event:
    """Give an event with a page."""
    return make_event(slug="gathering", title="The Gathering")


@pytest.fixture
def shown(page: Page) -> Page:
    """Give a page whose clock the test moves on."""
    page.clock.install()
    return page


def ad_of(event: Event, url: str, **values: Any) -> Ad:
    """Make an ad with a picture of our own that leads to a page of our own, and does not turn by itself."""
    given = {
        "media_url": f"{url}/static/demo/northwind.svg",
        "click_url": f"{url}/static/demo/sponsor.html",
        "aspect_ratio": "4:1",
        "display_duration_seconds": 3600,
        **values,
    }
    return make_ad(event, **given)


def slot(page: Page, placement: str = "EVENT_HERO") -> Locator:
    """Return the place on the page where ads of a placement are shown."""
    return page.locator(f'[data-ad="{placement}"]')


def open_event(page: Page, server: LiveServer) -> None:
    """Open the event's page and wait until all of it is there."""
    page.goto(f"{server.url}/events/gathering")
    expect(page.locator("#offers[aria-busy]")).to_have_count(0)


def picture_is_there(where: Locator) -> None:
    """Wait until the picture of the ad is loaded, and so an impression."""
    expect(where).to_have_attribute("data-shown", re.compile(".+"))


def kinds(*ads: Ad) -> Counter[str]:
    """Count what was counted of these ads, of all if none is named."""
    rows = AdEvent.objects.filter(ad_id__in=[ad.pk for ad in ads]) if ads else AdEvent.objects.all()
    return Counter(rows.values_list("kind", flat=True))


def counted(expected: dict[str, int], *ads: Ad) -> None:
    """Wait until exactly this was counted."""
    end = time.monotonic() + patience.SECONDS
    while kinds(*ads) != expected and time.monotonic() < end:
        time.sleep(0.02)
    assert kinds(*ads) == expected


def refused() -> dict[str, int]:
    """Return what was not counted, by reason."""
    return dict(InvalidCount.objects.values_list("reason", "count"))


def test_an_ad_is_shown_and_counted_once(shown: Page, live_server: LiveServer, event: Event) -> None:
    """REQ AD-04, AD-10: with its label and ratio; one impression, one viewable, also when the page goes away."""
    ad = ad_of(event, live_server.url, name="Free refills")
    open_event(shown, live_server)
    where = slot(shown)
    expect(where.get_by_text("Advertisement", exact=True)).to_be_visible()
    expect(where.get_by_role("link", name="Free refills")).to_have_attribute("rel", "noopener sponsored")
    picture_is_there(where)
    box = where.locator(".ad-box").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(4, abs=0.02)
    shown.clock.run_for(_SENT_MS)
    counted({"impression": 1, "viewable": 1}, ad)
    shown.goto("about:blank")
    counted({"impression": 1, "viewable": 1}, ad)
    assert refused() == {}


def test_what_was_not_told_yet_goes_out_with_the_page(
    shown: Page, live_server: LiveServer, event: Event
) -> None:
    """REQ AD-04: whoever leaves before the batch is sent is counted by the beacon."""
    ad_of(event, live_server.url)
    open_event(shown, live_server)
    picture_is_there(slot(shown))
    shown.goto("about:blank")
    counted({"impression": 1})
    assert refused() == {}


def test_ads_take_turns_while_nobody_is_on_them(shown: Page, live_server: LiveServer, event: Event) -> None:
    """REQ UI-03: after its time the next; not while paused or under the pointer; nothing moves; the last one stays."""
    given = {"display_duration_seconds": 20, "frequency_cap": 1}
    both = {
        ad.name: ad for ad in (ad_of(event, live_server.url, name=name, **given) for name in ("One", "Two"))
    }
    open_event(shown, live_server)
    where = slot(shown)
    picture_is_there(where)
    first = str(where.locator("img").get_attribute("alt"))
    second = "Two" if first == "One" else "One"
    before = shown.locator("h2").first.bounding_box()
    where.get_by_role("button", name="Pause advertisements").click()
    shown.mouse.move(0, 0)
    shown.clock.run_for(60_000)
    where.get_by_role("button", name="Play advertisements").click()
    shown.clock.run_for(60_000)
    expect(where.get_by_role("link", name=first)).to_be_visible()
    counted({"impression": 1, "viewable": 1})
    shown.mouse.move(0, 0)
    shown.clock.run_for(20_000)
    expect(where.get_by_role("link", name=second)).to_be_visible()
    picture_is_there(where)
    assert shown.locator("h2").first.bounding_box() == before
    assert shown.evaluate("() => document.activeElement.localName") == "button"
    # Both are capped now.
    shown.clock.run_for(120_000)
    expect(where.get_by_role("link", name=second)).to_be_visible()
    for ad in both.values():
        counted({"impression": 1, "viewable": 1}, ad)
    assert refused() == {}


def test_a_click_leads_to_the_stored_destination_and_counts_once(
    shown: Page, live_server: LiveServer, event: Event
) -> None:
    """REQ AD-10: a plain link, to a tab of its own; followed again it still leads there and is counted apart."""
    ad_of(event, live_server.url)
    open_event(shown, live_server)
    link = slot(shown).get_by_role("link", name="(opens in a new tab)")
    address = str(link.get_attribute("href"))
    with shown.context.expect_page() as opened:
        link.click()
    expect(opened.value.get_by_role("heading", name="A sponsor's own site")).to_be_visible()
    destination = f"{live_server.url}/static/demo/sponsor.html"
    assert opened.value.url == destination
    assert opened.value.evaluate("() => window.opener") is None
    assert shown.url == f"{live_server.url}/events/gathering"
    shown.clock.run_for(_SEEN_MS)
    shown.clock.run_for(_SENT_MS)
    counted({"impression": 1, "viewable": 1, "click": 1})
    again = shown.request.get(address, max_redirects=0, headers={"User-Agent": "Mozilla/5.0 Firefox/145.0"})
    assert (again.status, again.headers["location"]) == (302, destination)
    counted({"impression": 1, "viewable": 1, "click": 1})
    assert refused() == {"duplicate": 1}


def test_a_broken_picture_leaves_a_quiet_placeholder(
    shown: Page, live_server: LiveServer, event: Event
) -> None:
    """REQ UI-03: it says so, cannot be clicked and is not counted."""
    ad_of(event, live_server.url, media_url=f"{live_server.url}/static/demo/not-there.svg")
    open_event(shown, live_server)
    where = slot(shown)
    expect(where.get_by_text("This advertisement could not be shown.")).to_be_visible()
    expect(where.get_by_role("link")).to_have_count(0)
    shown.clock.run_for(_SENT_MS)
    shown.goto("about:blank")
    assert kinds() == {}


def test_without_an_ad_there_is_nothing(shown: Page, live_server: LiveServer, event: Event) -> None:
    """REQ UI-03: no label, no frame, no room."""
    ad_of(event, live_server.url, is_active=False)
    make_session(event=event)
    open_event(shown, live_server)
    for placement in ("EVENT_HERO", "SIDEBAR"):
        assert slot(shown, placement).bounding_box() is None


def test_what_is_not_on_the_screen_was_not_seen(shown: Page, live_server: LiveServer, event: Event) -> None:
    """REQ AD-04: below the edge it is an impression; scrolled to, it is viewable after a second, not before."""
    shown.set_viewport_size({"width": 1000, "height": 240})
    ad_of(event, live_server.url)
    open_event(shown, live_server)
    picture_is_there(slot(shown))
    shown.clock.run_for(10_000)
    counted({"impression": 1})
    slot(shown).locator("img").scroll_into_view_if_needed()
    shown.wait_for_function(_IS_SEEN)
    shown.clock.run_for(_SEEN_MS)
    shown.clock.run_for(_SENT_MS)
    counted({"impression": 1, "viewable": 1})


_IS_SEEN = """() => new Promise((resolve) => {
    const box = document.querySelector('[data-ad="EVENT_HERO"] .ad-box');
    new IntersectionObserver(([one]) => resolve(one.intersectionRatio >= 0.5)).observe(box);
})"""


def test_a_film_is_seen_after_two_seconds_of_playing(
    shown: Page, live_server: LiveServer, event: Event
) -> None:
    """REQ AD-04: it plays by itself, silently; paused it is only an impression."""
    ad_of(event, live_server.url, content_type=ContentType.VIDEO, aspect_ratio="16:9",
          media_url=f"{live_server.url}/static/demo/backstage.webm")  # fmt: skip
    open_event(shown, live_server)
    where = slot(shown)
    expect(where.get_by_role("link", name="Backstage tour")).to_be_visible()
    shown.wait_for_function("() => document.querySelector('video').currentTime > 0.1")
    where.get_by_role("button", name="Pause advertisements").click()
    expect(where.locator("video")).to_have_js_property("paused", value=True)
    shown.clock.run_for(10_000)
    counted({"impression": 1})
    where.get_by_role("button", name="Play advertisements").click()
    shown.wait_for_function("() => !document.querySelector('video').paused")
    shown.clock.run_for(2_100)
    shown.clock.run_for(_SENT_MS)
    counted({"impression": 1, "viewable": 1})


def test_whoever_wants_no_motion_starts_it(page: Page, live_server: LiveServer, event: Event) -> None:
    """REQ UI-03: with prefers-reduced-motion nothing plays or turns before Play is pressed."""
    page.emulate_media(reduced_motion="reduce")
    ad_of(event, live_server.url, content_type=ContentType.VIDEO,
          media_url=f"{live_server.url}/static/demo/backstage.webm")  # fmt: skip
    open_event(page, live_server)
    expect(slot(page).get_by_role("button", name="Play advertisements")).to_be_visible()
    picture_is_there(slot(page))
    expect(slot(page).locator("video")).to_have_js_property("paused", value=True)
    page.goto("about:blank")
    counted({"impression": 1})


def test_a_window_that_keeps_nothing_is_served_and_counted(
    shown: Page, live_server: LiveServer, event: Event
) -> None:
    """REQ UI-03: where every storage throws, as in private windows of some, ads are shown and counted."""
    shown.add_init_script(_NO_STORAGE)
    ad_of(event, live_server.url)
    open_event(shown, live_server)
    picture_is_there(slot(shown))
    shown.clock.run_for(_SENT_MS)
    counted({"impression": 1, "viewable": 1})


@pytest.mark.parametrize("width", [1440, 390])
def test_ads_keep_nobody_out(shown: Page, live_server: LiveServer, event: Event, width: int) -> None:
    """REQ UI-03: axe-core finds nothing with two ads on the page, and it is no wider than the window."""
    shown.set_viewport_size({"width": width, "height": 900})
    make_session(event=event)
    ad_of(event, live_server.url)
    ad_of(event, live_server.url, placements=[AdPlacement.SIDEBAR], aspect_ratio="4:5",
          media_url=f"{live_server.url}/static/demo/harbour.svg")  # fmt: skip
    open_event(shown, live_server)
    for placement in ("EVENT_HERO", "SIDEBAR"):
        picture_is_there(slot(shown, placement))
    assert serious_findings(shown) == []
    assert shown.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    shown.clock.run_for(_SENT_MS)
    # The second one is below the edge.
    counted({"impression": 2, "viewable": 1})


def test_a_session_shows_what_is_aimed_at_it(shown: Page, live_server: LiveServer, event: Event) -> None:
    """REQ AD-02, UI-03: an ad of a session is on that session's page, and on no other."""
    here, elsewhere = make_session(event=event), make_session(event=event)
    ad_of(event, live_server.url, placements=[AdPlacement.SESSION_BREAK], target_sessions=[here.pk])
    with shown.expect_response(lambda answer: "/ads/serve" in answer.url) as served:
        shown.goto(f"{live_server.url}/sessions/{elsewhere.pk}/waitlist")
    assert served.value.json() == {"ads": [], "degraded": False}
    assert slot(shown, "SESSION_BREAK").bounding_box() is None
    shown.goto(f"{live_server.url}/sessions/{here.pk}/waitlist")
    picture_is_there(slot(shown, "SESSION_BREAK"))
    shown.goto("about:blank")
    counted({"impression": 1})
    assert AdEvent.objects.get(kind="impression").session_id == here.pk


def test_an_injected_ad_comes_at_once(house: House, event: Event) -> None:
    """REQ RT-02: who is signed in sees it without touching anything, where it belongs; the rest of the page stays."""
    anna, staff = make_user(), make_member("staff", organization=event.organization)
    usual = ad_of(event, house.url, name="Usual", placements=[AdPlacement.SIDEBAR, AdPlacement.EVENT_HERO])
    make_session(event=event)
    page = house.open(anna, "/events/gathering")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    for placement in ("EVENT_HERO", "SIDEBAR"):
        picture_is_there(slot(page, placement))
    urgent = create_ad(actor=actor_of(staff), event_id=event.pk, now=clock.now(), given=AdInput(
        name="The shuttle leaves", content_type=ContentType.BANNER, placements=(AdPlacement.EVENT_HERO,),
        media_url=f"{house.url}/static/demo/lumen.svg", aspect_ratio="4:1",
    ))  # fmt: skip
    inject_ad(actor=actor_of(staff), ad_id=urgent.pk, now=clock.now())
    expect(slot(page).get_by_role("img", name="The shuttle leaves")).to_be_visible()
    expect(slot(page, "SIDEBAR").get_by_role("link", name="Usual")).to_be_visible()
    picture_is_there(slot(page))
    page.goto("about:blank")
    counted({"impression": 1}, urgent)
    assert kinds(usual)["impression"] == 2
    assert refused() == {}
