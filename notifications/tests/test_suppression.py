"""Boxes that are not written to any more."""

import smtplib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from accounts.models import Organization
from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_organization, make_superuser
from common import clock
from common.audit.models import AuditEntry
from common.errors import Forbidden, Invalid, NotFound, Unauthenticated
from common.models import Job
from common.outbox import Lane
from common.outbox.testing import run_due
from common.types import ANONYMOUS, SYSTEM
from config.local_stack.testing.race import Race
from notifications.errors import AlreadySuppressed, BoxSuppressed, InvalidRecipient, NotSuppressed
from notifications.mailer import verdicts
from notifications.models import EmailAttempt, EmailMessage, EmailStatus, EmailSuppression, SuppressionReason
from notifications.services import acts, suppression
from notifications.services.email import NewEmail, queue_emails
from notifications.tests.factories import CONTEXT, NOON, queue, stored
from notifications.tests.resend import deliver, event
from notifications.tests.smtp import MailServer
from payments.contributions import emails as timeline_emails
from payments.models import Order

pytestmark = pytest.mark.django_db

PERMANENT = {"type": "Permanent", "subType": "General", "message": "No mailbox ada@example.com"}
TRANSIENT = {"type": "Transient", "subType": "MailboxFull", "message": "The mailbox is full"}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(client: Client, *bodies: bytes) -> None:
    """Have the provider tell these, and the queue work them."""
    for body in bodies:
        assert deliver(client, body).status_code == 200
    run_due(lanes=[Lane.BULK])


def bounced(client: Client, kind: str, **changes: Any) -> UUID:
    """Have an e-mail bounce for good."""
    email_id = queue(kind, **changes)
    told(client, event("bounced", email_id, bounce=PERMANENT, to=None))
    return email_id


def reasons() -> list[tuple[str, str]]:
    return list(EmailSuppression.objects.values_list("address", "reason"))


@pytest.mark.parametrize(
    ("name", "more", "reason"),
    [
        ("bounced", {"bounce": PERMANENT}, "hard_bounce"),
        ("complained", {}, "complaint"),
        ("suppressed", {"suppressed": {"message": "On the list"}}, "provider"),
    ],
)
def test_a_lost_box_is_not_written_to_again(
    client: Client, kind: str, mail_server: MailServer, name: str, more: dict[str, Any], reason: str
) -> None:
    """REQ NO-02: what waited, what comes now and what comes in bulk is held back, and told as such."""
    organization = make_organization()
    first, waiting = queue(kind, organization_id=organization.pk), queue(kind, to="Ada@Example.com")
    other = queue(kind, to="grace@example.com")
    told(client, event(name, first, **more))
    assert reasons() == [("ada@example.com", reason)]
    found = EmailSuppression.objects.get()
    assert (found.message_id, found.organization_id) == (first, organization.pk)
    late = queue(kind, urgent=True)
    rows = [
        NewEmail(kind, to, CONTEXT, dedupe_key=to, urgent=False)
        for to in ("ada@example.com", "bob@example.com")
    ]
    assert queue_emails(rows, now=NOON) == 2
    bulk = EmailMessage.objects.get(dedupe_key="ada@example.com")
    for held in (late, bulk.pk):
        assert stored(held).status == EmailStatus.SUPPRESSED
        assert not Job.objects.filter(dedupe_key=f"email:{held}").exists()
    run_due(at(1))
    assert sorted(mail_server.recipients) == ["bob@example.com", "grace@example.com"]
    assert stored(other).status == EmailStatus.SENT
    message = stored(waiting)
    assert (message.status, message.last_error, message.sent_at) == (
        "suppressed",
        suppression.HELD_BACK,
        None,
    )
    assert not EmailAttempt.objects.filter(message=waiting).exists()
    assert Job.objects.get(dedupe_key=f"email:{waiting}").status == "done"


def test_why_it_bounced_is_kept_without_the_address(client: Client, kind: str) -> None:
    """REQ NO-02: the e-mail and the list tell the provider's words, in which addresses are masked."""
    email_id = bounced(client, kind)
    words = "Permanent · General · No mailbox a•••@example.com"
    assert (stored(email_id).status, stored(email_id).last_error) == ("bounced", words)
    assert EmailSuppression.objects.get().detail == words


