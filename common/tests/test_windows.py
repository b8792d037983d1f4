"""Half-open windows of time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.windows import Window, local_day

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_start_is_inside_and_the_end_is_not() -> None:
    """Neighbouring windows neither overlap nor leave a gap."""
    window = Window(NOON, NOON + HOUR)
    assert window.contains(NOON)
    assert not window.contains(NOON + HOUR)
    assert Window(NOON + HOUR, None).contains(NOON + HOUR)
    assert not window.contains(NOON - timedelta(microseconds=1))


def test_a_missing_bound_is_open() -> None:
    """Null means no limit on that side."""
    assert Window(None, None).contains(NOON)
    assert Window(None, NOON).contains(NOON - 1000 * HOUR)
    assert not Window(None, NOON).contains(NOON)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_days_around_daylight_saving(day, hours) -> None:
    """A local day is as long as the clocks make it."""
    window = local_day(day, ZoneInfo("Europe/Berlin"))
    assert window.end - window.start == hours * HOUR


@given(
    st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1)),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo"]
    ),
)
def test_days_follow_each_other_without_gap(day, zone) -> None:
    """REQ AN-02: every instant belongs to exactly one local day."""
    zone = ZoneInfo(zone)
    assert local_day(day, zone).end == local_day(day + timedelta(days=1), zone).start
