"""An event's time zone is changed: every day is another day, marked a week at a time, and computed again."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW
from analytics.models import DailyFigure, DirtyDay, RawEvent, Refresh
from analytics.services import proving, rollup
from analytics.services.known import known
from analytics.services.proving import days_to_prove
from analytics.services.retention import EVENTS
from analytics.services.rollup import refresh
from analytics.tests.factories import Place, ago, keep, make_place, told
from analytics.tests.figures import nothing_known
from analytics.tests.test_rollup import stored
from common import clock
from events.models import Event

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _kept_for_a_month(settings: Any) -> None:
    """So that there are five weeks to mark."""
    settings.ANALYTICS_EVENT_RETENTION_DAYS = 30


def move(place: Place, zone: str) -> None:
    """Change the event's time zone."""
    Event.objects.filter(pk=place.event.pk).update(time_zone=zone)


def test_another_time_zone_is_another_day() -> None:
    """REQ AN-02: the event's own zone decides; when it changes, every day is computed again."""
    place = make_place(time_zone="UTC")
    keep(told(place, timestamp="2096-11-21T11:30:00Z"))
    refresh(now=NOW)
    place.event.time_zone = "Pacific/Auckland"
    place.event.save()
    known.forget()
    keep(told(place, timestamp="2096-11-21T11:45:00Z"))
    refresh(now=NOW)
    refresh(now=NOW)
    assert {key[0]: value for key, value in stored(place).items() if key[2] is None} == {
        date(2096, 11, 22): (2, 1)
    }


def test_a_changed_zone_needs_no_new_event() -> None:
    """REQ AN-02: figures follow the event's zone although nobody tells anything more."""
    place = make_place(time_zone="UTC")
    keep(told(place, timestamp="2096-11-21T11:30:00Z"))
    refresh(now=NOW)
    place.event.time_zone = "Pacific/Auckland"
    place.event.save()
    refresh(now=NOW)
    assert {key[0]: value for key, value in stored(place).items() if key[2] is None} == {
        date(2096, 11, 22): (1, 1)
    }
    assert refresh(now=NOW).days == 0


def test_a_change_of_zone_goes_on_where_it_was_ended() -> None:
    """REQ AN-02, AN-10: a week at a time, each durable; figures count as the new zone's when all of them are marked."""
    place = make_place(time_zone="UTC")
    for days in (28, 15, 1):
        then = NOW - timedelta(days=days)
        keep(told(place, timestamp=then.isoformat()), now=then)
    refresh(now=NOW)
    move(place, "Pacific/Auckland")
    rounds = []
    for _ in range(6):
        # No time at all: a week is marked, no day is computed.
        assert refresh(now=NOW, seconds=0).days == 0
        state = Refresh.objects.get(pk=place.event.pk)
        rounds.append(
            (state.time_zone, state.marked_through, DirtyDay.objects.values("day").distinct().count())
        )
    weeks = [(NOW - timedelta(days=days)).date() for days in (24, 17, 10, 3, -4)]
    assert rounds == [
        ("UTC", weeks[0], 2), ("UTC", weeks[1], 2), ("UTC", weeks[2], 4), ("UTC", weeks[3], 4), ("UTC", weeks[4], 6),
        ("Pacific/Auckland", None, 6),
    ]  # fmt: skip
    refresh(now=NOW)
    a_day_later = {(NOW - timedelta(days=days)).date() + timedelta(days=1) for days in (28, 15, 1)}
    assert {day for day, _, _ in stored(place)} == a_day_later
    assert not DirtyDay.objects.exists()


def test_a_zone_that_changes_again_is_marked_from_the_beginning() -> None:
    """REQ AN-02: what was marked for the zone between says nothing of the last one."""
    place = make_place(time_zone="UTC")
    keep(told(place, timestamp=ago(days=1)), now=NOW)
    refresh(now=NOW)
    move(place, "Pacific/Auckland")
    refresh(now=NOW, seconds=0)
    move(place, "America/New_York")
    refresh(now=NOW, seconds=0)
    state = Refresh.objects.get(pk=place.event.pk)
    assert (state.next_zone, state.marked_through) == ("America/New_York", (NOW - timedelta(days=24)).date())
    refresh(now=NOW)
    assert {day for day, _, _ in stored(place)} == {(NOW - timedelta(days=1)).date()}
    state.refresh_from_db()
    assert (state.time_zone, state.next_zone) == ("America/New_York", "")


def test_the_old_zone_again_is_another_one_too() -> None:
    """REQ AN-02, AN-10: a day that was computed in the zone between, marked for or not, is computed anew."""
    place = make_place(time_zone="UTC")
    keep(told(place, timestamp=ago(days=1)), now=NOW)
    keep(told(place, timestamp=ago(days=8)), now=NOW - timedelta(days=7))
    refresh(now=NOW)
    days = {day for day, _, _ in stored(place)}
    move(place, "Pacific/Auckland")
    rollup.recompute(event_id=place.event.pk, day=(NOW - timedelta(days=1)).date(), now=NOW)
    move(place, "UTC")
    assert {day for day, _, _ in stored(place)} < days
    refresh(now=NOW)
    assert {day for day, _, _ in stored(place)} == days
    move(place, "Pacific/Auckland")
    refresh(now=NOW, seconds=0)
    move(place, "UTC")
    refresh(now=NOW)
    assert {day for day, _, _ in stored(place)} == days
    assert refresh(now=NOW).days == 0
    state = Refresh.objects.get(pk=place.event.pk)
    assert (state.time_zone, state.next_zone, state.marked_through) == ("UTC", "", None)
    assert all(rollup.recount(event_id=place.event.pk, day=day) == [] for day in days)


