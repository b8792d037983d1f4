"""Reports are made, sent and told of: to whom, what stands in them, and what happens when something is down."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django.fixtures import Settings

from accounts.models import Membership, User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from ads.models import AdDaily
from ads.tests.ad_factories import make_ad
from analytics.models import ReportDelivery, ReportRun, ScheduledReport
from analytics.services import monetization, reports_files
from analytics.services.reports import (
    archive_report,
    leave_report,
    pause_report,
)
from analytics.services.reports_asking import retry_run, run_now
from analytics.services.reports_building import build
from analytics.services.reports_due import start_due
from analytics.services.rollup import refresh
from analytics.tests.factories import keep, make_place
from analytics.tests.factories import told as told_by_page
from analytics.tests.reports import history, make_report, member, runs
from common.audit.models import AuditEntry
from common.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited
from common.models import Job
from common.outbox import Lane
from common.outbox.claim import claim
from common.outbox.registry import registry
from common.outbox.testing import run_due
from common.types import SYSTEM
from events.models import Event
from events.tests.factories import make_event
from notifications.models import EmailFile, EmailMessage, EmailStatus
from notifications.tests.conftest import mail_server
from notifications.tests.smtp import MailServer

__all__ = ["mail_server"]

pytestmark = pytest.mark.django_db

DUE = datetime(2096, 11, 22, 7, tzinfo=UTC)


@pytest.fixture
def event() -> Event:
    """Give an event in Berlin."""
    return make_event(time_zone="Europe/Berlin", title="Conf")


def due(report: ScheduledReport, now: datetime = DUE) -> ReportRun:
    """Let the report's time come, and return its run."""
    assert start_due(now=now).begun == 1
    return report.runs.latest("due_at")


def words_of(status: str, *addresses: tuple[str, str]) -> tuple[str, list[tuple[str, str]]]:
    return status, list(addresses)


def told(report: ScheduledReport) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(one.status, [(each.address, each.status) for each in one.deliveries]) for one in history(report)]


def test_a_report_arrives_with_its_figures_in_words_and_its_files(
    event: Event, mail_server: MailServer
) -> None:
    """REQ AN-07: each recipient gets the days, the totals in words, the files, and how to be taken off."""
    people = sorted((member(event), member(event, "owner")), key=lambda one: one.email)
    report = make_report(
        event, *people, cadence="weekly", weekday=DUE.weekday(), formats=("csv", "xlsx", "pdf")
    )
    run = due(report)
    assert told(report) == [words_of("Being made")]
    run_due(DUE + timedelta(seconds=5))
    assert sorted(mail_server.recipients) == [one.email for one in people]
    for received in mail_server.messages:
        assert received["Subject"] == "Weekly report of Conf: 15 November to 21 November 2096"
        for kind in ("plain", "html"):
            words = received.get_body((kind,)).get_content()
            for wanted in ("Net revenue", "$0.00", "Purchases", "Ad impressions", "Waitlist joins", "Take me off",
                           "For the board", "Europe/Berlin"):  # fmt: skip
                assert wanted in words, (kind, wanted)
        attached = list(received.iter_attachments())
        starts = [part.get_payload(decode=True)[:4] for part in attached]
        assert (len(starts), starts[1:]) == (3, [b"PK\x03\x04", b"%PDF"])
    run.refresh_from_db()
    assert [one["size"] > 500 for one in run.files] == [True, True, True]
    assert EmailFile.objects.count() == 3, "one row a file, however many get it"
    assert told(report) == [words_of("Sent", *((one.email, "Sent") for one in people))]
    run_due(DUE + timedelta(hours=9))
    assert len(mail_server.messages) == 2


