"""REQ NO-05: quiet hours by the clocks where a person is, whatever those clocks do."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.services.quiet_hours import QuietHours

BERLIN = ZoneInfo("Europe/Berlin")


def quiet(start: str, end: str, zone: ZoneInfo = BERLIN) -> QuietHours:
    """Return quiet hours from and to these times of day."""
    return QuietHours(time.fromisoformat(start), time.fromisoformat(end), zone)


def ends(hours: QuietHours, local: str) -> str | None:
    """Say when it is over, as the clocks there show it; ``local`` may say its offset."""
    moment = datetime.fromisoformat(local)
    now = moment if moment.tzinfo else moment.replace(tzinfo=hours.zone)
    found = hours.end_of(now)
    return None if found is None else found.astimezone(hours.zone).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("start", "end", "now", "over"),
    [
        ("22:00", "07:00", "2026-05-04T21:59", None),
        ("22:00", "07:00", "2026-05-04T22:00", "2026-05-05T07:00+02:00"),
        ("22:00", "07:00", "2026-05-05T00:00", "2026-05-05T07:00+02:00"),
        ("22:00", "07:00", "2026-05-05T06:59", "2026-05-05T07:00+02:00"),
        ("22:00", "07:00", "2026-05-05T07:00", None),
        ("13:00", "14:30", "2026-05-05T13:15", "2026-05-05T14:30+02:00"),
        ("13:00", "14:30", "2026-05-05T02:00", None),
        ("00:00", "06:00", "2026-05-05T00:00", "2026-05-05T06:00+02:00"),
        ("18:00", "00:00", "2026-05-05T23:59", "2026-05-06T00:00+02:00"),
    ],
)
def test_quiet_hours_hold_and_end(start: str, end: str, now: str, over: str | None) -> None:
    """REQ NO-05: half-open, within a day and across midnight."""
    assert ends(quiet(start, end), now) == over


@pytest.mark.parametrize(
    ("start", "end", "now", "over"),
    [
        # Spring: 02:00 to 03:00 of 29 March 2026 is left out.
        ("22:00", "07:00", "2026-03-28T23:00", "2026-03-29T07:00+02:00"),
        ("22:00", "02:30", "2026-03-29T01:59", "2026-03-29T03:00+02:00"),
        ("22:00", "02:30", "2026-03-29T03:00+02:00", None),
        ("02:30", "05:00", "2026-03-29T01:59", None),
        ("02:30", "05:00", "2026-03-29T03:00+02:00", "2026-03-29T05:00+02:00"),
        # Autumn: 02:00 to 03:00 of 25 October 2026 comes twice.
        ("22:00", "07:00", "2026-10-24T23:00", "2026-10-25T07:00+01:00"),
        ("22:00", "02:30", "2026-10-25T02:45+02:00", "2026-10-25T02:30+01:00"),
        ("22:00", "02:30", "2026-10-25T02:29+01:00", "2026-10-25T02:30+01:00"),
        ("22:00", "02:30", "2026-10-25T02:30+01:00", None),
        ("02:30", "05:00", "2026-10-25T02:15+01:00", "2026-10-25T05:00+01:00"),
    ],
)
def test_a_night_whose_clocks_change_is_one_stretch(start: str, end: str, now: str, over: str | None) -> None:
    """REQ NO-05: the change of the clocks neither wakes people in the middle nor silences a day."""
    assert ends(quiet(start, end), now) == over


def test_a_day_that_an_island_left_out_ends_them() -> None:
    """REQ NO-05: Samoa had no 30 December 2011: what would end in it ends with the next day's first moment."""
    samoa = quiet("22:00", "07:00", ZoneInfo("Pacific/Apia"))
    assert ends(samoa, "2011-12-29T23:00-10:00") == "2011-12-31T00:00+14:00"


@settings(max_examples=25, deadline=None)
@given(
    start=st.times(timezones=st.none()).map(lambda one: one.replace(second=0, microsecond=0)),
    minutes=st.integers(1, 24 * 60 - 1),
    minute=st.integers(0, 2 * 365 * 24 * 60),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
)
def test_it_is_quiet_no_more_when_they_are_said_to_end(
    start: time, minutes: int, minute: int, zone: str
) -> None:
    """REQ NO-05: whatever waits until their end is not held back once more, and never waits for longer than a day."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    end = (datetime.combine(now.date(), start) + timedelta(minutes=minutes)).time()
    hours = QuietHours(start, end, ZoneInfo(zone))
    over = hours.end_of(now)
    if over is not None:
        assert now < over <= now + timedelta(hours=26)
        assert hours.end_of(over) is None
