"""Making a report now, because somebody asks, and making one again that failed."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.services import access
from analytics.errors import ReportRunNotFailed
from analytics.models import ReportRun, RunKind, RunState, ScheduledReport
from analytics.services.reports import calendar
from analytics.services.reports.building import ask_for, job_key
from analytics.services.reports.defining import MANAGE, locked
from common import audit
from common.db import retrying
from common.models import Job
from common.outbox import dead_letters
from common.outbox.types import JobStatus
from common.ratelimits import RateLimit, hit
from common.types import Actor

_AN_HOUR: Final = RateLimit("analytics.run_report", 6, 3600)
# Asked for twice within it, or while the first is being made, is asked for once.
_DOUBLE_CLICK: Final = timedelta(seconds=60)


def run_now(*, actor: Actor, report_id: UUID, now: datetime, reason: str = "") -> ReportRun:
    """Make and send a report now, for the days that one of today would cover. The schedule stays as it is.

    For staff and up, six times an hour for a report. A second click returns the first one's run. Raises as
    ``access.require``, ``ReportArchived``, ``RateLimited``.
    """
    report = ScheduledReport.objects.select_related("event").filter(pk=report_id).first()
    if report is None:
        access.refuse_missing(actor)
    access.require(actor, report.event.organization_id, MANAGE)
    asked = _asked_just_now(report, now=now)
    if asked is not None:
        return asked
    hit(_AN_HOUR, str(report_id))
    return _run_now(actor=actor, report_id=report_id, now=now, reason=reason)


@retrying
@transaction.atomic
def _run_now(*, actor: Actor, report_id: UUID, now: datetime, reason: str) -> ReportRun:
    report = locked(actor, report_id, MANAGE)
    asked = _asked_just_now(report, now=now)
    if asked is not None:
        return asked
    day = now.astimezone(report.event.zone).date()
    first, last = calendar.covered(report.cadence, day)
    run = ReportRun.objects.create(
        report=report, kind=RunKind.RUN_NOW, due_at=now, local_day=day, first=first, last=last, created_at=now,
        requested_by_id=actor.user_id,
    )  # fmt: skip
    ask_for(run, report.event.organization_id, now=now)
    _record("run", run, {"days": [None, f"{first} to {last}"]}, actor=actor, reason=reason, now=now)
    return run


@retrying
@transaction.atomic
def retry_run(*, actor: Actor, run_id: UUID, now: datetime, reason: str) -> ReportRun:
    """Make a report again that failed: its dead job comes back with all its attempts, so nothing stays dead.

    For staff and up. Raises as ``access.require``, ``ReportArchived``, ``ReportRunNotFailed``, ``Invalid`` without a
    reason.
    """
    found = ReportRun.objects.filter(pk=run_id).first()
    if found is None:
        access.refuse_missing(actor)
    report = locked(actor, found.report_id, MANAGE)
    run = ReportRun.objects.select_for_update().get(pk=run_id)
    if run.state != RunState.FAILED:
        raise ReportRunNotFailed
    why = dead_letters.given(reason)
    run.report, run.state, run.finished_at, run.note = report, RunState.PENDING, None, ""
    run.save(update_fields=["state", "finished_at", "note"])
    dead = list(
        Job.objects.filter(dedupe_key=job_key(run.pk), status=JobStatus.DEAD).values_list("pk", flat=True)
    )
    if not any(one.is_done for one in dead_letters.retry(dead, actor=actor, reason=why, now=now)):
        ask_for(run, report.event.organization_id, now=now)
    _record("retry", run, {"state": ["failed", "pending"]}, actor=actor, reason=why, now=now)
    return run


def _asked_just_now(report: ScheduledReport, *, now: datetime) -> ReportRun | None:
    asked = report.runs.filter(kind=RunKind.RUN_NOW)
    return asked.filter(Q(state=RunState.PENDING) | Q(due_at__gt=now - _DOUBLE_CLICK)).first()


def _record(
    action: str, run: ReportRun, changes: audit.Changes, *, actor: Actor, reason: str, now: datetime
) -> None:
    audit.record(
        actor=actor, action=f"analytics.{action}_report", subject=run.report,
        organization_id=run.report.event.organization_id, reason=reason, changes=changes, now=now,
    )  # fmt: skip
