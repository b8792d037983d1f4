"""What beat does each minute: begin each report that is due, once, however many schedulers run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet

from analytics.models import ReportRun, RunKind, RunState, ScheduledReport
from analytics.services.reports import calendar
from analytics.services.reports.building import ask_for
from analytics.services.reports.defining import begin_anew, plan, timetable_of
from analytics.types.reports import Occurrence
from common.db import retrying
from common.errors import Busy

# After a long outage the older ones are told one by one up to so many.
_TOLD_SKIPPED: Final = 31
_MISSED: Final = "Nothing ran when it was due; a later one was due as well by then, and that one was sent."
_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Started:
    """What one look at the clock came to, in reports."""

    begun: int
    replanned: int


def start_due(*, now: datetime) -> Started:
    """Begin every report whose time has come, each in a transaction of its own; one that fails holds up no other.

    Of several times that were missed while nothing ran the newest is made, and the older ones are recorded as
    skipped. Reports of events whose time zone or end changed are planned anew first.
    """
    active = ScheduledReport.objects.filter(is_paused=False, is_archived=False)
    moved = active.filter(~Q(planned_zone=F("event__time_zone")) | ~Q(planned_end=F("event__ends_at")))
    replanned = [_kept(_replan, one, now=now) for one in _ids(moved)]
    begun = [_kept(_begin, one, now=now) for one in _ids(active.filter(next_run_at__lte=now))]
    return Started(sum(begun), sum(replanned))


def _ids(reports: QuerySet[ScheduledReport]) -> list[UUID]:
    return list(reports.order_by("next_run_at", "pk").values_list("pk", flat=True))


def _kept(act: Callable[..., bool], report_id: UUID, *, now: datetime) -> bool:
    """Do it with one report; a trouble with it is logged, and met again at the next look."""
    try:
        return act(report_id, now=now)
    except (DatabaseError, Busy):
        _log.exception("scheduled report not begun", report_id=str(report_id))
        return False


@retrying
@transaction.atomic
def _replan(report_id: UUID, *, now: datetime) -> bool:
    report = _locked(report_id)
    if report is None:
        return False
    if report.next_run_at is None:
        # It was over, and the event goes on: what lay between is not sent.
        begin_anew(report, now=now)
    else:
        plan(report)
    report.save(force_update=True)
    return True


@retrying
@transaction.atomic
def _begin(report_id: UUID, *, now: datetime) -> bool:
    """Write the run that is due and its job, and move the report on, under the report's lock."""
    report = _locked(report_id)
    if report is None or report.next_run_at is None or report.next_run_at > now:
        return False
    due = _due(report, now=now)
    if due:
        report.handled_through = due[-1].day
    plan(report)
    report.save(force_update=True)
    if not due:
        return False
    _tell_skipped(report, due[:-1], now=now)
    return _make(report, due[-1], now=now)


def _locked(report_id: UUID) -> ScheduledReport | None:
    """Lock a report that goes by the clock; None when another scheduler has it, or it was paused meanwhile."""
    rows = ScheduledReport.objects.select_for_update(of=("self",), skip_locked=True).select_related("event")
    return rows.filter(pk=report_id, is_paused=False, is_archived=False).first()


def _due(report: ScheduledReport, *, now: datetime) -> list[Occurrence]:
    table, zone = timetable_of(report), report.event.zone
    until = calendar.last_day(table, report.event.ends_at, zone)
    found = []
    for one in calendar.upcoming(table, zone, after=report.handled_through, until=until):
        if one.at > now:
            break
        found.append(one)
    return found


def _make(report: ScheduledReport, due: Occurrence, *, now: datetime) -> bool:
    """Write the run; the constraint on its day is the verdict, whoever else got here."""
    run = ReportRun(
        report=report, kind=RunKind.SCHEDULED, due_at=due.at, local_day=due.day, first=due.first, last=due.last,
        created_at=now,
    )  # fmt: skip
    ReportRun.objects.bulk_create([run], ignore_conflicts=True)
    is_new = ReportRun.objects.filter(pk=run.pk).exists()
    if is_new:
        ask_for(run, report.event.organization_id, now=now)
    return is_new


def _tell_skipped(report: ScheduledReport, missed: list[Occurrence], *, now: datetime) -> None:
    told = missed[-_TOLD_SKIPPED:]
    more = len(missed) - len(told)
    rows = [
        ReportRun(
            report=report, kind=RunKind.SCHEDULED, due_at=one.at, local_day=one.day, first=one.first, last=one.last,
            state=RunState.SKIPPED, created_at=now, finished_at=now,
            note=_MISSED + (f" {more} before it as well." if more and place == 0 else ""),
        )
        for place, one in enumerate(told)
    ]  # fmt: skip
    ReportRun.objects.bulk_create(rows, ignore_conflicts=True)
