"""Half-open windows of time, ``[start, end)``, so that neighbours neither overlap nor leave a gap; ranges of days.

And which instants there are at all: those that every clock of the world can tell.

Which day it is somewhere is said here alone, by Python's data of time zones. PostgreSQL has data of its own, of another
release maybe: where both were asked, an hour around midnight was of one day in a report's range and of another in its
sums. So statements are told instants; ``AT TIME ZONE`` is for UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q

from common.errors import FieldError, Invalid

LONGEST_RANGE_DAYS: Final = 365
USUAL_RANGE_DAYS: Final = 30
# Years in which every zone can compute its midnights.
_FIRST, _LAST = date(1970, 1, 2), date(9998, 12, 30)
# The instants that may be kept, ``[first, end)``. PostgreSQL goes on after the year 9999, Python does not: a row beyond
# could be written and never read; and on the last day of 9999 the clocks east of Greenwich are past its end.
_FIRST_INSTANT, _END_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_A_DAY: Final = timedelta(days=1)
OUTSIDE_YEARS: Final = "Give a time of the years 1970 to 9998."


@dataclass(frozen=True, slots=True)
class Window:
    """A window ``[start, end)``; a missing bound is open."""

    start: datetime | None
    end: datetime | None

    def contains(self, instant: datetime) -> bool:
        """Say whether the instant lies in the window: its start does, its end does not."""
        if self.start is not None and instant < self.start:
            return False
        return self.end is None or instant < self.end


def is_tellable(instant: datetime) -> bool:
    """Say whether an instant, given with its offset, is one of UTC's years 1970 to 9998: the rule of all doors."""
    return _FIRST_INSTANT <= instant < _END_OF_TIME


def instant_errors(**instants: datetime | None) -> Iterator[FieldError]:
    """Yield what is wrong with instants that somebody gave, by their fields: ``naive_time``, ``out_of_range``."""
    for name, instant in instants.items():
        if instant is not None and instant.tzinfo is None:
            yield FieldError(name, "naive_time", "Give the time with its offset.")
        elif instant is not None and not is_tellable(instant):
            yield FieldError(name, "out_of_range", OUTSIDE_YEARS)


def tellable(*columns: str) -> Q:
    """Return the same rule for a CHECK of the database; a column without an instant keeps it."""
    rule = Q()
    for column in columns:
        rule &= Q((f"{column}__gte", _FIRST_INSTANT), (f"{column}__lt", _END_OF_TIME))
    return rule


def local_day(day: date, time_zone: ZoneInfo) -> Window:
    """Return the window of a calendar day in a time zone, 23 to 25 hours long around daylight saving."""
    return Window(*day_bounds(day, time_zone))


def day_bounds(day: date, time_zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return between which instants ``[start, end)`` a calendar day lies; neither is missing."""
    start = datetime.combine(day, time.min, tzinfo=time_zone)
    end = datetime.combine(day + _A_DAY, time.min, tzinfo=time_zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def day_of(instant: datetime, time_zone: ZoneInfo) -> date:
    """Return the day in whose bounds an instant lies."""
    local = instant.astimezone(time_zone)
    day = local.date()
    # A clock that is put back across midnight shows the end of the day before twice; that day ended the first time.
    if local.fold and instant >= day_bounds(day, time_zone)[1]:
        day += _A_DAY
    return day


def days_between(first: datetime, last: datetime, time_zone: ZoneInfo) -> Iterator[date]:
    """Yield the days from that of an instant to that of another, both included.

    For the first and the last of what SQL found on one UTC day: every local day with something is among them, and
    hardly another, for one UTC day has parts of two.
    """
    day, end = day_of(first, time_zone), day_of(last, time_zone)
    while day <= end:
        yield day
        day += _A_DAY


def range_of_days(date_from: date | None, date_to: date | None, *, today: date) -> tuple[date, date]:
    """Return the first and last day that a report asks for, both included: the rule of all doors.

    Without an end it is today, or the beginning where that is later; without a beginning the 30 days up to the end.
    Raises ``Invalid`` naming the field for an end before the beginning (``before_start``), more than 365 days
    (``too_many``), and years that calendars cannot reckon with (``out_of_range``).
    """
    for name, day in (("date_from", date_from), ("date_to", date_to)):
        if day is not None and not _FIRST <= day <= _LAST:
            raise Invalid.field(name, "out_of_range", f"From {_FIRST} to {_LAST}.")
    last = date_to or max(today, date_from or today)
    first = date_from or max(_FIRST, last - timedelta(days=USUAL_RANGE_DAYS - 1))
    if first > last:
        raise Invalid.field(
            "date_to", "before_start", "The end has to be the same day as the start, or a later one."
        )
    if (last - first).days >= LONGEST_RANGE_DAYS:
        raise Invalid.field("date_to", "too_many", f"At most {LONGEST_RANGE_DAYS} days.")
    return first, last
