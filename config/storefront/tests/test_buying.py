"""A person buys in a real browser, through the hosted page, and finds what they bought."""

import os

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import make_user
from ads.models import AdPlacement
from ads.tests.ad_factories import make_ad
from events.tests.factories import make_event
from offers.models import Offer, Purchase
from offers.tests.factories import make_offer
from payments.models import Order

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery staple"

# Playwright keeps an event loop in the test's thread, for which Django would refuse every query.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture
def offer() -> Offer:
    """Put one offer of five units on sale, and a buyer beside it."""
    make_user("buyer@example.test", password=PASSWORD, name="Bea Buyer")
    event = make_event(slug="gathering", title="The Gathering")
    return make_offer(
        event=event, units=5, price=1999, title="Backstage video", content_url="https://video.test/x"
    )


def sign_in(page: Page, shop: LiveServer) -> None:
    """Sign in on the page, ending at the event."""
    page.goto(f"{shop.url}/signin?next=/events/gathering")
    page.get_by_label("E-mail").fill("buyer@example.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="The Gathering")).to_be_visible()


def test_buys_pays_and_reads_the_access_code(page: Page, shop: LiveServer, offer: Offer) -> None:
    """From the offer through the hosted page to the access code, and an ad beside it. REQ UI-03, PA-09, OF-11."""
    picture = f"{shop.url}/static/demo/lumen.svg"
    make_ad(offer.event, placements=[AdPlacement.CHECKOUT], media_url=picture, aspect_ratio="4:1")
    sign_in(page, shop)
    expect(page.get_by_text("Only 5 left")).to_be_visible()
    page.get_by_role("button", name="Buy Backstage video").click()
    page.get_by_role("button", name="Pay", exact=False).first.click()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    code = page.locator(".goods code")
    expect(code).to_be_visible()
    expect(page.locator('[data-ad="CHECKOUT"]').get_by_role("link", name="Backstage tour")).to_be_visible()
    expect(page.locator(".line")).to_have_text("1 × Backstage video$19.99")
    purchase = Purchase.objects.select_related("fulfillment").get()
    assert code.inner_text() == purchase.fulfillment.access_code
    assert purchase.sold_units == 1
    page.goto(f"{shop.url}/purchases")
    expect(page.get_by_text("1 × Backstage video")).to_be_visible()
    expect(page.get_by_text("Paid")).to_be_visible()
    expect(page.get_by_text("$19.99")).to_be_visible()


def test_what_is_free_is_not_called_paid_for(page: Page, shop: LiveServer, offer: Offer) -> None:
    """Nothing went through where nothing was charged. REQ UI-03, OF-10."""
    make_offer(event=offer.event, units=5, price=0, title="Wallpaper", content_url="https://video.test/w")
    sign_in(page, shop)
    page.get_by_role("button", name="Wallpaper").click()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    expect(page.get_by_text("Nothing was charged.")).to_be_visible()
    expect(page.get_by_text("went through")).to_have_count(0)


def test_leaving_the_checkout_keeps_it_and_giving_it_up_frees_the_unit(
    page: Page, shop: LiveServer, offer: Offer
) -> None:
    """The way back from a cancelled checkout offers to go on, or to give it up. REQ UI-03, OF-13."""
    sign_in(page, shop)
    page.get_by_role("button", name="Buy Backstage video").click()
    page.get_by_role("button", name="Cancel", exact=False).first.click()
    expect(page.get_by_role("heading", name="You left the checkout")).to_be_visible()
    expect(page.get_by_text("Your selection is reserved until")).to_be_visible()
    expect(page.get_by_role("link", name="Go on paying")).to_be_visible()
    page.goto(f"{shop.url}/events/gathering")
    expect(page.get_by_text("You have an open checkout: 1 × Backstage video.")).to_be_visible()
    page.get_by_role("button", name="Give it up").click()
    expect(page.get_by_text("Only 5 left")).to_be_visible()
    offer.refresh_from_db()
    assert (offer.sold, offer.reserved) == (0, 0)
    page.goto(f"{shop.url}/checkout/success")
    expect(page.get_by_role("heading", name="There is no checkout to come back from")).to_be_visible()
    expect(page.get_by_text("This takes a moment")).not_to_be_visible()


def test_two_tabs_share_one_purchase(page: Page, shop: LiveServer, offer: Offer) -> None:
    """The second tab sends the same key and ends on the same checkout. REQ OF-13, OF-06."""
    sign_in(page, shop)
    other = page.context.new_page()
    other.goto(f"{shop.url}/events/gathering")
    for tab in (page, other):
        tab.get_by_role("button", name="Buy Backstage video").click()
        expect(tab.get_by_role("button", name="Pay", exact=False).first).to_be_visible()
    assert page.url == other.url
    assert Order.objects.count() == 1


def test_sold_out_is_said_and_the_list_is_fresh(page: Page, shop: LiveServer, offer: Offer) -> None:
    """Whoever comes too late is told, and sees that nothing is left. REQ UI-03, OF-03."""
    sign_in(page, shop)
    buy = page.get_by_role("button", name="Buy Backstage video")
    expect(buy).to_be_visible()
    Offer.objects.filter(pk=offer.pk).update(sold=5)
    buy.click()
    expect(page.get_by_text("Nothing is on offer right now.")).to_be_visible()
    assert Order.objects.count() == 0


def test_wrong_password_is_explained_and_described(page: Page, shop: LiveServer, offer: Offer) -> None:
    """A failed sign-in says so next to the fields it concerns. REQ EV-02."""
    page.goto(f"{shop.url}/signin")
    page.get_by_label("E-mail").fill("buyer@example.test")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.get_by_label("Password").get_attribute("aria-describedby") == "form-error"
