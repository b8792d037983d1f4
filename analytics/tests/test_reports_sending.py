"""Reports are made, sent and told of: to whom, what stands in them, and what happens when something is down."""

from datetime import timedelta

import pytest

from accounts.models import Membership, User
from accounts.tests.factories import NOW
from ads.models import AdDaily
from ads.tests.ad_factories import make_ad
from analytics.services.reports import files
from analytics.tests.reports import DUE, due, event, history, make_report, member, runs, statuses
from common.outbox.testing import run_due
from events.models import Event
from notifications.models import EmailFile, EmailMessage, EmailStatus
from notifications.tests.conftest import mail_server
from notifications.tests.smtp import MailServer

__all__ = ["event", "mail_server"]

pytestmark = pytest.mark.django_db


def _words(status: str, *addresses: tuple[str, str]) -> tuple[str, list[tuple[str, str]]]:
    return status, list(addresses)


def test_a_report_arrives_with_its_figures_in_words_and_its_files(
    event: Event, mail_server: MailServer
) -> None:
    """REQ AN-07: each recipient gets the days, the totals in words, the files, and how to be taken off."""
    people = sorted((member(event), member(event, "owner")), key=lambda one: one.email)
    report = make_report(
        event, *people, cadence="weekly", weekday=DUE.weekday(), formats=("csv", "xlsx", "pdf")
    )
    run = due(report)
    assert statuses(report) == [_words("Being made")]
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
    assert statuses(report) == [_words("Sent", *((one.email, "Sent") for one in people))]
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
    assert statuses(report) == [_words("Sent", *sorted(expected))]
    Membership.objects.filter(user=stays).delete()
    due(report, DUE + timedelta(days=1))
    run_due(DUE + timedelta(days=1))
    assert (runs(report)[1][1], len(mail_server.messages)) == ("skipped", 1)
    assert report.runs.latest("due_at").note.startswith("Nobody of its recipients")


def test_an_address_that_is_refused_is_shown(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07: who got it and who did not; a bounce that is told later shows as well."""
    good, bad = member(event), member(event)
    report = make_report(event, good, bad)
    due(report)
    mail_server.refused = {bad.email: "550 no such user"}
    run_due(DUE)
    expected = sorted([(good.email, "Sent"), (bad.email, "Failed")])
    assert statuses(report) == [_words("Not sent to all", *expected)]
    assert history(report)[0].is_trouble
    EmailMessage.objects.filter(to=good.email).update(status=EmailStatus.BOUNCED)
    assert dict(statuses(report)[0][1])[good.email] == "Bounced"


def test_an_address_that_is_none_holds_up_nobody(event: Event, mail_server: MailServer) -> None:
    """REQ AN-07: the others get theirs, and the history says who does not."""
    good, odd = member(event), member(event)
    report = make_report(event, good, odd)
    User.objects.filter(pk=odd.pk).update(email="no address", name="Odd Ada")
    due(report)
    run_due(DUE)
    assert statuses(report) == [_words("Sent", (good.email, "Sent"))]
    assert report.runs.get().note == "No e-mail, for the address is none: Odd Ada."


def test_files_that_are_too_large_are_left_out_and_said(
    event: Event, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ AN-07: what one e-mail carries goes along, the rest is named with where it is."""
    write = files.write_files
    monkeypatch.setattr(
        "analytics.services.reports.building.write_files",
        lambda *args, **given: write(*args, **given, most=20_000),
    )
    report = make_report(event, formats=("csv", "pdf"))
    due(report)
    run_due(DUE)
    (received,) = mail_server.messages
    assert len(list(received.iter_attachments())) == 1
    assert "too large for an e-mail: PDF" in received.get_body(("plain",)).get_content()
    assert "PDF" in report.runs.get().note
