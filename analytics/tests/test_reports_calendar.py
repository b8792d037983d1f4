"""When reports are due, by local time, in every kind of day that there is."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.services.reports.calendar import (
    begun_through,
    covered,
    instant_of,
    last_day,
    next_day,
    upcoming,
)
from analytics.types.reports import Timetable

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "UTC",
)


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        ("Europe/Berlin", "2026-11-21", "08:00", "2026-11-21T07:00"),
        ("Europe/Berlin", "2026-07-21", "08:00", "2026-07-21T06:00"),
        # Skipped: 02:00 to 03:00, so the next instant there is.
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00"),
        # Midnight itself was skipped here, and half an hour there.
        ("America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T03:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30"),
        # Twice: the first of them.
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30"),
        ("Asia/Kathmandu", "2026-11-21", "08:00", "2026-11-21T02:15"),
    ],
)
def test_local_times_become_instants(zone: str, day: str, at: str, instant: str) -> None:
    """REQ AN-11: a time that clocks skip is the instant at which they go on; one they show twice is the first."""
    found = instant_of(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo(zone))
    assert found == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert found.microsecond == 0


@pytest.mark.parametrize(
    ("table", "after", "days"),
    [
        (Timetable("daily", time(8)), "2026-02-27", ["2026-02-28", "2026-03-01"]),
        (Timetable("weekly", time(8), weekday=0), "2026-11-21", ["2026-11-23", "2026-11-30"]),
        (Timetable("weekly", time(8), weekday=5), "2026-11-21", ["2026-11-28", "2026-12-05"]),
        (Timetable("monthly", time(8), day_of_month=31), "2026-01-30", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (Timetable("monthly", time(8), day_of_month=30), "2028-01-30", ["2028-02-29", "2028-03-30"]),
        (Timetable("monthly", time(8), day_of_month=1), "2026-11-30", ["2026-12-01", "2027-01-01"]),
    ],
)  # fmt: skip
def test_each_cadence_has_its_days(table: Timetable, after: str, days: list[str]) -> None:
    """REQ AN-07: the day of a month that is too short is its last one."""
    day = date.fromisoformat(after)
    for wanted in days:
        day = next_day(table, day)
        assert str(day) == wanted


@pytest.mark.parametrize(
    ("cadence", "day", "first", "last"),
    [
        ("daily", "2026-03-01", "2026-02-28", "2026-02-28"),
        ("weekly", "2026-11-23", "2026-11-16", "2026-11-22"),
        ("monthly", "2026-03-31", "2026-02-01", "2026-02-28"),
        ("monthly", "2026-01-01", "2025-12-01", "2025-12-31"),
    ],
)
def test_each_cadence_covers_its_days(cadence: str, day: str, first: str, last: str) -> None:
    """REQ AN-07: yesterday, the last seven days, the last month."""
    assert covered(cadence, date.fromisoformat(day)) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(("cadence", "until"), [("daily", 7), ("weekly", 28), ("monthly", 62)])
def test_reports_end_some_days_after_their_event(cadence: str, until: int) -> None:
    """REQ AN-07: a monthly one still covers the month of the end, whichever its day; none goes on for ever."""
    table = Timetable(cadence, time(8), day_of_month=31 if cadence == "monthly" else None)
    ends = datetime(2026, 12, 1, 22, tzinfo=UTC)
    last = last_day(table, ends, BERLIN)
    assert last == date(2026, 12, 1) + timedelta(days=until)
    if cadence == "monthly":
        found = list(upcoming(table, BERLIN, after=date(2026, 12, 1), until=last))
        assert [str(one.last) for one in found] == ["2026-11-30", "2026-12-31"]


@settings(max_examples=25, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.dates(date(2026, 1, 1), date(2028, 1, 1)),
    minute=st.integers(0, 1439),
    cadence=st.sampled_from(["daily", "weekly", "monthly"]),
    day=st.integers(1, 31),
)
def test_whatever_the_clocks_do_each_day_has_one_instant(
    zone: str, start: date, minute: int, cadence: str, day: int
) -> None:
    """REQ AN-11: instants rise with their days, none is of another local day, and none falls between two looks."""
    place = ZoneInfo(zone)
    at = time(minute // 60, minute % 60)
    weekday = day % 7 if cadence == "weekly" else None
    table = Timetable(cadence, at, weekday, day if cadence == "monthly" else None)
    found = list(upcoming(table, place, after=start, until=start + timedelta(days=400)))
    assert len(found) >= {"daily": 400, "weekly": 57, "monthly": 13}[cadence]
    for one, following in pairwise(found):
        assert one.at < following.at
        assert one.at.astimezone(place).date() == one.day
        assert one.last < one.day <= following.last + timedelta(days=31)
        local = one.at.astimezone(place).replace(tzinfo=None)
        assert timedelta(0) <= local - datetime.combine(one.day, at) <= timedelta(hours=1)
        assert begun_through(table, place, now=one.at) == one.day
        assert begun_through(table, place, now=one.at - timedelta(seconds=1)) < one.day
