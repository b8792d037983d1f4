"""Defining scheduled reports, pausing and resuming them, taking oneself off. For staff; who sees analytics may look."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from analytics.errors import ReportArchived, ReportChanged, ReportNotPaused, ReportPaused
from analytics.models import ReportRecipient, ScheduledReport
from analytics.services.reports import calendar
from analytics.services.reports.rules import judge
from analytics.types.reports import ReportInput, Timetable
from common import audit
from common.db import retrying
from common.errors import NotFound
from common.types import Actor
from events.models import Event

MANAGE = Capability.MANAGE_EVENTS
LOOK = Capability.VIEW_ANALYTICS


def timetable_of(report: ScheduledReport) -> Timetable:
    """Return when the report goes out."""
    return Timetable(report.cadence, report.local_time, report.weekday, report.day_of_month)


def plan(report: ScheduledReport) -> None:
    """Work out the next run from what is handled, by the clocks and the end that the event has. Not saved."""
    table, event = timetable_of(report), report.event
    until = calendar.last_day(table, event.ends_at, event.zone)
    upcoming = calendar.upcoming(table, event.zone, after=report.handled_through, until=until)
    following = None if report.is_paused or report.is_archived else next(upcoming, None)
    report.next_run_at = None if following is None else following.at
    report.planned_zone, report.planned_end = event.time_zone, event.ends_at


def begin_anew(report: ScheduledReport, *, now: datetime) -> None:
    """Plan from now on: what lies before is never sent, and no day has a second report. Not saved."""
    begun = calendar.begun_through(timetable_of(report), report.event.zone, now=now)
    report.handled_through = begun if report._state.adding else max(report.handled_through, begun)
    plan(report)


@retrying
@transaction.atomic
def create_report(*, actor: Actor, event_id: UUID, given: ReportInput, now: datetime) -> ScheduledReport:
    """Schedule a report of an event. For staff and up.

    Raises ``Unauthenticated``, ``NotFound`` (also for another organization's event), ``Forbidden``, and ``Invalid``
    with every wrong field.
    """
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, MANAGE)
    tidy = judge(given, event)
    report = ScheduledReport(
        event=event, created_by_id=actor.user_id, created_at=now, updated_at=now, **_fields(tidy)
    )
    begin_anew(report, now=now)
    report.save(force_insert=True)
    _set_recipients(report, tidy.recipient_ids)
    said = {name: [None, value] for name, value in _fields(tidy).items() if value is not None}
    _record("create", report, said | {"recipients": [None, _named(tidy)]}, actor=actor, now=now)
    return report


@retrying
@transaction.atomic
def update_report(
    *, actor: Actor, report_id: UUID, given: ReportInput, version: int | None = None, now: datetime
) -> ScheduledReport:
    """Make a report what is given, as a whole. With another timetable it is planned anew from now on.

    ``version``: the one that was looked at; raises ``ReportChanged`` when somebody changed it meanwhile. Raises as
    ``create_report``, and ``ReportArchived``.
    """
    report = locked(actor, report_id, MANAGE)
    if version is not None and version != report.version:
        raise ReportChanged
    tidy = judge(given, report.event)
    before, timetable = audit.snapshot(report), timetable_of(report)
    for name, value in _fields(tidy).items():
        setattr(report, name, value)
    changes = audit.changes_between(before, report)
    if timetable_of(report) != timetable:
        begin_anew(report, now=now)
    was = set(report.recipients.values_list("user_id", flat=True))
    if was != set(tidy.recipient_ids):
        _set_recipients(report, tidy.recipient_ids)
        changes["recipients"] = [sorted(map(str, was)), _named(tidy)]
    return _changed("update", report, changes, actor=actor, now=now) if changes else report


@retrying
@transaction.atomic
def pause_report(*, actor: Actor, report_id: UUID, now: datetime, reason: str = "") -> ScheduledReport:
    """Stop the clock of a report; what is being made by schedule is not sent either. Raises ``ReportPaused``."""
    report = locked(actor, report_id, MANAGE)
    if report.is_paused:
        raise ReportPaused
    report.is_paused = True
    plan(report)
    return _changed("pause", report, {"is_paused": [False, True]}, actor=actor, now=now, reason=reason)


@retrying
@transaction.atomic
def resume_report(*, actor: Actor, report_id: UUID, now: datetime, reason: str = "") -> ScheduledReport:
    """Let the clock of a report go on from now; what lay between is not sent. Raises ``ReportNotPaused``."""
    report = locked(actor, report_id, MANAGE)
    if not report.is_paused:
        raise ReportNotPaused
    report.is_paused = False
    begin_anew(report, now=now)
    return _changed("resume", report, {"is_paused": [True, False]}, actor=actor, now=now, reason=reason)


@retrying
@transaction.atomic
def archive_report(*, actor: Actor, report_id: UUID, now: datetime, reason: str = "") -> ScheduledReport:
    """End a report for good and put it out of sight, keeping its history. Raises ``ReportArchived``."""
    report = locked(actor, report_id, MANAGE)
    report.is_archived = True
    plan(report)
    return _changed("archive", report, {"is_archived": [False, True]}, actor=actor, now=now, reason=reason)


@retrying
@transaction.atomic
def leave_report(*, actor: Actor, report_id: UUID, now: datetime, reason: str = "") -> ScheduledReport:
    """Take oneself off a report. For whoever gets it; raises ``NotFound`` for who does not."""
    report = locked(actor, report_id, LOOK)
    if actor.user_id is None or not report.recipients.filter(user_id=actor.user_id).delete()[0]:
        raise NotFound
    changes = {"recipients": [[str(actor.user_id)], []]}
    return _changed("leave", report, changes, actor=actor, now=now, reason=reason)


def locked(actor: Actor, report_id: UUID, capability: Capability) -> ScheduledReport:
    """Lock a report with which the actor may do this. Raises as ``access.require``, and ``ReportArchived``."""
    rows = ScheduledReport.objects.select_for_update(of=("self",)).select_related("event")
    report = rows.filter(pk=report_id).first()
    if report is None:
        access.refuse_missing(actor)
    access.require(actor, report.event.organization_id, capability)
    if report.is_archived:
        raise ReportArchived
    return report


def _fields(given: ReportInput) -> dict[str, Any]:
    return {"name": given.name, "formats": list(given.formats), **asdict(given.timetable)}


def _named(given: ReportInput) -> list[str]:
    return sorted(map(str, given.recipient_ids))


def _set_recipients(report: ScheduledReport, wanted: tuple[UUID, ...]) -> None:
    report.recipients.exclude(user_id__in=wanted).delete()
    rows = [ReportRecipient(report=report, user_id=one) for one in wanted]
    ReportRecipient.objects.bulk_create(rows, ignore_conflicts=True)


def _changed(
    action: str,
    report: ScheduledReport,
    changes: dict[str, Any],
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> ScheduledReport:
    report.version += 1
    report.updated_at = now
    report.save(force_update=True)
    _record(action, report, changes, actor=actor, now=now, reason=reason)
    return report


def _record(
    action: str,
    report: ScheduledReport,
    changes: dict[str, Any],
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    audit.record(
        actor=actor, action=f"analytics.{action}_report", subject=report,
        organization_id=report.event.organization_id, reason=reason, changes=changes, now=now,
    )  # fmt: skip