def test_totals_are_those_of_the_days_it_covers(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07: the figures of yesterday at the event, by the one formatter; other days are not in it."""
    ad = make_ad(event)
    for day, impressions in (("2096-11-20", 5), ("2096-11-21", 1234), ("2096-11-22", 7)):
        AdDaily.objects.create(ad=ad, event=event, day=day, impressions=impressions, computed_at=NOW)
    due(make_report(event))
    run_due(DUE)
    (received,) = mail_server.messages
    assert "Ad impressions: 1,234\r\n" in received.get_body(("plain",)).get_content()


def test_who_lost_the_role_gets_nothing_and_the_history_says_so(
    event: Event, mail_server: MailServer
) -> None:
    """REQ AN-07, EV-03: asked again when it is made; a scanner, somebody who left, a switched-off account."""
    stays, scanner, left, off = (member(event) for _ in range(4))
    report = make_report(event, stays, scanner, left, off)
    due(report)
    Membership.objects.filter(user=scanner).update(role="scanner")
    Membership.objects.filter(user=left).delete()
    User.objects.filter(pk=off.pk).update(is_active=False)
    run_due(DUE)
    assert mail_server.recipients == [stays.email]
    lost = "May not see analytics any more"
    expected = [
        (stays.email, "Sent"),
        (scanner.email, lost),
        (left.email, lost),
        (off.email, "The account is switched off"),
    ]
    assert told(report) == [words_of("Sent", *sorted(expected))]
    Membership.objects.filter(user=stays).delete()
    due(report, DUE + timedelta(days=1))
    run_due(DUE + timedelta(days=1))
    assert (runs(report)[1][1], len(mail_server.messages)) == ("skipped", 1)
    assert report.runs.latest("due_at").note.startswith("Nobody of its recipients")


def test_a_mail_server_that_is_down_for_an_hour_costs_time_and_no_second_mail(
    event: Event, mail_server: MailServer, settings: Settings
) -> None:
    """REQ AN-07, NO-01: it refuses to be spoken to for more times than an e-mail has attempts; it arrives once."""
    report = make_report(event)
    due(report)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    for minutes in range(0, 60, 4):
        run_due(DUE + timedelta(minutes=minutes))
        assert told(report)[0][0] == "In the outbox"
    settings.EMAIL_PORT = port
    run_due(DUE + timedelta(minutes=60))
    run_due(DUE + timedelta(hours=2))
    assert (len(mail_server.messages), told(report)[0][0]) == (1, "Sent")
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
        assert told(report)[0][0] == "In the outbox"
        start_due(now=DUE + timedelta(seconds=moment))
        moment += wait
    assert mail_server.messages == []
    run_due(DUE + timedelta(seconds=moment))
    run_due(DUE + timedelta(hours=2))
    assert (len(mail_server.messages), told(report)[0][0]) == (1, "Sent")
    assert report.runs.count() == 1


def test_an_address_that_is_refused_is_shown(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07: who got it and who did not; a bounce that is told later shows as well."""
    good, bad = member(event), member(event)
    report = make_report(event, good, bad)
    due(report)
    mail_server.refused = {bad.email: "550 no such user"}
    run_due(DUE)
    expected = sorted([(good.email, "Sent"), (bad.email, "Failed")])
    assert told(report) == [words_of("Not sent to all", *expected)]
    assert history(report)[0].is_trouble
    EmailMessage.objects.filter(to=good.email).update(status=EmailStatus.BOUNCED)
    assert dict(told(report)[0][1])[good.email] == "Bounced"


def test_an_address_that_is_none_holds_up_nobody(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07: the others get theirs, and the history says who does not."""
    good, odd = member(event), member(event)
    report = make_report(event, good, odd)
    User.objects.filter(pk=odd.pk).update(email="no address", name="Odd Ada")
    due(report)
    run_due(DUE)
    assert told(report) == [words_of("Sent", (good.email, "Sent"))]
    assert report.runs.get().note == "No e-mail, for the address is none: Odd Ada."


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


def test_one_that_cannot_be_made_is_a_dead_letter_and_is_made_again(
    event: Event, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ AN-07, OP-03: after its attempts the history says why; staff bring it back with a reason, once."""
    staff = member(event, "staff")
    report = make_report(event)
    run = due(report)
    export = reports_files.export_report

    def full(*_: Any, **__: Any) -> Any:
        raise OSError("No space left on device")

    monkeypatch.setattr(reports_files, "export_report", full)
    for moment in (0, 60, 360, 2160):
        run_due(DUE + timedelta(seconds=moment))
    run.refresh_from_db()
    assert (run.state, run.note) == ("failed", "OSError: No space left on device")
    assert Job.objects.get().status == "dead"
    assert told(report)[0][0] == "Failed"
    monkeypatch.setattr(reports_files, "export_report", export)
    later = DUE + timedelta(hours=2)
    with pytest.raises(Forbidden):
        retry_run(actor=actor_of(member(event)), run_id=run.pk, now=later, reason="Please")
    with pytest.raises(Invalid):
        retry_run(actor=actor_of(staff), run_id=run.pk, now=later, reason=" ")
    assert Job.objects.get().status == "dead"
    retry_run(actor=actor_of(staff), run_id=run.pk, now=later, reason="There is room again")
    run_due(later)
    assert (runs(report), told(report)[0][0]) == ([("scheduled", "queued", "2096-11-21")], "Sent")
    assert not Job.objects.filter(status="dead").exists()
    with pytest.raises(Conflict):
        retry_run(actor=actor_of(staff), run_id=run.pk, now=later, reason="Once more")
    assert len(mail_server.messages) == 1


def test_files_that_are_too_large_are_left_out_and_said(
    event: Event, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ AN-07: what one e-mail carries goes along, the rest is named with where it is."""
    write = reports_files.write_files
    monkeypatch.setattr(
        "analytics.services.reports_building.write_files",
        lambda *args, **given: write(*args, **given, most=20_000),
    )
    report = make_report(event, formats=("csv", "pdf"))
    due(report)
    run_due(DUE)
    (received,) = mail_server.messages
    assert len(list(received.iter_attachments())) == 1
    assert "too large for an e-mail: PDF" in received.get_body(("plain",)).get_content()
    assert "PDF" in report.runs.get().note


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
