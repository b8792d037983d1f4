"""A person chooses what they get and lets their browser take it, in a real browser. REQ NO-04, NO-05, UI-03."""

import base64
import json
import os
from datetime import time
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import CDPSession, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user
from common import clock
from config.local_stack.testing import patience
from config.tests.axe import serious_findings
from notifications.models import NotificationPreferences, PushDelivery, PushDevice, PushMessage
from notifications.services.push import receipts
from notifications.tests.devices import subscription
from notifications.tests.preferences import muted_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# The one thing that needs the world outside: a push service that hands out a subscription.
_PUSH_SERVICE = """
PushManager.prototype.subscribe = async function (options) {
  const given = GIVEN;
  const told = { endpoint: given.token, keys: given.keys };
  return { endpoint: given.token, options, toJSON: () => told, unsubscribe: async () => true };
};
"""


@pytest.fixture(scope="module")
def light_chromium(chromium: str) -> str:
    """Take the whole browser: the light one knows no notifications."""
    return chromium


def enter(page: Page, url: str, user: User, path: str) -> None:
    """Sign in, ending at the page."""
    page.goto(f"{url}/signin?next={path}")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def delivered_to(page: Page, user: User) -> tuple[PushDelivery, dict[str, Any]]:
    """Return a message that was handed to the person's browser, and what the browser is given."""
    now = clock.now()
    message = PushMessage.objects.create(
        user=user, kind="announcements", title="Doors are open", body="Come in", dedupe_key=str(uuid4()),
        status="sent", created_at=now, sent_at=now,
    )  # fmt: skip
    delivery = PushDelivery.objects.create(
        message=message, device=PushDevice.objects.get(user=user), status="sent", created_at=now, sent_at=now
    )
    more = {"url": "/tickets", "message_id": str(message.pk), "receipt": receipts.token_of(delivery.pk)}
    return delivery, {"title": message.title, "body": message.body, "tag": str(message.pk), "data": more}


def test_a_person_chooses_and_their_browser_takes_it(
    page: Page, live_server: LiveServer, settings: Settings
) -> None:
    """Choices are kept; a click enables, with tries; a push is shown once and told as arrived; signing out ends it."""
    settings.WEBPUSH_VAPID_PRIVATE_KEY = base64.urlsafe_b64encode(b"\1" * 32).decode().rstrip("=")
    user, given = make_user("ada@example.test", password=PASSWORD, name="Ada"), subscription()
    page.add_init_script(_PUSH_SERVICE.replace("GIVEN", json.dumps(given)))
    page.context.grant_permissions(["notifications"], origin=live_server.url)
    enter(page, live_server.url, user, "/notifications")
    expect(page.locator("#here-state")).to_have_text("Notifications are off in this browser.")
    expect(page.get_by_label("Purchases and tickets by e-mail")).to_be_disabled()
    page.get_by_label("Scheduled reports by e-mail").uncheck()
    page.get_by_label("Send no push in these hours").check()
    page.get_by_label("From").fill("21:30")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_have_text("Saved.")
    row = NotificationPreferences.objects.get(user=user)
    assert (muted_of(user), row.quiet_starts_at, row.time_zone) == (
        {("reports", "email")},
        time(21, 30),
        "Europe/Berlin",
    )
    assert serious_findings(page) == []
    _fits_a_phone(page)
    _enable_with_a_lost_answer(page)
    device = PushDevice.objects.get()
    assert (device.user, device.token, device.p256dh) == (user, given["token"], given["keys"]["p256dh"])
    _push_is_shown_once(page, live_server.url, user)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    device.refresh_from_db()
    assert not device.is_active


def _fits_a_phone(page: Page) -> None:
    """No column of the choices is cut."""
    wide = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 800})
    shown, held = page.evaluate(
        "(e => [e.clientWidth, e.scrollWidth])(document.querySelector('.choices').parentElement)"
    )
    assert 0 < held <= shown
    assert wide is not None
    page.set_viewport_size(wide)


def _enable_with_a_lost_answer(page: Page) -> None:
    """The first try is answered 503: the second, by itself, registers."""
    busy = {"status": 503, "json": {"status": 503, "code": "busy", "retryable": True}}
    page.route("**/api/v1/me/devices", lambda route: route.fulfill(**busy), times=1)
    page.get_by_role("button", name="Enable notifications").click()
    expect(page.locator("#here-state")).to_have_text("Notifications are on in this browser.")
    expect(page.locator("#devices")).to_contain_text("This browser")


def _push_is_shown_once(page: Page, url: str, user: User) -> None:
    delivery, pushed = delivered_to(page, user)
    cdp = page.context.new_cdp_session(page)
    data = {"origin": url, "registrationId": _registration(cdp, page), "data": json.dumps(pushed)}
    for _ in range(2):
        with page.context.expect_event("response", lambda one: one.url.endswith("/me/push-receipts")):
            cdp.send("ServiceWorker.deliverPushMessage", data)
    delivery.refresh_from_db()
    assert delivery.status == "delivered"
    shown = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
        .map((one) => [one.title, one.body, one.tag])"""
    assert page.evaluate(shown) == [[pushed["title"], pushed["body"], pushed["tag"]]]


def _registration(cdp: CDPSession, page: Page) -> str:
    found: list[str] = []
    cdp.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
    )
    cdp.send("ServiceWorker.enable")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    # The browser tells of what it has when it comes to it.
    end = monotonic() + patience.SECONDS
    while not found and monotonic() < end:
        page.wait_for_timeout(20)
    return found[-1]
