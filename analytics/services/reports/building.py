"""Making a report in a worker: the figures, the files, then the e-mails, each person's once.

What takes long happens with no transaction open. The e-mails are queued, and the run is told what became of it, in
the transaction that ends the job: a worker that is lost before leaves nothing, and the next one begins again under
the same run and the same keys.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from accounts.models import User
from analytics.models import DeliveryOutcome, ReportDelivery, ReportRun, RunKind, RunState, ScheduledReport
from analytics.selectors.ranges import range_of
from analytics.services.monetization import Monetization, figures_of
from analytics.services.reports import words
from analytics.services.reports.files import Written, write_files
from analytics.services.reports.rules import allowed_people
from common.outbox import enqueue
from notifications.errors import InvalidRecipient
from notifications.services.email import queue_email
from notifications.services.files import keep_files

JOB: Final = "analytics.build_report"
_LONGEST_NOTE: Final = 500
_NOBODY: Final = "Nobody of its recipients may see analytics any more."
_STOPPED: Final = "It was paused or archived before it was made."

Finisher = Callable[[], None]


class NotBuilt(Exception):
    """Something of the report could not be had this time."""


@dataclass(frozen=True, slots=True)
class _Built:
    figures: Monetization
    written: Written

    @property
    def is_stale(self) -> bool:
        return self.figures.is_behind or self.written.is_stale


def job_key(run_id: UUID) -> str:
    """Return the dedupe key of the job that makes a run."""
    return f"report-run:{run_id}"


def ask_for(run: ReportRun, organization_id: UUID, *, now: datetime) -> None:
    """Have a run made by a worker, in the caller's transaction."""
    payload = {"run_id": str(run.pk)}
    enqueue(JOB, payload, dedupe_key=job_key(run.pk), organization_id=organization_id, now=now)


def build(run_id: UUID, *, is_last_attempt: bool, now: datetime) -> Finisher | None:
    """Make a run's figures and files, and return what queues its e-mails; None when there is nothing (more) to do.

    Runs with no transaction open. Raises ``NotBuilt`` while a part of the figures is missing and another attempt is
    left; at the last one what there is goes out, and says what it lacks.
    """
    run = ReportRun.objects.select_related("report__event__organization").filter(pk=run_id).first()
    if run is None or not _is_open(run):
        return None
    ReportRun.objects.filter(pk=run_id).update(started_at=now)
    if _is_stopped(run):
        return partial(_skip, run_id, _STOPPED, now=now)
    event = run.report.event
    if not _recipients(run.report)[0]:
        return partial(_finish, run_id, None, now=now)
    figures = figures_of(event, range_of(event, run.first, run.last, now=now), now=now)
    missing = [name for name, part in figures.parts.items() if part.figures is None]
    if missing and not is_last_attempt:
        raise NotBuilt(f"Could not be had: {', '.join(missing)}")
    written = write_files(event, figures.wanted, run.report.formats, now=now)
    return partial(_finish, run_id, _Built(figures, written), now=now)


def mark_failed(run_id: UUID, error: str, *, now: datetime) -> None:
    """Say in the history that a report could not be made; its job is with the dead letters."""
    open_runs = ReportRun.objects.filter(pk=run_id, state=RunState.PENDING)
    open_runs.update(state=RunState.FAILED, note=error[:_LONGEST_NOTE], finished_at=now)


def _is_open(run: ReportRun) -> bool:
    # A failed one is made again when somebody brings its job back from the dead letters.
    return run.state in {RunState.PENDING, RunState.FAILED}


def _is_stopped(run: ReportRun) -> bool:
    report = run.report
    return report.is_archived or (report.is_paused and run.kind == RunKind.SCHEDULED)


def _recipients(report: ScheduledReport) -> tuple[list[User], list[tuple[User, DeliveryOutcome]]]:
    """Return who gets it now, and who is among its recipients and gets nothing, with why."""
    allowed = allowed_people(report.event.organization_id)
    chosen = [one.user for one in report.recipients.select_related("user").order_by("user__email")]
    refused = [
        (user, DeliveryOutcome.LOST_ROLE if user.is_active else DeliveryOutcome.INACTIVE)
        for user in chosen
        if user.pk not in allowed
    ]
    return [user for user in chosen if user.pk in allowed], refused


def _locked(run_id: UUID) -> ReportRun | None:
    rows = ReportRun.objects.select_for_update(of=("self",)).select_related(
        "report__event", "report__created_by"
    )
    run = rows.filter(pk=run_id).first()
    return run if run is not None and _is_open(run) else None


def _skip(run_id: UUID, note: str, *, now: datetime) -> None:
    run = _locked(run_id)
    if run is not None:
        _end(run, RunState.SKIPPED, note, now=now)


def _finish(run_id: UUID, built: _Built | None, *, now: datetime) -> None:
    """Queue the e-mails of those who may have them by now, and note what was done for each. In the job's last
    transaction."""
    run = _locked(run_id)
    if run is None:
        return
    if _is_stopped(run):
        _end(run, RunState.SKIPPED, _STOPPED, now=now)
        return
    people, refused = _recipients(run.report)
    deliveries = [
        ReportDelivery(run=run, user=user, address=user.email, outcome=why) for user, why in refused
    ]
    unusable: list[User] = []
    if built is not None and people:
        queued, unusable = _queue(run, built, people, now=now)
        deliveries += queued
    # What an earlier end of it noted, before its job was brought back, is over.
    run.deliveries.all().delete()
    ReportDelivery.objects.bulk_create(deliveries)
    if built is None or not people:
        _end(run, RunState.SKIPPED, _NOBODY, now=now)
        return
    run.files = [{"name": one.filename, "size": len(one.content)} for one in built.written.files]
    run.is_stale = built.is_stale
    said = [*words.left_out(built.written.left_out), *words.not_written_to(unusable)]
    _end(run, RunState.QUEUED, " ".join(said), now=now)


def _queue(
    run: ReportRun, built: _Built, people: list[User], *, now: datetime
) -> tuple[list[ReportDelivery], list[User]]:
    """Queue an e-mail for each; a key that was used before gives that e-mail. Return also whose address is none."""
    context = words.context_of(run, built.figures, built.written, is_stale=built.is_stale)
    file_ids = keep_files(built.written.files, now=now)
    queued, unusable = [], []
    for user in people:
        try:
            email_id = queue_email(
                template=words.TEMPLATE.name, to=user.email, context=context, dedupe_key=f"report:{run.pk}:{user.pk}",
                user_id=user.pk, organization_id=run.report.event.organization_id, subject_ref=("report_run", run.pk),
                file_ids=file_ids, now=now,
            )  # fmt: skip
        except InvalidRecipient:
            # Refused before anything is written; the others get theirs.
            unusable.append(user)
            continue
        row = ReportDelivery(run=run, user=user, address=user.email, outcome=DeliveryOutcome.QUEUED)
        row.email_id = email_id
        queued.append(row)
    return queued, unusable


def _end(run: ReportRun, state: RunState, note: str, *, now: datetime) -> None:
    run.state, run.note, run.finished_at = state, note[:_LONGEST_NOTE], now
    run.save(update_fields=["state", "note", "finished_at", "files", "is_stale"])
