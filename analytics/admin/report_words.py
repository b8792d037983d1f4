"""How scheduled reports are told of on their screens."""

from calendar import day_name
from typing import Final

from analytics.models import ScheduledReport

# By state, the word and its colour.
STATES: Final = {
    "archived": ("Archived", "default"),
    "paused": ("Paused", "warning"),
    "over": ("Event is over", "info"),
    "on": ("On", "success"),
}
_FROM_HERE: Final = 29


def state_of(report: ScheduledReport) -> str:
    """Return how it stands, of ``STATES``."""
    if report.is_archived:
        return "archived"
    if report.is_paused:
        return "paused"
    return "over" if report.next_run_at is None else "on"


def timetable_words(report: ScheduledReport) -> str:
    """Say when it goes out: ``Mondays, 08:00 Europe/Berlin``."""
    at = f"{report.local_time:%H:%M} {report.event.time_zone}"
    if report.weekday is not None:
        return f"{day_name[report.weekday]}s, {at}"
    if report.day_of_month is not None:
        or_last = " or the last" if report.day_of_month >= _FROM_HERE else ""
        return f"Day {report.day_of_month}{or_last} of the month, {at}"
    return f"Every day, {at}"
