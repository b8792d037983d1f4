"""Scheduled reports to speak of in tests: ``make_report(event, cadence="daily")``."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import NOW, make_member
from analytics.models import ReportRun, ScheduledReport
from analytics.selectors.reports import Told, runs_of, told
from analytics.services.reports.defining import create_report
from analytics.services.reports.due import start_due
from analytics.types.reports import ReportInput, Timetable
from common.types import SYSTEM
from events.models import Event
from events.tests.factories import make_event

# A morning in Berlin: yesterday is over there.
DUE = datetime(2096, 11, 22, 7, tzinfo=UTC)


def member(event: Event, role: str = "analyst") -> User:
    """Create a member of the event's organization."""
    return make_member(role, organization=event.organization)


def given(*people: User, **fields: Any) -> ReportInput:
    """Return a report as a door gives it: daily at 08:00 as CSV, unless the fields say otherwise."""
    cadence = fields.get("cadence", "daily")
    day = {"weekly": {"weekday": 0}, "monthly": {"day_of_month": 1}}.get(cadence, {})
    table = Timetable(
        cadence=cadence,
        local_time=fields.get("at", time(8)),
        weekday=fields.get("weekday", day.get("weekday")),
        day_of_month=fields.get("day_of_month", day.get("day_of_month")),
    )
    return ReportInput(
        name=fields.get("name", "For the board"), timetable=table, formats=fields.get("formats", ("csv",)),
        recipient_ids=tuple(one.pk for one in people),
    )  # fmt: skip


def make_report(event: Event, *people: User, now: datetime = NOW, **fields: Any) -> ScheduledReport:
    """Schedule a report, for a new analyst unless people are named."""
    people = people or (member(event),)
    return create_report(actor=SYSTEM, event_id=event.pk, given=given(*people, **fields), now=now)


def runs(report: ScheduledReport) -> list[tuple[str, str, str]]:
    """Return each run's kind, state and last day, the oldest first."""
    found = ReportRun.objects.filter(report=report).order_by("due_at")
    return [(run.kind, run.state, str(run.last)) for run in found]


def history(report: ScheduledReport) -> list[Told]:
    """Return what the screen tells, the newest first."""
    return [told(run) for run in runs_of(report)]


@pytest.fixture
def event() -> Event:
    """Give an event in Berlin."""
    return make_event(time_zone="Europe/Berlin", title="Conf")


def due(report: ScheduledReport, now: datetime = DUE) -> ReportRun:
    """Let the report's time come, and return its run."""
    assert start_due(now=now).begun == 1
    return report.runs.latest("due_at")


def statuses(report: ScheduledReport) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each run's status as the screen tells it, with its people's, the newest first."""
    return [(one.status, [(each.address, each.status) for each in one.deliveries]) for one in history(report)]
