"""Reports when something is down: the mail server, a worker, the figures, the disk."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django.fixtures import Settings

from accounts.services.access import actor_of
from analytics.models import ReportDelivery, ReportRun, ScheduledReport
from analytics.services import monetization
from analytics.services.reports import files
from analytics.services.reports.asking import retry_run
from analytics.services.reports.building import build
from analytics.services.reports.due import start_due
from analytics.services.rollup import refresh
from analytics.tests.factories import keep, make_place
from analytics.tests.factories import told as told_by_page
from analytics.tests.reports import DUE, due, event, make_report, member, runs, statuses
from common.errors import Conflict, Forbidden, Invalid
from common.models import Job
from common.outbox import Lane
from common.outbox.claim import claim
from common.outbox.registry import registry
from common.outbox.testing import run_due
from events.models import Event
from notifications.models import EmailMessage
from notifications.tests.conftest import mail_server
from notifications.tests.smtp import MailServer

__all__ = ["event", "mail_server"]

pytestmark = pytest.mark.django_db


def test_a_mail_server_that_is_down_for_an_hour_costs_time_and_no_second_mail(
    event: Event, mail_server: MailServer, settings: Settings
) -> None:
    """REQ AN-07, NO-01: it refuses to be spoken to for more times than an e-mail has attempts; it arrives once."""
    report = make_report(event)
    due(report)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    for minutes in range(0, 60, 4):
        run_due(DUE + timedelta(minutes=minutes))
        assert statuses(report)[0][0] == "In the outbox"
    settings.EMAIL_PORT = port
    run_due(DUE + timedelta(minutes=60))
    run_due(DUE + timedelta(hours=2))
    assert (len(mail_server.messages), statuses(report)[0][0]) == (1, "Sent")
    assert report.runs.count() == 1


def test_a_mail_server_that_puts_it_off_five_times_gets_it_once(
    event: Event, mail_server: MailServer
) -> None:
    """REQ AN-07, NO-01: queued until sent; it arrives once, as it was frozen."""
    report = make_report(event)
    due(report)
    mail_server.answers = ["451 later"] * 5
    moment = 0.0
    for wait in (1, 5, 30, 300, 1800):
        run_due(DUE + timedelta(seconds=moment))
        assert statuses(report)[0][0] == "In the outbox"
        start_due(now=DUE + timedelta(seconds=moment))
        moment += wait
    assert mail_server.messages == []
    run_due(DUE + timedelta(seconds=moment))
    run_due(DUE + timedelta(hours=2))
    assert (len(mail_server.messages), statuses(report)[0][0]) == (1, "Sent")
    assert report.runs.count() == 1


def test_a_worker_lost_between_making_and_queueing_sends_once(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07, OP-03: another takes the run over when the lease ends; the first one's late end changes nothing."""
    report = make_report(event)
    run = due(report)
    (pool,) = [one for one in registry.pools(Lane.BULK) if one.name == "remote"]
    (held,) = claim(Lane.BULK, pool, DUE, 1)
    late = build(run.pk, is_last_attempt=False, now=DUE)
    assert late is not None
    assert not EmailMessage.objects.exists()
    run_due(DUE + timedelta(seconds=60))
    assert not EmailMessage.objects.exists(), "its lease still runs"
    run_due(DUE + timedelta(minutes=20))
    assert (runs(report), len(mail_server.messages)) == ([("scheduled", "queued", "2096-11-21")], 1)
    assert EmailMessage.objects.get().dedupe_key == f"report:{run.pk}:{EmailMessage.objects.get().user_id}"
    late()
    run_due(DUE + timedelta(minutes=30))
    assert (EmailMessage.objects.count(), ReportDelivery.objects.count(), len(mail_server.messages)) == (
        1,
        1,
        1,
    )
    assert Job.objects.get(pk=held.id).status == "done"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let the figures of revenue fail while the list says True."""
    fails = [True]
    kind, compute = monetization._PARTS["revenue"]

    def failing(*args: Any) -> Any:
        if fails[0]:
            raise DatabaseError("canceling statement due to statement timeout")
        return compute(*args)

    monkeypatch.setitem(monetization._PARTS, "revenue", (kind, failing))
    return fails


def test_what_cannot_be_had_is_tried_again_and_then_said(
    event: Event, mail_server: MailServer, broken: list[bool]
) -> None:
    """REQ AN-07, AN-11: no figure is made up; at the last attempt the rest goes out and says what it lacks."""
    report = make_report(event)
    due(report)
    moment = timedelta(0)
    for wait in (60, 300, 1800):
        run_due(DUE + moment)
        assert runs(report)[0][1] == "pending"
        moment += timedelta(seconds=wait)
    assert mail_server.messages == []
    run_due(DUE + moment)
    (received,) = mail_server.messages
    words = received.get_body(("plain",)).get_content()
    assert "Net revenue: not available at the moment" in words
    assert "Some of these figures are older than the rest, or missing" in words
    assert report.runs.get().is_stale


def test_figures_that_are_long_in_coming_are_said_to_be_old(mail_server: MailServer) -> None:
    """REQ AN-07, AN-11: what was told yesterday and is not computed today is not passed over."""
    place = make_place(time_zone="Europe/Berlin")
    report = make_report(place.event)
    keep(told_by_page(place))
    due(report)
    run_due(DUE)
    (received,) = mail_server.messages
    assert "older than the rest, or missing" in received.get_body(("plain",)).get_content()
    assert report.runs.get().is_stale
    refresh(now=DUE)
    due(report, DUE + timedelta(days=1))
    run_due(DUE + timedelta(days=1))
    assert "older than the rest" not in mail_server.messages[1].get_body(("plain",)).get_content()
    assert not report.runs.latest("due_at").is_stale


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let the disk be full while the list says True."""
    is_full = [True]
    export = files.export_report

    def made(*given: Any, **named: Any) -> Any:
        if is_full[0]:
            raise OSError("No space left on device")
        return export(*given, **named)

    monkeypatch.setattr(files, "export_report", made)
    return is_full


