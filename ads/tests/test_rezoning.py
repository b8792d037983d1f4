"""A change of an event's time zone in the middle of a day: the day's budget is there once."""

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_member
from ads.models import Ad, AdSpend, AdSpendDay
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, ids, shown
from ads.tests.redeeming import billed, reasons, redeem, shows, unbilled
from common.outbox.models import Job
from config.local_stack.testing.race import Race, until_waiting
from events.services.events import EventInput, update_event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def move(ad: Ad, zone: str, *, now: datetime = NOW) -> None:
    """Have the organizer change the time zone of an ad's event."""
    event = ad.event
    owner = make_member("owner", organization=event.organization)
    given = EventInput(
        slug=event.slug, title=event.title, description=event.description, time_zone=zone, currency=event.currency,
        visibility=event.visibility, starts_at=event.starts_at, ends_at=event.ends_at,
    )  # fmt: skip
    update_event(actor=actor_of(owner), event_id=event.pk, event=given, now=now)
    event.refresh_from_db()


def two_a_day(zone: str) -> Ad:
    """Make an ad whose daily budget pays for two impressions."""
    return make_ad(
        make_event(time_zone=zone),
        price_model="CPM",
        price_amount=1_000,
        budget_daily_amount=2,
        pacing="ASAP",
    )


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Asia/Kolkata", "Pacific/Auckland"])
def test_what_was_billed_today_stays_billed(zone: str) -> None:
    """Whatever day it is there, the hours that both days have are paid for: no more is billed (REQ AD-05)."""
    ad = two_a_day("Pacific/Auckland")
    assert reasons(redeem(shows(ad, 2))) == ["counted"] * 2
    move(ad, zone)
    redeem(shows(ad, 2))
    assert (billed(ad), unbilled(ad)) == (20_000, 20_000)


def test_hours_that_are_of_today_now_are_added() -> None:
    """One impression of yesterday in Auckland is one of today in UTC; the next day has its budget whole (REQ AD-05)."""
    ad = two_a_day("Pacific/Auckland")
    redeem(shows(ad, 1, at=NOW - 2 * HOUR), now=NOW - 2 * HOUR)
    redeem(shows(ad, 1))
    assert set(AdSpendDay.objects.values_list("day", flat=True)) == {date(2096, 11, 21), date(2096, 11, 22)}
    move(ad, "UTC")
    redeem(shows(ad, 1))
    assert (billed(ad), unbilled(ad)) == (20_000, 10_000)
    tomorrow = NOW + 12 * HOUR
    redeem(shows(ad, 3, at=tomorrow), now=tomorrow)
    assert (billed(ad), unbilled(ad)) == (40_000, 20_000)


def test_the_brakes_learn_it(django_capture_on_commit_callbacks: Any) -> None:
    """The next decision goes by the new day, and a job restores what Redis knows should that not arrive (REQ AD-05)."""
    ad = two_a_day("Pacific/Auckland")
    redeem([served.token for n in range(2) for served in decide_at(ad.event, viewer=f"tab-{n}").ads])
    assert shown(decide_at(ad.event, viewer="next")) == []
    with django_capture_on_commit_callbacks(execute=True):
        move(ad, "America/Los_Angeles")
    decision = decide_at(ad.event, viewer="next")
    assert (shown(decision), decision.degraded) == ([], False)
    assert Job.objects.filter(kind="ads.restore_brakes").count() == 1
    later = datetime.fromisoformat("2096-11-22T08:00:00Z")
    assert shown(decide_at(ad.event, viewer="next", now=later)) == ids(ad)


def test_an_event_that_turns_private_restores_nothing() -> None:
    """Where no day changed there is nothing to learn (REQ AD-09)."""
    ad = two_a_day("Pacific/Auckland")
    redeem(shows(ad, 1))
    ad.event.visibility = "private"
    move(ad, "Pacific/Auckland")
    assert not Job.objects.filter(kind="ads.restore_brakes").exists()
    assert billed(ad) == 10_000


def billed_while_the_zone_changes(race: Race) -> int:
    """Bill an impression more while the zone changes to one by whose day the budget is spent; return what it came to.

    Whoever bills read the old zone, by whose day there is room for one.
    """
    ad = two_a_day("Pacific/Auckland")
    redeem(shows(ad, 1, at=NOW - 2 * HOUR), now=NOW - 2 * HOUR)
    redeem(shows(ad, 1))
    is_held = threading.Event()

    def change() -> None:
        with transaction.atomic():
            move(ad, "UTC")
            is_held.set()
            until_waiting()

    def tell() -> list[str]:
        assert is_held.wait(30)
        return reasons(redeem(shows(ad, 1)))

    assert race.each([change, tell]) == [None, ["counted"]]
    return AdSpend.objects.get(pk=ad.pk).billed_micros


@pytest.mark.django_db(transaction=True)
def test_who_bills_meanwhile_bills_the_new_day(race: Race) -> None:
    """They wait for the change, and find the budget spent (REQ AD-05)."""
    assert billed_while_the_zone_changes(race) == 20_000


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_day_is_billed_above_its_budget(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the change adds up what is not billed yet (REQ AD-05)."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())
    assert billed_while_the_zone_changes(race) == 30_000
