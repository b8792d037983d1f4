from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog.testing
from pytest_django.fixtures import Settings

from common.models import Job
from common.outbox.testing import run_due
from notifications.models import AttemptOutcome, EmailAttempt, EmailMessage, EmailStatus
from notifications.selectors import email_health, with_progress
from notifications.tests.factories import NOON, message_kind, queue, stored
from notifications.tests.smtp import MailServer

pytestmark = pytest.mark.django_db


def outcomes() -> list[str]:
    return list(EmailAttempt.objects.order_by("started_at", "id").values_list("outcome", flat=True))


def job_of(email_id: object) -> Job:
    return Job.objects.get(dedupe_key=f"email:{email_id}")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_an_email_arrives_with_both_parts_under_its_own_id(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01, NO-03: it is sent over SMTP with a text alternative and a Message-ID that is the row's."""
    email_id = queue(kind)
    assert run_due(at(1)) == 1
    (received,) = mail_server.messages
    assert received["Subject"] == "Your code for Backstage video"
    assert (received["To"], received["From"]) == ("ada@example.com", "Marquee <no-reply@marquee.test>")
    assert received["Message-ID"] == f"<{email_id}@marquee.test>"
    assert received["Date"] == "Mon, 04 May 2026 12:00:00 +0000"
    assert received["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in received.iter_parts()] == ["text/plain", "text/html"]
    message = stored(email_id)
    assert (message.status, message.sent_at) == (EmailStatus.SENT, at(1))
    assert message.provider_message_id == f"<{email_id}@marquee.test>"
    assert outcomes() == [AttemptOutcome.SENT]
    assert job_of(email_id).status == "done"


def test_a_message_without_html_goes_out_as_plain_text(words: Path, mail_server: MailServer) -> None:
    """REQ NO-03: a failing HTML part sends the text part."""
    with message_kind(words, html="{{ undeclared }}") as name:
        queue(name)
        run_due(at(0))
    (received,) = mail_server.messages
    assert received.get_content_type() == "text/plain"
    assert "AB-12" in received.get_content()


def test_temporary_refusals_follow_the_schedule(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: SMTP's 4xx are tried again after 1 s, 5 s, 30 s, 5 m, 30 m, then the e-mail is dead."""
    email_id = queue(kind)
    mail_server.answers = ["451 later"] * 6
    moment = 0.0
    for wait in (1, 5, 30, 300, 1800):
        assert run_due(at(moment)) == 1
        assert stored(email_id).status == EmailStatus.QUEUED
        assert job_of(email_id).run_at == at(moment + wait)
        assert run_due(at(moment + wait - 0.001)) == 0
        moment += wait
    assert run_due(at(moment)) == 1
    assert job_of(email_id).status == "dead"
    message = stored(email_id)
    assert (message.status, message.sent_at) == (EmailStatus.FAILED, None)
    assert "451 later" in message.last_error
    assert outcomes() == [AttemptOutcome.RETRY] * 6
    assert mail_server.messages == []


def test_a_temporary_refusal_then_success(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: what is tried again arrives once."""
    email_id = queue(kind)
    mail_server.answers = ["451 later"]
    run_due(at(0))
    run_due(at(1))
    assert [message["Message-ID"] for message in mail_server.messages] == [f"<{email_id}@marquee.test>"]
    assert stored(email_id).status == EmailStatus.SENT
    assert stored(email_id).last_error == ""


@pytest.mark.parametrize("refuse_at", ["data", "recipient"])
def test_a_final_refusal_is_dead_at_once(kind: str, mail_server: MailServer, refuse_at: str) -> None:
    """REQ NO-01: SMTP's 5xx are final, for the message and for the recipient; addresses do not reach the records."""
    email_id = queue(kind)
    if refuse_at == "data":
        mail_server.answers = ["554 no thanks"]
    else:
        mail_server.refused = {"ada@example.com": "550 5.1.1 <ada@example.com> unknown"}
    with structlog.testing.capture_logs() as logs:
        assert run_due(at(0)) == 1
    job = job_of(email_id)
    assert (job.status, job.attempts) == ("dead", 1)
    assert stored(email_id).status == EmailStatus.FAILED
    assert outcomes() == [AttemptOutcome.FINAL]
    kept = f"{job.errors} {stored(email_id).last_error} {EmailAttempt.objects.get().detail} {logs}"
    assert "ada@example.com" not in kept


def test_a_recipient_who_is_busy_is_tried_again(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: a per-recipient 4xx (greylisting) is temporary."""
    email_id = queue(kind)
    mail_server.refused = {"ada@example.com": "451 greylisted"}
    run_due(at(0))
    mail_server.refused = {}
    run_due(at(1))
    assert stored(email_id).status == EmailStatus.SENT
    assert outcomes() == [AttemptOutcome.RETRY, AttemptOutcome.SENT]


def test_a_cut_line_is_repeated_under_the_same_message_id(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: nobody knows whether it was taken, so it is repeated as the same message."""
    email_id = queue(kind)
    mail_server.answers = ["drop"]
    run_due(at(0))
    run_due(at(1))
    assert [message["Message-ID"] for message in mail_server.messages] == [f"<{email_id}@marquee.test>"] * 2
    assert outcomes() == [AttemptOutcome.UNKNOWN, AttemptOutcome.SENT]


def test_a_silent_server_is_a_failed_attempt(kind: str, mail_server: MailServer, settings: Settings) -> None:
    """REQ NO-01: a server that does not answer costs EMAIL_TIMEOUT, and the e-mail is tried again."""
    settings.EMAIL_TIMEOUT = 0.3
    email_id = queue(kind)
    mail_server.answers = ["hold"]
    run_due(at(0))
    mail_server.hold.set()
    assert outcomes() == [AttemptOutcome.UNKNOWN]
    assert job_of(email_id).run_at == at(1)


def test_no_server_at_all_is_nobodys_attempt(kind: str, mail_server: MailServer, settings: Settings) -> None:
    """REQ NO-01: nothing was offered, so everything waits half a minute at a time, however long that goes on."""
    first, second = queue(kind), queue(kind)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    for number in range(8):
        run_due(at(30 * number))
    assert outcomes() == [AttemptOutcome.PAUSED] * 8
    assert [(job_of(one).attempts, stored(one).status) for one in (first, second)] == [
        (0, EmailStatus.QUEUED)
    ] * 2
    assert email_health(now=at(211)).paused_until == at(240)
    settings.EMAIL_PORT = port
    assert run_due(at(239)) == 0
    assert run_due(at(240)) == 2
    assert len(mail_server.messages) == 2
    assert {stored(first).status, stored(second).status} == {EmailStatus.SENT}


def test_refused_credentials_pause_the_channel(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: a trouble of the account is no fault of a message: nothing is lost, nothing is tried in vain."""
    first, second = queue(kind), queue(kind)
    mail_server.refused = {"ada@example.com": "530 authentication required"}
    run_due(at(0))
    assert outcomes() == [AttemptOutcome.PAUSED]
    assert email_health(now=at(1)).paused_until == at(300)
    assert job_of(first).attempts == 0
    mail_server.refused = {}
    assert run_due(at(299)) == 0
    assert run_due(at(300)) == 2
    assert {stored(first).status, stored(second).status} == {EmailStatus.SENT}


def test_one_connection_carries_a_batch_of_fifty(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: batches of 50."""
    for number in range(60):
        queue(kind, to=f"p{number}@example.com")
    assert run_due(at(0)) == 60
    assert len(mail_server.messages) == 60
    assert mail_server.connections == 2


def test_what_was_sent_is_not_sent_again(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: a job that runs again after its e-mail went out does nothing."""
    email_id = queue(kind)
    run_due(at(0))
    Job.objects.update(status="pending", finished_at=None, attempts=0)
    assert run_due(at(100)) == 1
    assert len(mail_server.messages) == 1
    assert stored(email_id).sent_at == at(0)


def test_progress_and_health_are_read_without_one_query_each(
    kind: str, mail_server: MailServer, django_assert_num_queries: object
) -> None:
    """REQ NO-02: the outbox shows attempts and the next one; the channel its figures."""
    sent, waiting = queue(kind), queue(kind, now=at(5))
    mail_server.answers = ["250 OK", "451 later"]
    run_due(at(10))
    with django_assert_num_queries(1):  # type: ignore[operator]
        rows = {row.id: row for row in with_progress(EmailMessage.objects.all())}
    assert (rows[sent].attempt_count, rows[sent].next_attempt_at) == (1, None)
    assert (rows[waiting].attempt_count, rows[waiting].next_attempt_at) == (1, at(11))
    health = email_health(now=at(20))
    assert (health.queued, health.oldest_queued_seconds, health.sent_last_hour) == (1, 15.0, 1)
    assert (health.p50, health.p95, health.failed_last_day) == (10.0, 10.0, 0)
    assert email_health(now=at(20), organization_ids=set()).queued == 0
