"""Which days came when, and which are kept."""

from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from analytics.services.checking import LATEST


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