def _worn_out(report: ScheduledReport) -> ReportRun:
    """Let a report's time come, and all attempts to make it be used up."""
    run = due(report)
    for moment in (0, 60, 360, 2160):
        run_due(DUE + timedelta(seconds=moment))
    run.refresh_from_db()
    return run


def test_one_that_cannot_be_made_is_a_dead_letter(
    event: Event, mail_server: MailServer, full: list[bool]
) -> None:
    """REQ AN-07, OP-03: after its attempts the history says why; not brought back without the right and a reason."""
    report = make_report(event)
    run = _worn_out(report)
    assert (run.state, run.note) == ("failed", "OSError: No space left on device")
    assert Job.objects.get().status == "dead"
    assert statuses(report)[0][0] == "Failed"
    later = DUE + timedelta(hours=2)
    with pytest.raises(Forbidden):
        retry_run(actor=actor_of(member(event)), run_id=run.pk, now=later, reason="Please")
    with pytest.raises(Invalid):
        retry_run(actor=actor_of(member(event, "staff")), run_id=run.pk, now=later, reason=" ")
    assert Job.objects.get().status == "dead"
    assert mail_server.messages == []


def test_a_dead_letter_is_made_again_once(event: Event, mail_server: MailServer, full: list[bool]) -> None:
    """REQ AN-07, OP-03: staff bring it back with a reason when the cause is gone; what was sent is not sent again."""
    staff = member(event, "staff")
    report = make_report(event)
    run = _worn_out(report)
    full[0] = False
    later = DUE + timedelta(hours=2)
    retry_run(actor=actor_of(staff), run_id=run.pk, now=later, reason="There is room again")
    run_due(later)
    assert (runs(report), statuses(report)[0][0]) == ([("scheduled", "queued", "2096-11-21")], "Sent")
    assert not Job.objects.filter(status="dead").exists()
    with pytest.raises(Conflict):
        retry_run(actor=actor_of(staff), run_id=run.pk, now=later, reason="Once more")
    assert len(mail_server.messages) == 1
