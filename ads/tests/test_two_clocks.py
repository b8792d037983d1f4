"""Python and PostgreSQL differ about a zone: what an ad did and cost is of one clock's day all the same."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.tests.factories import NOW, bearer, make_member
from ads.models import Ad, AdCalendar, AdDaily, AdDirtyDay, AdSpendDay
from ads.services import calendar, daily, refreshing
from ads.services.recount import days_to_prove, recount
from ads.tests.ad_factories import make_ad
from ads.tests.counted import happen, refuse
from ads.tests.redeeming import billed, reasons, redeem, shows, unbilled
from common.tests.two_clocks import hours_of, two_clocks
from events.models import Event
from events.tests.factories import make_event

__all__ = ["two_clocks"]

pytestmark = pytest.mark.django_db
# Half past midnight of the 21st for Python, half past eleven on the 20th for PostgreSQL.
AT = datetime(2096, 11, 20, 13, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
THEIRS, OURS = date(2096, 11, 20), date(2096, 11, 21)


@pytest.fixture
def ad(two_clocks: str) -> Ad:
    """An ad in whose zone the two clocks differ by an hour; its daily budget pays for two impressions."""
    assert hours_of(AT) == (0, 23)
    return make_ad(
        make_event(time_zone=two_clocks), price_model="CPM", price_amount=1_000, budget_daily_amount=2, pacing="ASAP"
    )  # fmt: skip


def stored() -> dict[date, int]:
    """Return the impressions of each stored day."""
    return dict(AdDaily.objects.values_list("day", "impressions"))


def in_view() -> dict[date, int]:
    """Return the impressions of each day of the view."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT day, impressions FROM ad_analytics_daily")
        return dict(cursor.fetchall())


def test_an_impression_is_in_its_day_at_once_and_stays_there(
    ad: Ad, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The mark's day has it, the report of that day too, the hourly view agrees, and nothing is off. REQ AD-10."""
    redeem(shows(ad, 1, at=AT - 2 * HOUR), now=AT - 2 * HOUR)
    redeem(shows(ad, 2, at=AT), now=AT)
    assert daily.work(ad.event_id, now=NOW) == 2
    assert stored() == {THEIRS: 1, OURS: 2}
    owner = make_member("analyst", organization=ad.event.organization)
    path = f"/api/v1/events/{ad.event_id}/ads/performance?date_from={OURS}&date_to={OURS}"
    [told] = client.get(path, headers=bearer(owner)).json()["results"]
    assert told["impressions"] == 2
    assert refreshing.refresh_daily(now=NOW)
    assert in_view() == stored() == {THEIRS: 1, OURS: 2}
    assert "ad_days_differed" not in caplog.text
    call_command("recount_ads")
    assert not any(recount(event_id=ad.event_id, day=day).is_off for day in (THEIRS, OURS))


def test_lost_marks_are_found_by_the_same_clock(ad: Ad) -> None:
    """Days without a mark, and days of refused events, are those that the figures are computed of. REQ AD-06, AD-10."""
    happen(ad, AT)
    assert list(days_to_prove(event_id=None, day=None)) == [(ad.event_id, OURS)]
    assert refreshing.refresh_daily(now=NOW)
    assert stored() == {OURS: 1}
    refuse(ad, AT, count=4)
    assert refreshing.refresh_daily(now=AT + HOUR)
    assert AdDaily.objects.get().invalid_impressions == 4
    assert not AdDirtyDay.objects.exists()


def test_a_daily_budget_is_of_the_day_that_decisions_look_at(ad: Ad) -> None:
    """Yesterday's is not spent an hour longer because the database is an hour behind. REQ AD-05."""
    redeem(shows(ad, 2, at=AT - 2 * HOUR), now=AT - 2 * HOUR)
    assert reasons(redeem(shows(ad, 1, at=AT), now=AT)) == ["counted"]
    assert dict(AdSpendDay.objects.values_list("day", "billed_micros")) == {THEIRS: 20_000, OURS: 10_000}
    assert (billed(ad), unbilled(ad)) == (30_000, 0)


def test_a_changed_zone_computes_the_days_of_one_clock(two_clocks: str) -> None:
    """Moved into such a zone, what happened is in the day that it is there, stored and in the view. REQ AD-10."""
    ad = make_ad(make_event(time_zone="America/Los_Angeles"))
    happen(ad, AT)
    daily.recompute_event(event_id=ad.event_id, now=NOW)
    Event.objects.filter(pk=ad.event_id).update(time_zone=two_clocks)
    assert refreshing.refresh_daily(now=NOW)
    assert stored() == in_view() == {OURS: 1}


def test_the_calendar_has_what_is_needed_and_follows_the_data(ad: Ad) -> None:
    """Days of raw events and the next; a day that begins at another time is written anew, others go. REQ AD-06."""
    happen(ad, AT)
    calendar.keep()
    rows = AdCalendar.objects.order_by("utc_day", "day")
    before = list(rows.values_list("utc_day", "day", "starts_at"))
    assert before == [
        (THEIRS, THEIRS, AT - 24.5 * HOUR), (THEIRS, OURS, AT - 0.5 * HOUR),
        (OURS, OURS, AT - 0.5 * HOUR), (OURS, date(2096, 11, 22), AT + 23.5 * HOUR),
    ]  # fmt: skip
    old, _, _, kept = rows.values_list("pk", flat=True)
    AdCalendar.objects.filter(pk=old).update(starts_at=AT)
    AdCalendar.objects.create(
        time_zone="UTC", utc_day=OURS, day=OURS, starts_at=AT, ends_at=AT + HOUR,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text FROM ads_adcalendar WHERE id = %s", [kept])
        place = cursor.fetchone()
        calendar.keep()
        assert list(rows.values_list("utc_day", "day", "starts_at")) == before
        cursor.execute("SELECT ctid::text FROM ads_adcalendar WHERE id = %s", [kept])
        assert cursor.fetchone() == place
