"""What people look at on the demo pages arrives, once. REQ UI-04, AN-01."""

import time

import pytest
from playwright.sync_api import expect

from analytics.models import RawEvent
from analytics.services.known import known
from common import clock
from config.local_stack.testing import patience
from config.tests.live import House, house, realtime
from offers.tests.factories import make_offer
from waitlist.tests.screen import make_event_ahead

__all__ = ["house", "realtime"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def arrived(count: int) -> list[tuple[str, str]]:
    """Wait until so many events are kept, and return what and of which offer."""
    end = time.monotonic() + patience.SECONDS
    while RawEvent.objects.count() < count and time.monotonic() < end:
        time.sleep(0.1)
    return sorted((event.type, str(event.entity_id)) for event in RawEvent.objects.all())


def test_views_and_clicks_arrive_when_the_page_goes_away(house: House) -> None:
    """An offer that was on the screen for a second is a view; a click is told though it leads to the sign-in."""
    known.forget()
    event = make_event_ahead()
    seen = make_offer(event=event, title="Seen", now=clock.now())
    context = house.browser.new_context()
    page = context.new_page()
    page.goto(f"{house.url}/events/{event.slug}")
    card = page.locator(f"[data-offer='{seen.pk}']")
    card.scroll_into_view_if_needed()
    expect(card).to_be_in_viewport(ratio=0.5)
    page.wait_for_timeout(1_500)  # the time that a view takes
    card.get_by_role("button", name="Buy Seen").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    kept = arrived(2)
    assert ("OFFER_VIEW", str(seen.pk)) in kept
    assert ("OFFER_CLICK", str(seen.pk)) in kept
    assert len({event.visitor for event in RawEvent.objects.all()}) == 1
    context.close()
