"""When reports are due: local days and times of the event's zone, turned into instants across daylight saving."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from analytics.models import Cadence
from analytics.types.reports import Occurrence, Timetable

_DAY: Final = timedelta(days=1)
# Days after the event's last one on which a report still goes out: refunds and late payments are in it, and a monthly
# one gets to cover the month in which the event ended, whichever its day.
GOES_ON_DAYS: Final = {Cadence.DAILY: 7, Cadence.WEEKLY: 28, Cadence.MONTHLY: 62}


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which clocks of the zone show this time of this day.

    A time that they show twice is the first one; where they skip it, it is the instant at which they go on.
    """
    wanted = datetime.combine(day, at)
    first = wanted.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wanted:
        return first
    # Skipped: read by the clock from after the change it lies before that, read by the one from before, after it.
    return _change_between(wanted.replace(tzinfo=zone, fold=1).astimezone(UTC), first, zone)


def next_day(table: Timetable, after: date) -> date:
    """Return the first day of the timetable after a day. A month without its day of month has it on its last day."""
    if table.weekday is not None:
        return after + timedelta(days=(table.weekday - after.weekday() - 1) % 7 + 1)
    if table.day_of_month is None:
        return after + _DAY
    this = _day_in(after.year, after.month, table.day_of_month)
    if this > after:
        return this
    following = after.replace(day=1) + timedelta(days=31)
    return _day_in(following.year, following.month, table.day_of_month)


def occurrence(table: Timetable, day: date, zone: ZoneInfo) -> Occurrence:
    """Return the occurrence of a day: when it is, and which days it covers, the last of them long over by then."""
    first, last = covered(table.cadence, day)
    return Occurrence(day, instant_of(day, table.local_time, zone), first, last)


def covered(cadence: str, day: date) -> tuple[date, date]:
    """Return the days that a report made on a day covers: the day before, the 7 before, or the month before."""
    if cadence == Cadence.MONTHLY:
        last = day.replace(day=1) - _DAY
        return last.replace(day=1), last
    return day - _DAY * (7 if cadence == Cadence.WEEKLY else 1), day - _DAY


def upcoming(table: Timetable, zone: ZoneInfo, *, after: date, until: date) -> Iterator[Occurrence]:
    """Yield the occurrences after a local day, up to and with the last local day."""
    day = next_day(table, after)
    while day <= until:
        yield occurrence(table, day, zone)
        day = next_day(table, day)


def last_day(table: Timetable, ends_at: datetime, zone: ZoneInfo) -> date:
    """Return the last local day on which a report of an event that ends then goes out."""
    return ends_at.astimezone(zone).date() + timedelta(days=GOES_ON_DAYS[Cadence(table.cadence)])


def begun_through(table: Timetable, zone: ZoneInfo, *, now: datetime) -> date:
    """Return the last local day whose time is over: a timetable that begins now goes on after it."""
    today = now.astimezone(zone).date()
    return today if instant_of(today, table.local_time, zone) <= now else today - _DAY


def _day_in(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the second at which the zone's clocks change, of the one change between two instants."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        is_before = (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old
        low, high = (middle, high) if is_before else (low, middle)
    return before + timedelta(seconds=high)
