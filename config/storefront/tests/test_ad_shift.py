"""Ads take their room before what stands below them is seen. REQ UI-03."""

import time

import pytest
from playwright.sync_api import Page, Route
from pytest_django.live_server_helper import LiveServer

from ads.models import AdPlacement
from config.storefront.tests.test_ads import ad_of, kinds, open_event, picture_is_there, slot
from events.tests.factories import make_event, make_session
from offers.tests.factories import make_offer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SHIFT = """new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.shift = (window.shift ?? 0) + one.value;
}).observe({type: "layout-shift", buffered: true});"""


def test_nothing_moves_when_ads_come(page: Page, live_server: LiveServer) -> None:
    """REQ UI-03: on a phone the cumulative layout shift is under 0.1, also where ads answer last."""
    event = make_event(
        slug="gathering", title="The Gathering of Everybody", description="Two days of talks. " * 9
    )
    make_session(event=event)
    for _ in range(2):
        make_offer(event=event)
    ad_of(event, live_server.url, aspect_ratio="16:9")
    ad_of(event, live_server.url, placements=[AdPlacement.SIDEBAR], aspect_ratio="4:5")
    page.set_viewport_size({"width": 390, "height": 844})
    page.add_init_script(_SHIFT)
    page.route("**/ads/serve?*", _slowly)
    open_event(page, live_server)
    for placement in ("EVENT_HERO", "SIDEBAR"):
        picture_is_there(slot(page, placement))
    page.wait_for_load_state("networkidle")
    assert page.evaluate("() => window.shift ?? 0") < 0.1
    page.goto("about:blank")
    # Nothing may arrive in another test.
    end = time.monotonic() + 10
    while kinds()["impression"] < 2 and time.monotonic() < end:
        time.sleep(0.02)
    assert kinds()["impression"] == 2


def _slowly(route: Route) -> None:
    """Answer after the offers and sessions could have come."""
    time.sleep(0.3)
    route.continue_()
