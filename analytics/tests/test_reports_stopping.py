"""Reports that are paused, archived, asked for now, or left by who gets them."""

from datetime import timedelta

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from analytics.models import ReportRun
from analytics.services.reports.asking import run_now
from analytics.services.reports.defining import archive_report, leave_report, pause_report
from analytics.services.reports.due import start_due
from analytics.tests.reports import DUE, due, event, make_report, member, runs
from common.audit.models import AuditEntry
from common.errors import Conflict, NotFound, RateLimited
from common.outbox.testing import run_due
from common.types import SYSTEM
from events.models import Event
from notifications.tests.conftest import mail_server
from notifications.tests.smtp import MailServer

__all__ = ["event", "mail_server"]

pytestmark = pytest.mark.django_db


def test_one_that_is_paused_before_it_is_made_is_not_sent(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07: pausing and archiving stop what is on its way, not what somebody asked for while it was paused."""
    paused, archived = make_report(event), make_report(event)
    start_due(now=DUE)
    pause_report(actor=SYSTEM, report_id=paused.pk, now=DUE)
    archive_report(actor=SYSTEM, report_id=archived.pk, now=DUE)
    run_due(DUE)
    assert (runs(paused)[0][1], runs(archived)[0][1], mail_server.messages) == ("skipped", "skipped", [])
    run_now(actor=SYSTEM, report_id=paused.pk, now=DUE)
    run_due(DUE)
    assert len(mail_server.messages) == 1
    with pytest.raises(Conflict):
        run_now(actor=SYSTEM, report_id=archived.pk, now=DUE + timedelta(hours=1))


def test_asking_for_it_now_leaves_the_schedule_and_counts_once(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07: a double click is one; six an hour; the schedule's own run comes all the same."""
    staff = actor_of(member(event, "staff"))
    report = make_report(event)
    first = run_now(actor=staff, report_id=report.pk, now=NOW, reason="The board meets")
    assert run_now(actor=staff, report_id=report.pk, now=NOW + timedelta(minutes=5)) == first, (
        "still being made"
    )
    run_due(NOW + timedelta(seconds=1))
    assert run_now(actor=staff, report_id=report.pk, now=NOW + timedelta(seconds=59)) == first
    assert (runs(report), len(mail_server.messages)) == ([("run_now", "queued", "2096-11-20")], 1)
    report.refresh_from_db()
    assert report.next_run_at == DUE
    for more in range(1, 6):
        asked = run_now(actor=staff, report_id=report.pk, now=NOW + timedelta(minutes=2 * more))
        ReportRun.objects.filter(pk=asked.pk).update(state="skipped", finished_at=NOW)
    with pytest.raises(RateLimited):
        run_now(actor=staff, report_id=report.pk, now=NOW + timedelta(minutes=20))
    assert report.runs.count() == 6
    due(report)
    assert report.runs.filter(kind="scheduled").count() == 1
    assert AuditEntry.objects.filter(action="analytics.run_report", reason="The board meets").count() == 1


def test_who_gets_it_takes_oneself_off(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07, NO-05: without asking anybody; who is not on it finds nothing to leave."""
    stays, goes = member(event), member(event)
    report = make_report(event, stays, goes)
    leave_report(actor=actor_of(goes), report_id=report.pk, now=NOW)
    with pytest.raises(NotFound):
        leave_report(actor=actor_of(goes), report_id=report.pk, now=NOW)
    due(report)
    run_due(DUE)
    assert mail_server.recipients == [stays.email]
