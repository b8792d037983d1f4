"""Half-open windows of time."""

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Invalid
from common.windows import (
    Window,
    day_bounds,
    day_of,
    days_between,
    instant_errors,
    local_day,
    range_of_days,
)
from config.tests.test_docs import ROOMS

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_start_is_inside_and_the_end_is_not() -> None:
    """Neighbouring windows neither overlap nor leave a gap."""
    window = Window(NOON, NOON + HOUR)
    assert window.contains(NOON)
    assert not window.contains(NOON + HOUR)
    assert Window(NOON + HOUR, None).contains(NOON + HOUR)
    assert not window.contains(NOON - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1970-01-01T00:00:00+00:00", ""), ("1969-12-31T12:00:00-12:00", ""),
        ("1970-01-01T13:59:59+14:00", "out_of_range"), ("9998-12-31T23:59:59.999999+00:00", ""),
        ("9999-01-01T13:59:59+14:00", ""), ("9999-01-01T14:00:00+14:00", "out_of_range"),
        ("9998-12-31T12:00:00-12:00", "out_of_range"), ("9999-12-31T23:59:59-12:00", "out_of_range"),
        ("0001-01-01T00:00:00+14:00", "out_of_range"), ("2026-05-01T12:00:00", "naive_time"),
    ],
)  # fmt: skip
def test_an_instant_is_of_the_years_that_every_clock_tells(text: str, code: str) -> None:
    """UTC's 1970 to 9998, whatever the offset says; the field is named, no instant is not wrong. REQ OF-02, AD-01."""
    found = list(instant_errors(starts_at=datetime.fromisoformat(text), ends_at=None))
    assert [(error.field, error.code) for error in found] == ([("starts_at", code)] if code else [])


def test_zones_are_those_of_the_locked_package() -> None:
    """Not those of the machine, which may be of another release on the next one. REQ AN-10."""
    assert zoneinfo.TZPATH == ()
    # Where releases differ: it leaves its clocks as they are from 2026 on, says the one of that year.
    with files("tzdata.zoneinfo.America").joinpath("Vancouver").open("rb") as file:
        locked = ZoneInfo.from_file(file)
    there = ZoneInfo("America/Vancouver")
    for month in range(24):
        at = NOON + month * timedelta(days=30)
        assert at.astimezone(there).replace(tzinfo=None) == at.astimezone(locked).replace(tzinfo=None)


def test_no_statement_asks_the_database_what_day_it_is_somewhere() -> None:
    """It has data of zones of its own. Billing may, where a zone was changed a moment ago. REQ AN-10, AD-10."""
    asking = re.compile(r"AT\s+TIME\s+ZONE\s+(?!'UTC')", re.IGNORECASE)
    root = Path(django_settings.BASE_DIR)
    paths = [path for room in ROOMS for path in (root / room).rglob("*.py")]
    sources = [path for path in paths if not {"tests", "migrations"} & set(path.parts)]
    assert len(sources) > 300
    found = [str(path.relative_to(root)) for path in sources if asking.search(path.read_text("utf-8"))]
    assert found == ["ads/services/billing.py"]


def test_a_missing_bound_is_open() -> None:
    """Null means no limit on that side."""
    assert Window(None, None).contains(NOON)
    assert Window(None, NOON).contains(NOON - 1000 * HOUR)
    assert not Window(None, NOON).contains(NOON)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_days_around_daylight_saving(day: date, hours: int) -> None:
    """A local day is as long as the clocks make it."""
    start, end = day_bounds(day, ZoneInfo("Europe/Berlin"))
    assert local_day(day, ZoneInfo("Europe/Berlin")) == Window(start, end)
    assert end - start == hours * HOUR


@pytest.mark.parametrize(
    ("zone", "instant"),
    [
        # Put back at one minute past midnight; a day left out; midnight told twice; a UTC day with two midnights.
        ("America/St_Johns", datetime(2010, 11, 7, 2, 31, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("America/Havana", datetime(2024, 11, 3, 5, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 3, 29, 0, tzinfo=UTC)),
    ],
)
def test_each_instant_is_in_the_bounds_of_its_day(zone: str, instant: datetime) -> None:
    """Also where midnight comes twice, or a day not at all; and days follow each other. REQ AN-10."""
    there = ZoneInfo(zone)
    steps = [instant + minutes * timedelta(minutes=1) for minutes in range(-1560, 1561, 13)]
    for at in (*steps, *(instant + timedelta(microseconds=one) for one in (-1, 0, 1))):
        start, end = day_bounds(day_of(at, there), there)
        assert start <= at < end
    days = [day_of(at, there) for at in steps]
    assert days == sorted(days)
    assert set(days) <= set(days_between(steps[0], steps[-1], there))


@settings(deadline=None)
@given(
    st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1)),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo"]
    ),
)
def test_days_follow_each_other_without_gap(day: date, zone: str) -> None:
    """REQ AN-02: every instant belongs to exactly one local day."""
    clocks = ZoneInfo(zone)
    assert local_day(day, clocks).end == local_day(day + timedelta(days=1), clocks).start


TODAY = date(2096, 11, 21)


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ((None, None), (date(2096, 10, 23), TODAY)),
        ((None, date(2096, 3, 1)), (date(2096, 2, 1), date(2096, 3, 1))),
        ((date(2096, 11, 20), None), (date(2096, 11, 20), TODAY)),
        ((date(2097, 1, 1), None), (date(2097, 1, 1), date(2097, 1, 1))),
        ((date(2095, 11, 23), TODAY), (date(2095, 11, 23), TODAY)),
    ],
)
def test_a_range_has_its_usual_ends(asked: tuple[date, date], days: tuple[date, date]) -> None:
    """What is not said is today, and the 30 days up to the end; 365 days are taken. REQ AD-07, AN-03."""
    assert range_of_days(*asked, today=TODAY) == days


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ((TODAY, date(2096, 11, 20)), ("date_to", "before_start")),
        ((date(2095, 11, 22), TODAY), ("date_to", "too_many")),
        ((date(1, 1, 1), None), ("date_from", "out_of_range")),
        ((None, date.max), ("date_to", "out_of_range")),
    ],
)
def test_a_range_that_is_none_names_its_field(asked: tuple[date, date], refused: tuple[str, str]) -> None:
    """One rule and one set of codes, whatever report is asked for. REQ AD-07, AN-03."""
    with pytest.raises(Invalid) as refusal:
        range_of_days(*asked, today=TODAY)
    assert [(one.field, one.code) for one in refusal.value.errors] == [refused]
