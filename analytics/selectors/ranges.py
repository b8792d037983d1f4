"""Which days are asked for."""

from datetime import date, datetime, timedelta

from analytics.types.figures import Range
from common.windows import day_bounds, range_of_days
from events.models import Event


def range_of(event: Event, date_from: date | None, date_to: date | None, *, now: datetime) -> Range:
    """Return the days asked for, as days of the event's time zone. Raises as ``common.windows.range_of_days``."""
    first, last = range_of_days(date_from, date_to, today=now.astimezone(event.zone).date())
    return _between(first, last, event)


def before(wanted: Range, event: Event) -> Range:
    """Return as many days right before the range, to compare with."""
    return _between(wanted.first - timedelta(days=wanted.days), wanted.first - timedelta(days=1), event)


def _between(first: date, last: date, event: Event) -> Range:
    return Range(first, last, day_bounds(first, event.zone)[0], day_bounds(last, event.zone)[1])
