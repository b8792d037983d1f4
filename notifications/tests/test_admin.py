"""The outbox as staff see it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization
from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_organization, make_superuser
from common import clock
from common.audit.models import AuditEntry
from common.errors import Forbidden, NotFound, Unauthenticated
from common.outbox import enqueue_many
from common.outbox.models import Job
from common.outbox.types import JobStatus
from common.types import ANONYMOUS
from notifications.models import EmailChannel, EmailMessage, EmailStatus
from notifications.services import acts, email, sending

pytestmark = pytest.mark.django_db

LIST = reverse("admin:notifications_emailmessage_changelist")
RESUME = reverse("admin:notifications_emailmessage_resume")


@pytest.fixture
def house() -> Organization:
    """Give the organization whose e-mails these are."""
    return make_organization()


def make_email(organization_id: UUID | None, **fields: Any) -> EmailMessage:
    """Create an e-mail, sent unless the fields say otherwise."""
    now = clock.now()
    given = {
        "template": "test", "to": "guest@example.test", "recipient_key": "k", "subject": "Hello <b>you</b>",
        "text_body": "Plain words", "html_body": "<p>Rich words</p><script>alert(1)</script>",
        "dedupe_key": str(uuid4()), "status": EmailStatus.SENT, "created_at": now - timedelta(minutes=1),
        "sent_at": now,
    }  # fmt: skip
    return EmailMessage.objects.create(organization_id=organization_id, **{**given, **fields})


def page_of(message: EmailMessage) -> str:
    """Return the address of an e-mail's page."""
    return reverse("admin:notifications_emailmessage_change", args=[message.pk])


def do(client: Client, name: str, message: EmailMessage) -> Any:
    """Confirm an act."""
    return client.post(
        f"{LIST}act/{name}/",
        {"ids": [str(message.pk)], "confirmed": "1", "reason": "asked by phone"},
        follow=True,
    )


def test_lists_and_pages_end_at_the_organization(client: Client, house: Organization) -> None:
    """Staff see their organization's e-mails; another's and the house's own are not there. REQ EV-04, NO-01."""
    mine = make_email(house.pk, subject="Mine")
    theirs, own = make_email(make_organization().pk, subject="Theirs"), make_email(None, subject="House")
    client.force_login(make_member("staff", organization=house))
    listing = client.get(LIST).content.decode()
    assert "Mine" in listing
    assert "Theirs" not in listing
    assert "House" not in listing
    assert client.get(page_of(mine)).status_code == 200
    for foreign in (theirs, own):
        assert client.get(page_of(foreign)).status_code == 302
    client.force_login(make_superuser())
    assert "House" in client.get(LIST).content.decode()


def test_a_message_is_shown_frozen_and_can_do_nothing(client: Client, house: Organization) -> None:
    """The page has both parts; the HTML part is caged and nothing can be changed. REQ NO-01, NO-03."""
    message = make_email(house.pk)
    client.force_login(make_member("owner", organization=house))
    page = client.get(page_of(message)).content.decode()
    assert "Plain words" in page
    assert 'sandbox=""' in page
    assert "<script>alert(1)</script>" not in page
    client.post(page_of(message), {"subject": "Changed", "status": "queued"})
    message.refresh_from_db()
    assert (message.subject, message.status) == ("Hello <b>you</b>", EmailStatus.SENT)


def test_the_list_costs_the_same_for_fifty(client: Client, house: Organization) -> None:
    """A list's queries do not grow with its rows. REQ EV-04."""
    client.force_login(make_member("staff", organization=house))

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        return len(queries)

    for _ in range(5):
        make_email(house.pk)
    few = cost()
    for _ in range(45):
        make_email(house.pk)
    assert cost() == few


def test_cancelling_takes_the_job_away_and_is_audited(client: Client, house: Organization) -> None:
    """A queued e-mail is taken back with a reason; a sent one is not. REQ NO-01, EV-04."""
    queued = queue(house)
    client.force_login(make_member("staff", organization=house))
    assert b"Cancelled." in do(client, "cancel", queued).content
    queued.refresh_from_db()
    assert queued.status == EmailStatus.CANCELLED
    assert not Job.objects.filter(status="pending").exists()
    entry = AuditEntry.objects.get(action="notifications.cancel_email")
    assert (entry.reason, entry.organization_id) == ("asked by phone", house.pk)
    sent = make_email(house.pk)
    assert b"Cancelled." not in do(client, "cancel", sent).content
    sent.refresh_from_db()
    assert sent.status == EmailStatus.SENT


def queue(house: Organization) -> EmailMessage:
    """Queue an e-mail as the product does, but for its template's files."""
    message = make_email(house.pk, status=EmailStatus.QUEUED, sent_at=None)
    job = email.sending_job(message.pk, message.to, is_urgent=False, organization_id=house.pk)
    assert enqueue_many([job], now=clock.now()) == 1
    return message