def test_checking_costs_no_statement_of_its_own(kind: str, django_assert_num_queries: Any) -> None:
    """REQ NO-02: the list is asked by the statement that queues."""
    with django_assert_num_queries(2):
        queue(kind)


def test_soft_bounces_count_in_a_row(client: Client, kind: str, settings: Any) -> None:
    """REQ NO-02: a box that bounces for now is written to again, until it did so too often with nothing between."""
    settings.EMAIL_SOFT_BOUNCES = 2

    def soft(minute: int) -> bytes:
        return event("bounced", queue(kind), bounce=TRANSIENT, at=f"2026-05-04T12:{minute:02}:00Z")

    repeated = soft(1)
    told(client, repeated, repeated, event("delivered", queue(kind), at="2026-05-04T12:02:00Z"), soft(3))
    assert reasons() == []
    assert set(EmailMessage.objects.values_list("status", flat=True)) == {"bounced", "delivered"}
    told(client, soft(4))
    assert reasons() == [("ada@example.com", "soft_bounces")]
    EmailSuppression.objects.all().delete()
    settings.EMAIL_SOFT_BOUNCES = 0
    told(client, soft(5))
    assert reasons() == []


def test_a_server_that_knows_no_such_box(kind: str, mail_server: MailServer) -> None:
    """REQ NO-02: SMTP's word at RCPT that there is no such mailbox counts as a bounce."""
    mail_server.refused = {"ada@example.com": "550 5.1.1 <ada@example.com> no such user"}
    email_id = queue(kind)
    run_due(at(0), lanes=[Lane.URGENT_MAIL])
    assert stored(email_id).status == EmailStatus.FAILED
    assert reasons() == [("ada@example.com", "refused")]
    assert stored(queue(kind)).status == EmailStatus.SUPPRESSED


@pytest.mark.parametrize(
    ("code", "words", "is_lost"),
    [
        (550, b"no such user here", True),
        (550, b"5.2.1 disabled", True),
        (553, b"5.1.3 no such name", True),
        (550, b"5.7.1 refused by policy", False),
        (552, b"5.2.2 over quota", False),
        (554, b"transaction failed", False),
        (450, b"5.1.1 greylisted", False),
    ],
)
def test_policy_and_quota_are_not_the_boxs_end(code: int, words: bytes, is_lost: bool) -> None:
    """REQ NO-02: the extended code decides where there is one (RFC 3463), else the plain one; 4xx are temporary."""
    refused = smtplib.SMTPRecipientsRefused({"ada@example.com": (code, words)})
    assert verdicts.of_sending(refused).is_box_unknown == is_lost


def test_lifting_lets_mail_through_and_an_old_bounce_does_not_come_back(
    client: Client, kind: str, mail_server: MailServer
) -> None:
    """REQ NO-02: lifted with a reason it is written to again; what happened before that changes nothing any more."""
    first = bounced(client, kind)
    held = queue(kind)
    with pytest.raises(BoxSuppressed):
        acts.send_again(held, actor=SYSTEM, reason="again", now=at(5))
    row = suppression.lift(EmailSuppression.objects.get().pk, actor=SYSTEM, reason="Box is back", now=later())
    assert (row.lifted_because, stored(held).status) == ("Box is back", EmailStatus.SUPPRESSED)
    told(client, event("bounced", first, bounce=PERMANENT), event("complained", first))
    assert EmailSuppression.objects.filter(lifted_at=None).count() == 0
    acts.send_again(held, actor=SYSTEM, reason="again", now=at(5))
    run_due(at(5), lanes=[Lane.URGENT_MAIL])
    assert stored(held).status == EmailStatus.SENT
    with pytest.raises(NotSuppressed):
        suppression.lift(row.pk, actor=SYSTEM, reason="Twice", now=later())


def later() -> datetime:
    """Return a time after what the tests' events tell of, and after the door heard it."""
    return clock.now()


def test_a_new_bounce_after_lifting_suppresses_anew(client: Client, kind: str) -> None:
    """REQ NO-02: lifting is no pardon for ever."""
    email_id = bounced(client, kind)
    suppression.lift(EmailSuppression.objects.get().pk, actor=SYSTEM, reason="Box is back", now=later())
    told(client, event("bounced", email_id, bounce=PERMANENT, at="not said: when it was heard"))
    assert EmailSuppression.objects.filter(lifted_at=None).count() == 1


