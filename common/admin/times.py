"""Times as staff read them, always with their zone: the event's where there is one, else UTC."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.utils import from_current_timezone
from django.utils import timezone
from django.utils.formats import date_format

from common.windows import OUTSIDE_YEARS, is_tellable


def time_words(instant: datetime | None, zone: tzinfo = UTC) -> str:
    """Say an instant as clocks of the zone do: ``2 Jan 2027, 10:00 CET``; a dash for none."""
    return "-" if instant is None else date_format(timezone.localtime(instant, zone), "j M Y, H:i T")


def time_column(field: str, title: str, zone: str | None = None) -> Callable[[Any, Any], str]:
    """Return a method of a screen, for its columns and read-only fields: the row's time by its event's clocks.

    ``zone`` is the way from the row to the zone, such as ``"event.zone"``; none: it belongs to no event, so UTC.
    """
    instant_of = attrgetter(field)
    zone_of: Callable[[Any], tzinfo] = attrgetter(zone) if zone is not None else lambda _row: UTC

    @admin.display(description=title, ordering=field.replace(".", "__"))
    def shown(screen: Any, row: Any) -> str:
        return time_words(instant_of(row), zone_of(row))

    return shown


def read_in(zone: tzinfo, read: datetime, stored: datetime | None = None) -> datetime:
    """Return the instant at which clocks of the zone show what a form read as if it were UTC.

    It is the stored one where that is what the page showed, to the second: a time that nobody touched is neither cut
    nor asked for anew in the hour that clocks show twice. Raises ``ValidationError`` for another time that the clocks
    skip or show twice, and for one outside the years that the clocks of every zone can show (``common.windows``).
    """
    told = read.astimezone(UTC).replace(tzinfo=None)
    if stored is not None and timezone.make_naive(stored, zone).replace(microsecond=0) == told:
        return stored
    with timezone.override(zone):
        instant = from_current_timezone(told)
    if instant is None:
        raise ValidationError("Give a date and a time.")
    if not is_tellable(instant):
        raise ValidationError(OUTSIDE_YEARS, code="out_of_range")
    return instant