def test_a_failed_one_goes_out_again_and_analysts_may_not(client: Client, house: Organization) -> None:
    """Staff send a failed e-mail again; an analyst has neither the list nor the act. REQ NO-01, EV-03."""
    failed = make_email(house.pk, status=EmailStatus.FAILED, sent_at=None)
    client.force_login(make_member("analyst", organization=house))
    assert do(client, "send_again", failed).status_code in {302, 403, 404}
    failed.refresh_from_db()
    assert failed.status == EmailStatus.FAILED
    client.force_login(make_member("staff", organization=house))
    assert b"Queued again." in do(client, "send_again", failed).content
    failed.refresh_from_db()
    assert failed.status == EmailStatus.QUEUED
    assert Job.objects.filter(status="pending").count() == 1


def die(message: EmailMessage, house: Organization, **fields: Any) -> Job:
    """Leave the job that sends an e-mail with the dead letters."""
    now = clock.now()
    job = email.sending_job(message.pk, message.to, is_urgent=False, organization_id=house.pk)
    enqueue_many([job], now=now)
    dead = Job.objects.get(dedupe_key=email.job_key(message.pk), status=JobStatus.PENDING)
    given = {"status": JobStatus.DEAD, "finished_at": now, "attempts": dead.max_attempts, **fields}
    Job.objects.filter(pk=dead.pk).update(**given)
    return dead


def test_sending_again_brings_the_dead_job_back(client: Client, house: Organization) -> None:
    """What goes out again is no dead letter any more: the job that died is the one that runs. REQ NO-01, OP-03."""
    failed = make_email(house.pk, status=EmailStatus.FAILED, sent_at=None)
    older = die(failed, house, finished_at=clock.now() - timedelta(days=1))
    job = die(failed, house)
    client.force_login(make_member("staff", organization=house))
    assert b"Queued again." in do(client, "send_again", failed).content
    states = dict(Job.objects.values_list("pk", "status"))
    assert states == {older.pk: JobStatus.DISCARDED, job.pk: JobStatus.PENDING}
    assert Job.objects.get(pk=job.pk).attempts == 0
    actions = set(AuditEntry.objects.values_list("action", "reason"))
    assert actions == {
        (f"{name}", "asked by phone")
        for name in (
            "notifications.send_email_again",
            "common.retry_dead_letter",
            "common.discard_dead_letter",
        )
    }


def pause(reason: str = "The key is not valid any more") -> None:
    """Pause the channel for five minutes."""
    now = clock.now()
    sending.pause(now + timedelta(minutes=5), reason, now=now)


def test_a_pause_is_told_and_an_operator_ends_it(client: Client, house: Organization) -> None:
    """Until when and why stands above the list; resuming asks why, by POST, and is audited. REQ NO-01, EV-04."""
    pause()
    client.force_login(make_superuser())
    page = client.get(LIST).content.decode()
    assert "E-mail is paused until" in page
    assert "The key is not valid any more" in page
    assert RESUME in page
    assert client.get(RESUME).status_code == 200
    assert client.post(RESUME, {"reason": " "}).status_code == 200
    assert EmailChannel.objects.get().paused_until is not None
    assert b"It goes out again." in client.post(RESUME, {"reason": "New key"}).content
    assert EmailChannel.objects.get().paused_until is None
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("notifications.resume_email", "New key")
    assert "E-mail is paused" not in client.get(LIST).content.decode()
    assert b"not paused any more" in client.post(RESUME, {"reason": "Twice"}).content
    assert AuditEntry.objects.count() == 1


def test_members_see_the_pause_and_cannot_end_it(client: Client, house: Organization) -> None:
    """The channel is everybody's: an owner is told, and neither offered nor allowed to resume it. REQ EV-03."""
    pause()
    client.force_login(make_member("owner", organization=house))
    page = client.get(LIST).content.decode()
    assert "E-mail is paused until" in page
    assert RESUME not in page
    assert client.post(RESUME, {"reason": "Mischief"}).status_code == 403
    assert EmailChannel.objects.get().paused_until is not None
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("act", [acts.cancel, acts.send_again])
def test_the_service_asks_for_the_role_again(act: Any, house: Organization) -> None:
    """REQ EV-04: whatever door it is called from; a refused act changes nothing."""
    theirs = make_email(house.pk, status=EmailStatus.QUEUED if act is acts.cancel else EmailStatus.FAILED)
    ours = make_email(None, status=theirs.status)
    before = list(EmailMessage.objects.order_by("pk").values())
    staff = actor_of(make_member("staff", organization=house))
    for actor, message, error in (
        (actor_of(make_member("analyst", organization=house)), theirs, Forbidden),
        (actor_of(make_member("owner")), theirs, NotFound),
        (ANONYMOUS, theirs, Unauthenticated),
        (staff, ours, NotFound),
    ):
        with pytest.raises(error):
            act(message.pk, actor=actor, reason="why", now=clock.now())
    with pytest.raises(NotFound):
        act(uuid4(), actor=staff, reason="why", now=clock.now())
    with pytest.raises(Forbidden):
        acts.resume_channel(actor=staff, reason="why", now=clock.now())
    assert list(EmailMessage.objects.order_by("pk").values()) == before
    assert not AuditEntry.objects.exists()
