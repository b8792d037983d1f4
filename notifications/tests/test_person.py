"""One e-mail's story, one person's messages, and the list of addresses that are not written to, as staff see them."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, User
from accounts.tests.factories import make_member, make_organization, make_superuser, make_user
from common import clock
from common.audit.models import AuditEntry
from notifications import addresses
from notifications.models import EmailEvent, EmailMessage, EmailSuppression, PushMessage
from notifications.services import acts
from notifications.tests.factories import NOON
from notifications.tests.test_health import PERSON, written

pytestmark = pytest.mark.django_db

BOXES = reverse("admin:notifications_emailsuppression_changelist")
ADD = reverse("admin:notifications_emailsuppression_add")


@pytest.fixture
def house() -> Organization:
    """Give an organization that writes to people."""
    return make_organization()


@pytest.fixture
def ada() -> User:
    """Give a person that is written to."""
    return make_user("ada@example.com")


def told(organization_id: UUID | None, to: str, subject: str, **fields: Any) -> EmailMessage:
    """Create an e-mail to an address."""
    key = addresses.recipient_key(to)
    return written(
        organization_id, "delivered", sent_ago=1, to=to, recipient_key=key, subject=subject, **fields
    )


def pushed(organization_id: UUID | None, user: User, title: str) -> PushMessage:
    """Create a push to a person."""
    return PushMessage.objects.create(
        organization_id=organization_id, user=user, kind="test", title=title, body="", status="suppressed",
        status_reason="She switched it off", dedupe_key=str(uuid4()), created_at=NOON,
    )  # fmt: skip


def test_an_emails_page_tells_its_story_in_order(client: Client, house: Organization) -> None:
    """REQ NO-02: queued, each attempt, what the provider told and what staff did stand in one table, by time."""
    message = written(house.pk, "failed", waited=60)
    for second, outcome, detail in ((1, "retry", "451 later"), (3, "sent", "")):
        at = NOON + timedelta(seconds=second)
        message.attempts.create(
            recipient_key="ada",
            started_at=at,
            finished_at=at + timedelta(seconds=1),
            outcome=outcome,
            detail=detail,
        )
    for second, kind in ((9, "failed"), (4, "sent")):
        EmailEvent.objects.create(
            message=message, inbox_id=uuid4(), kind=kind, detail="Domain not verified" if kind == "failed" else "",
            occurred_at=NOON + timedelta(seconds=second), received_at=NOON + timedelta(seconds=20),
        )  # fmt: skip
    staff = make_member("staff", organization=house)
    from accounts.services.access import actor_of

    acts.send_again(message.pk, actor=actor_of(staff), reason="Verified now", now=NOON + timedelta(minutes=1))
    client.force_login(staff)
    page = client.get(reverse("admin:notifications_emailmessage_change", args=[message.pk])).content.decode()
    chapters = [
        "Queued", "Attempt 1: failed, to be tried again", "451 later", "Attempt 2: accepted", "Sent on",
        "Could not be sent by the provider", "Domain not verified", "Send email again", "Verified now",
    ]  # fmt: skip
    where = [page.index(words, page.index("Who</th>")) for words in chapters]
    assert where == sorted(where)
    assert "heard 12:00:20 UTC" in page
    assert f"{PERSON}?who=ada%40example.com" in page


@pytest.mark.parametrize("by", ["address", "id"])
def test_a_persons_messages_of_every_channel_stand_in_one_list(
    client: Client, house: Organization, ada: User, by: str
) -> None:
    """REQ NO-02, NO-04: e-mails to the address and the account and pushes, the newest first, each once."""
    told(house.pk, "Ada@Example.com", "To the address")
    told(
        house.pk,
        "old@example.com",
        "To an older address",
        user_id=ada.pk,
        created_at=NOON - timedelta(days=2),
    )
    told(house.pk, "ada@example.com", "To both", user_id=ada.pk, created_at=NOON - timedelta(days=3))
    told(house.pk, "grace@example.com", "To somebody else")
    pushed(house.pk, ada, "A push")
    client.force_login(make_member("staff", organization=house))
    answer = client.get(PERSON, {"who": " ADA@example.com " if by == "address" else str(ada.pk)})
    rows = answer.context["page"].rows
    assert [(one.channel, one.title, one.status, one.detail) for one in rows] == [
        ("Push", "A push", "Suppressed", "She switched it off"),
        ("E-mail", "To the address", "Delivered", ""),
        ("E-mail", "To an older address", "Delivered", ""),
        ("E-mail", "To both", "Delivered", ""),
    ]
    assert b"To somebody else" not in answer.content


def test_it_ends_at_the_organization(client: Client, house: Organization, ada: User) -> None:
    """REQ EV-04: a rival and staff see nothing of others' messages and of the house's own; operators see all."""
    told(house.pk, "ada@example.com", "Theirs", user_id=ada.pk)
    told(None, "ada@example.com", "The house's own")
    pushed(house.pk, ada, "Their push")
    for login, titles in (
        (make_member("owner"), []),
        (make_superuser(), ["Their push", "The house's own", "Theirs"]),
    ):
        client.force_login(login)
        page = client.get(PERSON, {"who": "ada@example.com"}).context["page"]
        assert sorted(one.title for one in page.rows) == sorted(titles)


def test_it_is_paged_and_costs_the_same(client: Client, house: Organization, ada: User) -> None:
    """REQ NO-02: fifty a page, by a fixed number of statements; nonsense is refused at its field."""
    client.force_login(make_member("staff", organization=house))

    def cost(**query: Any) -> tuple[Any, int]:
        with CaptureQueriesContext(connection) as statements:
            answer = client.get(PERSON, {"who": "ada@example.com", **query})
        return answer.context["page"], len(statements)

    told(house.pk, "ada@example.com", "One", user_id=ada.pk)
    pushed(house.pk, ada, "A push")
    _, few = cost()
    EmailMessage.objects.bulk_create(
        EmailMessage(
            organization_id=house.pk, template="t", to="ada@example.com", subject=f"Number {number}", text_body="Words",
            recipient_key=addresses.recipient_key("ada@example.com"), dedupe_key=str(uuid4()),
            created_at=NOON - timedelta(days=1),
        )
        for number in range(55)
    )  # fmt: skip
    first, many = cost()
    second, _ = cost(page="2")
    assert (len(first.rows), first.has_next, len(second.rows), second.has_next) == (50, True, 7, False)
    assert many == few
    assert not {one.id for one in first.rows} & {one.id for one in second.rows}
    for nonsense in ("nobody", "x" * 500):
        page = client.get(PERSON, {"who": nonsense, "page": "-1"})
        assert page.status_code == 200
        assert b'aria-invalid="true"' in page.content


def box(organization_id: UUID | None, address: str, reason: str = "hard_bounce") -> EmailSuppression:
    """Create an entry of the list."""
    return EmailSuppression.objects.create(
        organization_id=organization_id, recipient_key=addresses.recipient_key(address), address=address,
        reason=reason, detail="No such box", since=clock.now(),
    )  # fmt: skip


def lift(client: Client, row: EmailSuppression) -> Any:
    """Confirm the act."""
    given = {"ids": [str(row.pk)], "confirmed": "1", "reason": "She called"}
    return client.post(f"{BOXES}act/lift/", given, follow=True)


def test_staff_see_and_lift_what_their_own_emails_brought_about(client: Client, house: Organization) -> None:
    """REQ NO-02, EV-04: with a reason, audited; others' entries are not there, complaints offer no such act."""
    mine, theirs = box(house.pk, "mine@example.com"), box(make_organization().pk, "theirs@example.com")
    complained, own = box(house.pk, "angry@example.com", "complaint"), box(None, "own@example.com", "by_hand")
    client.force_login(make_member("staff", organization=house))
    listing = client.get(BOXES, {"state": "standing"}).content.decode()
    assert ["mine@" in listing, "angry@" in listing, "theirs@" in listing, "own@" in listing] == [
        True,
        True,
        False,
        False,
    ]
    for foreign in (theirs, own):
        assert lift(client, foreign).status_code == 404
    assert b"operator alone" in lift(client, complained).content
    assert not EmailSuppression.objects.filter(lifted_at__isnull=False).exists()
    assert b"It is written to again." in lift(client, mine).content
    mine.refresh_from_db()
    assert (mine.lifted_because, AuditEntry.objects.get().reason) == ("She called", "She called")
    page = client.get(reverse("admin:notifications_emailsuppression_change", args=[mine.pk])).content.decode()
    assert "She called" in page
    assert client.get(ADD).status_code == 403


def test_operators_enter_addresses_and_find_them(client: Client, house: Organization) -> None:
    """REQ NO-02: by hand with a reason; a refusal stands at its field; the list is searched by address."""
    box(house.pk, "ada@example.com")
    client.force_login(make_superuser())
    assert b"on the list already" in client.post(ADD, {"address": "Ada@example.com", "why": "Phone"}).content
    assert client.post(ADD, {"address": "eve@example.com", "why": ""}).status_code == 200
    assert EmailSuppression.objects.count() == 1
    assert client.post(ADD, {"address": "eve@example.com", "why": "Asked by phone"}).status_code == 302
    found = client.get(BOXES, {"q": "eve@"}).context["cl"].result_list
    assert [(one.address, one.reason, one.detail) for one in found] == [
        ("eve@example.com", "by_hand", "Asked by phone")
    ]
