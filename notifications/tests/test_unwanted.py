"""REQ NO-05: an e-mail that its person does without is never sent, and staff see why."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import make_user
from common.audit.models import AuditEntry
from common.models import Job
from common.outbox.testing import run_due
from common.types import SYSTEM
from notifications.errors import EmailUnwanted, NobodyNamed
from notifications.kinds import Channel, Kind
from notifications.models import EmailMessage, EmailStatus, MutedKind
from notifications.services import acts
from notifications.services.email import NewEmail, queue_emails
from notifications.services.unsubscribing import link_for
from notifications.tests.factories import CONTEXT, NOON, queue, stored
from notifications.tests.preferences import mute, optional_kind
from notifications.tests.resend import provider, settings_for
from notifications.tests.smtp import MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def news(kind: str) -> Iterator[Kind]:
    """Let the test's message be one that people may do without."""
    with optional_kind(kind) as optional:
        yield optional


def letters(template: str, users: list[User]) -> list[NewEmail]:
    """Return an e-mail to each."""
    return [
        NewEmail(template, one.email, CONTEXT, f"letter:{one.pk}", urgent=True, user_id=one.pk)
        for one in users
    ]


def test_it_is_kept_with_the_reason_and_has_no_job(kind: str, news: Kind) -> None:
    """REQ NO-05: of two people one switched it off: theirs is suppressed, with its words and why; the other's waits."""
    off, on = make_user(), make_user()
    mute(off, news.name, Channel.EMAIL)
    assert queue_emails(letters(kind, [off, on]), now=NOON) == 2
    kept = EmailMessage.objects.get(user_id=off.pk)
    assert (kept.status, kept.last_error) == (
        EmailStatus.SUPPRESSED, "This person switched off “News” by e-mail",
    )  # fmt: skip
    assert "AB-12" in kept.text_body
    waiting = EmailMessage.objects.get(user_id=on.pk)
    assert (waiting.status, waiting.last_error) == (EmailStatus.QUEUED, "")
    assert [job.dedupe_key for job in Job.objects.all()] == [f"email:{waiting.pk}"]


def test_choosing_costs_one_statement_for_however_many(kind: str, news: Kind) -> None:
    """REQ NO-05, NO-01: message rows, jobs, and one look at the choices; what always comes costs none."""
    users = [make_user() for _ in range(4)]
    for given in (letters(kind, users[:1]), letters(kind, users[1:])):
        with CaptureQueriesContext(connection) as queries:
            queue_emails(given, now=NOON)
        assert len(queries) == 3


def test_it_must_name_the_person_who_may_do_without_it(kind: str, news: Kind) -> None:
    """REQ NO-05: no such mail without a way to unsubscribe; nothing is written."""
    with pytest.raises(NobodyNamed):
        queue(kind)
    assert not EmailMessage.objects.exists()


def test_the_words_offer_to_unsubscribe(kind: str, news: Kind) -> None:
    """REQ NO-05: both parts name the kind and the link; what always comes has none."""
    user = make_user()
    message, link = stored(queue(kind, user_id=user.pk)), link_for(user.pk, news, Channel.EMAIL)
    assert link.startswith("https://front.test/unsubscribe/")
    assert f'Unsubscribe from "News": {link}\n' in message.text_body
    assert f'<a href="{link}" style="color:#4a34c0;">Unsubscribe from “News”</a>' in message.html_body


def test_what_always_comes_offers_nothing(kind: str) -> None:
    """REQ NO-05: a message that nobody may do without says nothing of it."""
    message = stored(queue(kind, user_id=make_user().pk))
    assert "nsubscribe" not in message.text_body + message.html_body


@pytest.mark.django_db(transaction=True)
def test_mail_programs_are_told_how_to_unsubscribe(kind: str, mail_server: MailServer) -> None:
    """REQ NO-05: RFC 8058's two headers on what people may do without, and on nothing else."""
    user = make_user()
    with optional_kind(kind) as news:
        queue(kind, user_id=user.pk)
        run_due(now=NOON)
    queue(kind, user_id=user.pk)
    run_due(now=NOON)
    optional, transactional = mail_server.messages
    # Long headers are folded.
    assert optional["List-Unsubscribe"].strip() == f"<{link_for(user.pk, news, Channel.EMAIL)}>"
    assert optional["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (transactional["List-Unsubscribe"], transactional["List-Unsubscribe-Post"]) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_switching_off_stops_what_waits(kind: str, news: Kind, mail_server: MailServer) -> None:
    """REQ NO-05: an e-mail that was queued before the person unsubscribed is not sent; it is told as suppressed."""
    user = make_user()
    email_id: UUID = queue(kind, user_id=user.pk)
    mute(user, news.name, Channel.EMAIL)
    run_due(now=NOON)
    message = stored(email_id)
    assert (message.status, message.sent_at) == (EmailStatus.SUPPRESSED, None)
    assert "switched off “News”" in message.last_error
    assert (mail_server.messages, message.attempts.count()) == ([], 0)
    assert Job.objects.get().status == "done"


def test_a_repetition_carries_the_link_that_was_queued(kind: str, news: Kind, settings: Any) -> None:
    """REQ NO-01, NO-05: whatever became of key and address meanwhile; another link would be another e-mail to Resend,
    which refuses it under the same key."""
    user = make_user()
    with provider() as resend:
        for name, value in settings_for(resend).items():
            setattr(settings, name, value)
        resend.answers = [(500, {}, {})]
        email_id = queue(kind, user_id=user.pk)
        link = link_for(user.pk, news, Channel.EMAIL)
        run_due(now=NOON)
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 60
        settings.FRONTEND_URL = "https://elsewhere.test"
        run_due(now=NOON + timedelta(seconds=1))
    first, second = resend.requests
    assert first == second
    assert first[1]["headers"]["List-Unsubscribe"] == f"<{link}>"
    assert stored(email_id).status == EmailStatus.SENT


def test_what_a_person_does_without_is_not_sent_again(kind: str, news: Kind) -> None:
    """REQ NO-05: staff are told why it would go nowhere, and nothing happens; once it is wanted it goes."""
    user = make_user()
    mute(user, news.name, Channel.EMAIL)
    email_id = queue(kind, user_id=user.pk)
    with pytest.raises(EmailUnwanted):
        acts.send_again(email_id, actor=SYSTEM, reason="They asked", now=NOON)
    assert (stored(email_id).status, stored(email_id).released_at) == (EmailStatus.SUPPRESSED, None)
    assert not Job.objects.exists()
    assert not AuditEntry.objects.exists()
    MutedKind.objects.all().delete()
    acts.send_again(email_id, actor=SYSTEM, reason="They asked", now=NOON)
    assert (stored(email_id).status, Job.objects.get().status) == (EmailStatus.QUEUED, "pending")
