"""Which days are asked for."""

from datetime import date, datetime, timedelta

from analytics.services.days import bounds
from analytics.types.figures import LONGEST_RANGE_DAYS, Range
from common.errors import Invalid
from events.models import Event

_USUAL_DAYS = 30
_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


def range_of(event: Event, date_from: date | None, date_to: date | None, *, now: datetime) -> Range:
    """Return the days asked for; without an end until today, without a beginning the 30 days before the end.

    Raises ``Invalid`` for a beginning after the end and for more than 365 days.
    """
    last = date_to or now.astimezone(event.zone).date()
    _refuse_outside("date_to", last)
    first = date_from or last - timedelta(days=_USUAL_DAYS - 1)
    _refuse_outside("date_from", first)
    if first > last:
        raise Invalid.field("date_from", "after_end", "The first day must not be after the last.")
    if (last - first).days >= LONGEST_RANGE_DAYS:
        raise Invalid.field("date_from", "range_too_long", f"At most {LONGEST_RANGE_DAYS} days.")
    return Range(first, last, bounds(first, event.zone)[0], bounds(last, event.zone)[1])


def before(wanted: Range, event: Event) -> Range:
    """Return as many days right before the range, to compare with."""
    first = wanted.first - timedelta(days=wanted.days)
    return Range(first, wanted.first - timedelta(days=1), bounds(first, event.zone)[0], wanted.start)


def _refuse_outside(name: str, day: date) -> None:
    """Refuse days that no event of ours can have, and that calendars cannot reckon with."""
    if not _FIRST <= day <= _LAST:
        raise Invalid.field(name, "out_of_range", f"A day from {_FIRST} to {_LAST}.")
