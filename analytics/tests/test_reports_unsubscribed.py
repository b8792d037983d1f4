"""Reports to somebody who does without them. REQ NO-05, AN-07."""

from datetime import UTC, datetime, timedelta

import pytest

from analytics.services.reports.due import start_due
from analytics.tests.reports import history, make_report, member
from common.outbox.testing import run_due
from events.tests.factories import make_event
from notifications.services.unsubscribing import unsubscribe
from notifications.tests.conftest import mail_server
from notifications.tests.smtp import MailServer

__all__ = ["mail_server"]

pytestmark = pytest.mark.django_db

DUE = datetime(2096, 11, 22, 7, tzinfo=UTC)


def test_who_unsubscribed_gets_nothing_and_the_history_says_so(mail_server: MailServer) -> None:
    """By the link of an earlier one; the others get theirs, and staff read why one does not."""
    event = make_event(time_zone="Europe/Berlin", title="Conf")
    stays, leaves = member(event), member(event)
    report = make_report(event, stays, leaves)
    assert start_due(now=DUE).begun == 1
    run_due(DUE)
    (first,) = [one for one in mail_server.messages if one["To"] == leaves.email]
    link = str(first["List-Unsubscribe"]).strip().strip("<>")
    words = first.get_body(("plain",))
    assert words is not None
    assert link in words.get_content()
    unsubscribe(link.rpartition("/")[2], now=DUE)
    later = DUE + timedelta(days=1)
    assert start_due(now=later).begun == 1
    run_due(later)
    assert sorted(mail_server.recipients) == sorted([stays.email, stays.email, leaves.email])
    (told,) = [one for one in history(report) if one.run.pk == report.runs.latest("due_at").pk]
    assert {one.address: (one.status, one.detail) for one in told.deliveries} == {
        stays.email: ("Sent", ""),
        leaves.email: ("Suppressed", "This person switched off “Scheduled reports” by e-mail"),
    }
