"""The demo's devices, and a seat offer as its page shows it."""

import httpx
import pytest
from pytest_django.fixtures import Settings

from accounts.tests.factories import NOW
from common.outbox.testing import run_due
from config.demo.devices import seed_devices
from config.demo.people import seed_people
from config.local_stack.pushcatcher.testing import PushCatcher
from events.tests.factories import make_registration
from notifications.models import PushDevice, PushMessage, PushStatus
from tickets.tests.factories import make_ticket, make_tier
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import free_up, join, make_full_session

pytestmark = pytest.mark.django_db


def test_a_seat_offer_shows_up_on_the_catchers_page(push_catcher: PushCatcher) -> None:
    """REQ NO-04, WL-08: the offer reaches phone and browser of the demo's VIP within the time that it stands."""
    people = seed_people()
    assert seed_devices(people, now=NOW) == 5
    assert seed_devices(people, now=NOW) == 0
    assert PushDevice.objects.filter(user=people.users["vip"]).count() == 2
    session = make_full_session(title="Keynote")
    make_registration(session.event, people.users["vip"])
    make_ticket(holder=people.users["vip"], tier=make_tier(event=session.event))
    join(session, user=people.users["vip"])
    free_up(session)
    fill_free_seats(session_id=session.pk, now=NOW)
    run_due(NOW)
    assert [one.title for one in push_catcher.pushes()] == ["A seat for you: Keynote"] * 2
    assert {one.payload["data"]["kind"] for one in push_catcher.pushes()} == {"waitlist_offer"}
    browser = next(one for one in push_catcher.pushes() if one.service == "Web Push")
    assert (browser.headers["ttl"], browser.headers["urgency"]) == ("900", "high")
    assert PushMessage.objects.get(kind="waitlist_offer").status == PushStatus.SENT
    page = httpx.get(push_catcher.url).text
    assert page.count("A seat for you: Keynote") == 2
    assert "Browser of vip@demo.test" in page


def test_without_the_stand_in_there_are_no_devices(settings: Settings) -> None:
    """The demo's filling goes on where nothing stands in for push."""
    people = seed_people()
    settings.FCM_API_BASE = ""
    assert seed_devices(people, now=NOW) == 0
    settings.FCM_API_BASE = "http://127.0.0.1:9"
    assert seed_devices(people, now=NOW) == 0
