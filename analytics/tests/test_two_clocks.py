"""Python and PostgreSQL differ about a zone: a day's money, views and proofs are of one clock all the same."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.tests.factories import NOW, bearer, make_member
from analytics.models import DailyFigure, DirtyDay
from analytics.services import rollup
from analytics.services.proving import days_to_prove
from analytics.services.rollup import refresh
from analytics.tests.factories import Place, keep, make_place, told
from analytics.tests.figures import nothing_known, sold
from common import clock
from common.tests.two_clocks import hours_of, two_clocks
from events.models import Event

__all__ = ["nothing_known", "two_clocks"]

pytestmark = pytest.mark.django_db
# Half past midnight of the 21st for Python, half past eleven on the 20th for PostgreSQL.
AT = datetime(2096, 11, 20, 13, 30, tzinfo=UTC)
THEIRS, OURS = date(2096, 11, 20), date(2096, 11, 21)


@pytest.fixture
def place(two_clocks: str) -> Place:
    """An event in whose zone the two clocks differ by an hour."""
    assert hours_of(AT) == (0, 23)
    return make_place(time_zone=two_clocks)


def answered(client: Client, place: Place, first: date, last: date) -> dict:
    """Ask REST for the figures of a range."""
    owner = make_member("analyst", organization=place.event.organization)
    url = f"/api/v1/analytics/events/{place.event.pk}/monetization?date_from={first}&date_to={last}"
    return client.get(url, headers=bearer(owner)).json()


@pytest.mark.parametrize(("first", "last"), [(THEIRS, THEIRS), (OURS, OURS), (THEIRS, OURS)])
def test_the_days_of_a_range_add_up_to_its_total(
    client: Client, place: Place, first: date, last: date
) -> None:
    """REQ AN-02, AN-10: a sale of the hour between the clocks is on one day, and in no range without it."""
    sold(place.offer, AT)
    sold(place.offer, AT - timedelta(hours=2))
    revenue = answered(client, place, first, last)["revenue"]
    days = {one["date"]: one["from_offers"]["amount"] for one in revenue["by_day"]}
    amounts = {str(THEIRS): 1999, str(OURS): 1999}
    assert days == {day: amounts[day] for day in sorted({str(first), str(last)})}
    assert revenue["total"]["amount"] == sum(days.values())


def test_a_view_is_in_its_day_and_the_proof_says_so(
    client: Client, place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """REQ AN-02, AN-04, AN-10: what was accepted is in a day, and recounting finds it there."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    keep(told(place, timestamp=AT.isoformat()))
    assert list(DirtyDay.objects.values_list("day", flat=True)) == [OURS]
    refresh(now=NOW)
    assert set(DailyFigure.objects.values_list("day", "count")) == {(OURS, 1)}
    assert answered(client, place, OURS, OURS)["offers"]["total_views"] == 1
    DailyFigure.objects.all().delete()
    for event_id in (None, place.event.pk):
        assert [one.day for one in days_to_prove(event_id=event_id, now=NOW)] == [OURS]
    with pytest.raises(SystemExit):
        call_command("refresh_analytics", "--recount")
    assert "1 days compared, 1 off" in capsys.readouterr().out
    assert set(DailyFigure.objects.values_list("day", "count")) == {(OURS, 1)}


def test_a_changed_zone_marks_the_days_of_one_clock(two_clocks: str) -> None:
    """REQ AN-02, AN-10: moved into such a zone, what happened is in the day that it is there."""
    place = make_place(time_zone="America/Los_Angeles")
    keep(told(place, timestamp=AT.isoformat()))
    refresh(now=NOW)
    Event.objects.filter(pk=place.event.pk).update(time_zone=two_clocks)
    refresh(now=NOW)
    assert set(DailyFigure.objects.values_list("day", "count")) == {(OURS, 1)}
    assert rollup.recount(event_id=place.event.pk, day=OURS) == []


def test_a_process_that_remembers_another_zone_marks_the_day_that_it_is(two_clocks: str) -> None:
    """REQ AN-02, AN-10: the zone that the event has now decides, whatever was remembered of it, of old and new ones."""
    moved, stays = make_place(time_zone="America/Los_Angeles"), make_place(time_zone="Etc/GMT+12")
    keep(told(moved, timestamp=AT.isoformat()), told(stays, timestamp=AT.isoformat()))
    DirtyDay.objects.all().delete()
    Event.objects.filter(pk=moved.event.pk).update(time_zone=two_clocks)
    keep(told(moved, timestamp=AT.isoformat()), told(stays, timestamp=AT.isoformat()))
    marks = set(DirtyDay.objects.values_list("event_id", "day"))
    assert marks == {(moved.event.pk, OURS), (stays.event.pk, THEIRS)}