def test_no_statement_reads_all_that_an_event_was_told_of() -> None:
    """REQ AN-10, OP-07: marking reads a week of partitions, a proof one day's, whatever else there is."""
    place = make_place(time_zone="UTC")
    keep(told(place))
    refresh(now=NOW)
    EVENTS.ensure_ahead(now=NOW)
    move(place, "Pacific/Auckland")
    with CaptureQueriesContext(connection) as asked:
        refresh(now=NOW)
        list(days_to_prove(event_id=None, now=NOW))
        list(days_to_prove(event_id=place.event.pk, now=NOW))
    reading = {one["sql"] for one in asked if "FROM analytics_rawevent" in one["sql"]}
    assert len(reading) == 5
    assert all("received_day = " in one or "received_day BETWEEN " in one for one in reading), reading


def test_a_proof_names_each_day_once_and_with_what_to_go_on() -> None:
    """REQ AN-04, AN-10: stored days and those that lost their mark, of one event or all, none that is frozen."""
    place, other = make_place(), make_place()
    for days in (40, 20, 3, 0):
        then = NOW - timedelta(days=days)
        keep(told(place, timestamp=then.isoformat()), told(other, timestamp=then.isoformat()), now=then)
    refresh(now=NOW)
    DailyFigure.objects.filter(event=place.event, day=(NOW - timedelta(days=3)).date()).delete()
    DailyFigure.objects.create(
        event=place.event, day=date(2096, 11, 10), type="OFFER_VIEW", count=1, visitors=1, computed_at=NOW
    )

    def found(**given: Any) -> list[tuple[int, str, str]]:
        days = list(days_to_prove(now=NOW, **{"event_id": None, **given}))
        assert len(days) == len({(one.event_id, one.day) for one in days})
        who = {place.event.pk: 1, other.event.pk: 2}
        return sorted((who[one.event_id], str(one.day), str(one.since)) for one in days)

    first = "2096-10-22"
    assert found() == [
        (1, "2096-11-01", first), (1, "2096-11-10", first), (1, "2096-11-18", "2096-11-18"), (1, "2096-11-21", first),
        (2, "2096-11-01", first), (2, "2096-11-18", first), (2, "2096-11-21", first),
    ]  # fmt: skip
    assert [one[:2] for one in found(event_id=place.event.pk)] == [one[:2] for one in found() if one[0] == 1]
    since = date(2096, 11, 18)
    assert found(since=since) == [
        (1, "2096-11-18", "2096-11-18"), (1, "2096-11-21", "2096-11-18"),
        (2, "2096-11-18", "2096-11-18"), (2, "2096-11-21", "2096-11-18"),
    ]  # fmt: skip


def test_pages_of_stored_days_leave_none_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-10: whatever the page's size."""
    place, other = make_place(), make_place()
    DailyFigure.objects.bulk_create(
        DailyFigure(
            event=one.event, day=NOW.date() - timedelta(days=days), type=kind, count=1, visitors=1, computed_at=NOW
        )
        for one in (place, other) for days in range(5) for kind in ("OFFER_VIEW", "OFFER_CLICK")
    )  # fmt: skip
    for page in (1, 3, 500):
        monkeypatch.setattr(proving, "_PAGE", page)
        assert len(list(days_to_prove(event_id=None, now=NOW))) == 10
        assert len(list(days_to_prove(event_id=other.event.pk, now=NOW))) == 5


def test_the_command_says_where_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """REQ AN-04: a proof whose database goes away is ended, with what was compared and with which day to go on."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    place = make_place()
    for days in (3, 1, 0):
        then = NOW - timedelta(days=days)
        keep(told(place, timestamp=then.isoformat()), now=then)
    DirtyDay.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE analytics_dailyfigure ADD CONSTRAINT no_luck CHECK (day <> %s)", [NOW.date()]
        )
    with pytest.raises(CommandError, match="Go on with --recount --since 2096-11-21") as ended:
        call_command("refresh_analytics", "--recount")
    assert ended.value.returncode == 1
    assert isinstance(ended.value.__cause__, DatabaseError)
    assert "2 days compared, 2 off; stopped: " in capsys.readouterr().out
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE analytics_dailyfigure DROP CONSTRAINT no_luck")
    with pytest.raises(SystemExit):
        call_command("refresh_analytics", "--recount", "--since", "2096-11-21")
    assert "2 days compared, 1 off" in capsys.readouterr().out
    assert {day for day, _, _ in stored(place)} == {NOW.date() - timedelta(days=days) for days in (3, 1, 0)}
    assert RawEvent.objects.count() == 3
    assert rollup.recount(event_id=place.event.pk, day=NOW.date()) == []
