"""The demo's scheduled report: each Monday to its owner and its analyst, asked for once already."""

from datetime import datetime, time
from typing import Final

from accounts.services.access import actor_of
from analytics.models import ScheduledReport, Weekday
from analytics.services.reports.asking import run_now
from analytics.services.reports.defining import create_report
from analytics.types.reports import ReportInput, Timetable
from config.demo.events import Stage
from config.demo.people import People

NAME: Final = "Monday figures"


def seed_reports(people: People, stage: Stage, *, now: datetime) -> int:
    """Schedule the report once and ask for it now, for a worker to make and send. Return how many there are."""
    event, owner = stage.events["demo-conf"], people.users["owner"]
    if not ScheduledReport.objects.filter(event=event).exists():
        given = ReportInput(
            name=NAME,
            timetable=Timetable("weekly", time(8), weekday=Weekday.MONDAY),
            formats=("xlsx", "pdf"),
            recipient_ids=(owner.pk, people.users["analyst"].pk),
        )
        report = create_report(actor=actor_of(owner), event_id=event.pk, given=given, now=now)
        run_now(actor=actor_of(owner), report_id=report.pk, now=now, reason="To see how it looks")
    return ScheduledReport.objects.filter(event=event).count()