@pytest.fixture
def house() -> Organization:
    """Give the organization whose e-mail bounced."""
    return make_organization()


def test_who_may_lift(client: Client, kind: str, house: Organization) -> None:
    """REQ NO-02, EV-03: staff lift what their own e-mail brought about; another's is not there."""
    bounced(client, kind, organization_id=house.pk)
    mine = EmailSuppression.objects.get()
    staff = actor_of(make_member("staff", organization=house))
    refusals = [
        (actor_of(make_member("analyst", organization=house)), "why", Forbidden),
        (actor_of(make_member("owner")), "why", NotFound),
        (ANONYMOUS, "why", Unauthenticated),
        (staff, "  ", Invalid),
    ]
    for actor, reason, error in refusals:
        with pytest.raises(error):
            suppression.lift(mine.pk, actor=actor, reason=reason, now=later())
    mine.refresh_from_db()
    assert (mine.lifted_at, AuditEntry.objects.count()) == (None, 0)
    suppression.lift(mine.pk, actor=staff, reason="She called", now=later())
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason, entry.organization_id) == (
        "notifications.lift_suppression",
        "She called",
        house.pk,
    )


def test_a_complaint_is_the_operators_affair(client: Client, kind: str, house: Organization) -> None:
    """REQ NO-02: it outweighs the bounce that stood before, and only an operator has that person written to again."""
    bounced(client, kind, organization_id=house.pk)
    told(client, event("complained", queue(kind, organization_id=house.pk, to="ADA@example.com"), to=None))
    row = EmailSuppression.objects.get()
    assert row.reason == SuppressionReason.COMPLAINT
    with pytest.raises(Forbidden):
        suppression.lift(
            row.pk, actor=actor_of(make_member("owner", organization=house)), reason="why", now=later()
        )
    operator = actor_of(make_superuser())
    assert (
        suppression.lift(row.pk, actor=operator, reason="They asked", now=later()).lifted_by == operator.label
    )


def test_an_operator_enters_an_address_by_hand(kind: str, house: Organization) -> None:
    """REQ NO-02: once, with a reason, and nobody else may."""
    enter = suppression.suppress_by_hand
    operator, owner = actor_of(make_superuser()), actor_of(make_member("owner", organization=house))
    for actor, address, reason, error in (
        (owner, "ada@example.com", "why", Forbidden),
        (operator, "no address", "why", InvalidRecipient),
        (operator, "ada@example.com", " ", Invalid),
    ):
        with pytest.raises(error):
            enter(address, actor=actor, reason=reason, now=NOON)
    assert not EmailSuppression.objects.exists()
    enter(" Ada@example.com ", actor=operator, reason="Asked by phone", now=NOON)
    with pytest.raises(AlreadySuppressed):
        enter("ada@example.com", actor=operator, reason="Twice", now=NOON)
    assert stored(queue(kind)).status == EmailStatus.SUPPRESSED
    assert AuditEntry.objects.get().action == "notifications.suppress_address"


@pytest.mark.django_db(transaction=True)
def test_eight_bounces_at_once_are_one_entry(kind: str, race: Race) -> None:
    """REQ NO-02: one entry stands for a box, whoever was first."""
    messages = [stored(queue(kind)) for _ in range(8)]
    reason = SuppressionReason.HARD_BOUNCE
    answers = race(
        8, lambda number: suppression.suppress(messages[number], reason, "", occurred_at=NOON, now=NOON)
    )
    assert sorted(answers) == [False] * 7 + [True]
    assert EmailSuppression.objects.count() == 1


def test_the_orders_timeline_tells_what_was_held_back(kind: str) -> None:
    """REQ NO-02, PA-12: a code that could not be sent stands among the troubles of its order."""
    order = Order(id=uuid4())
    suppression.suppress_by_hand("ada@example.com", actor=SYSTEM, reason="Asked by phone", now=NOON)
    queue(kind, subject_ref=("order", order.pk))
    [entry] = timeline_emails(order)
    assert (entry.title, entry.detail) == ("Suppressed: Your code for Backstage video", suppression.HELD_BACK)
    assert entry.is_trouble
