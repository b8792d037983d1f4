"""Days of an event's time zone, as instants."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from analytics.services.checking import LATEST


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the half-open ``[start, end)`` of a local day; 23 or 25 hours long where the clock changes."""
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def received_between(start: datetime, end: datetime) -> tuple[date, date]:
    """Return the first and last UTC day on which events of ``[start, end)`` may have come: up to 7 days late.

    No event is kept with a time after it came.
    """
    return start.date(), (end + LATEST).date()


def is_frozen(day: date, *, now: datetime) -> bool:
    """Say whether raw events of the day may have been deleted already. A day more, for days begin at other times."""
    return day <= oldest_kept(now=now)


def oldest_kept(*, now: datetime) -> date:
    """Return the first UTC day whose raw events are kept (ANALYTICS_EVENT_RETENTION_DAYS)."""
    return now.astimezone(UTC).date() - timedelta(days=settings.ANALYTICS_EVENT_RETENTION_DAYS)
