"""What the provider tells of an e-mail, in any order and doubled."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as checked
from hypothesis import strategies as st

from common.inbox.models import InboxEvent, InboxStatus
from common.models import Job
from common.outbox import Lane
from common.outbox.testing import run_due
from common.types import SYSTEM
from config.local_stack.testing.race import Race
from notifications.mailer import Verdict
from notifications.models import AttemptOutcome, EmailEvent, EmailMessage, EmailStatus
from notifications.services import acts, sending, tracking
from notifications.tests.factories import NOON, queue, stored
from notifications.tests.resend import Provider, deliver, event, headers, provider, settings_for

pytestmark = pytest.mark.django_db

URGENT = [Lane.URGENT_MAIL]


@pytest.fixture
def resend(settings: Any) -> Any:
    """Give Resend's side, which the settings point at."""
    with provider() as server:
        for name, value in settings_for(server).items():
            setattr(settings, name, value)
        yield server


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(client: Client, *bodies: bytes) -> None:
    """Have the provider tell these, and the queue work them (the door reads the real clock)."""
    for body in bodies:
        assert deliver(client, body).status_code == 200
    run_due(lanes=[Lane.BULK])


def sent(kind: str, **changes: Any) -> UUID:
    """Queue an e-mail and send it."""
    email_id = queue(kind, **changes)
    run_due(at(5), lanes=URGENT)
    assert stored(email_id).status == EmailStatus.SENT
    return email_id


def test_a_sent_email_is_followed_to_delivered(client: Client, kind: str, resend: Provider) -> None:
    """REQ NO-02: sent through the provider, its event finds the e-mail by the tag that went along."""
    email_id = sent(kind)
    [(_, body)] = resend.requests
    assert body["tags"] == [{"name": "email_id", "value": str(email_id)}]
    told(client, event("sent", email_id), event("delivered", email_id, at="2026-05-04T12:00:09.000Z"))
    message = stored(email_id)
    assert (message.status, message.sent_at, message.last_error) == (EmailStatus.DELIVERED, at(5), "")
    assert [(one.kind, one.occurred_at) for one in message.events.all()] == [
        ("delivered", at(9)),
        ("sent", at(60)),
    ]


@pytest.mark.parametrize(
    "about",
    [
        {"tags": {"email_id": "ID"}},
        {"headers": [{"name": "X-Metadata", "value": '{"email_id": "ID"}'}]},
        {"headers": [{"name": "Message-ID", "value": "<ID@marquee.test>"}]},
        {"email_id": "KNOWN"},
    ],
    ids=["tag", "metadata", "message id", "the provider's id"],
)
def test_an_email_is_found_by_whatever_names_it(
    client: Client, kind: str, resend: Provider, about: dict[str, Any]
) -> None:
    """REQ NO-02: by the tag, the metadata, the Message-ID, or the id that the provider gave it."""
    email_id = sent(kind)
    known = stored(email_id).provider_message_id
    body = event("delivered", **about).replace(b"ID@", f"{email_id}@".encode())
    body = body.replace(b'"ID"', f'"{email_id}"'.encode()).replace(b'\\"ID\\"', f'\\"{email_id}\\"'.encode())
    told(client, body.replace(b'"KNOWN"', f'"{known}"'.encode()))
    assert stored(email_id).status == EmailStatus.DELIVERED


_LEAST_TO_MOST = ["sent", "failed", "suppressed", "delivered", "bounced", "complained"]


@checked(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_doubled_comes_to_the_same(kind: str, data: st.DataObject) -> None:
    """REQ NO-02: whatever was told when and how often, before or after our own record, the weightiest word stands."""
    kinds = data.draw(st.lists(st.sampled_from(_LEAST_TO_MOST), min_size=1, max_size=4, unique=True))
    order = data.draw(st.permutations([*kinds, kinds[0], "OURS"]))
    email_id = queue(kind, to=f"{uuid4()}@example.com")
    message = stored(email_id)
    attempt = message.attempts.create(started_at=at(0), recipient_key=message.recipient_key)
    statuses = []
    for name in order:
        if name == "OURS":
            answer = Verdict(AttemptOutcome.SENT, provider_message_id="re-1")
            sending._record(message, attempt.id, answer, now=at(1))
        else:
            _work(
                event(name, email_id, to=[message.to], bounce={"type": "Permanent", "message": "No"}),
                email_id,
                name,
            )
        statuses.append(stored(email_id).status)
    weightiest = max(kinds, key=_LEAST_TO_MOST.index)
    assert statuses[-1] == weightiest
    assert stored(email_id).sent_at is not None
    ranks = [-1 if one == "queued" else _LEAST_TO_MOST.index(one) for one in statuses]
    assert ranks == sorted(ranks), "a status went back"


def _work(body: bytes, email_id: UUID, name: str) -> None:
    """Work an event as the queue does; the same one again is the same row of the inbox."""
    given_id = f"{email_id}:{name}"
    found = InboxEvent.objects.filter(event_id=given_id).first() or InboxEvent.objects.create(
        provider="resend", livemode=True, event_id=given_id, event_type=name, body=body, job_id=uuid4(),
        job_kind="notifications.email_event", lane="bulk", received_at=at(120),
    )  # fmt: skip
    tracking.work_event(found.pk, now=at(120))
    assert EmailEvent.objects.filter(inbox_id=found.pk).count() == 1


def test_opened_and_clicked_are_story_and_no_status(client: Client, kind: str, resend: Provider) -> None:
    """REQ NO-02: what says nothing of arrival changes no status, and stands in the story without the link."""
    email_id = sent(kind)
    click = {"link": "https://example.com/?token=secret-1", "timestamp": "2026-05-04T12:00:30.000Z"}
    told(
        client,
        event("clicked", email_id, click=click),
        event("opened", email_id),
        event("delivery_delayed", email_id),
    )
    assert stored(email_id).status == EmailStatus.SENT
    assert set(EmailEvent.objects.values_list("kind", "detail")) == {
        ("clicked", ""),
        ("opened", ""),
        ("delayed", ""),
    }


def test_an_event_settles_what_a_cut_line_left_open(client: Client, kind: str, resend: Provider) -> None:
    """REQ NO-02, NO-01: told of an e-mail whose attempt had no answer, we know that it went, and repeat nothing."""
    email_id = queue(kind)
    resend.answers = [(500, {}, {})]
    run_due(at(0), lanes=URGENT)
    assert stored(email_id).status == EmailStatus.QUEUED
    told(client, event("delivered", email_id))
    run_due(at(1), lanes=URGENT)
    assert len(resend.requests) == 1
    message = stored(email_id)
    assert (message.status, message.provider_message_id) == (EmailStatus.DELIVERED, "re-1")
    assert Job.objects.get(dedupe_key=f"email:{email_id}").status == "done"


def test_an_event_that_came_first_finds_its_email_later(client: Client, kind: str, resend: Provider) -> None:
    """REQ NO-02: an event of an e-mail that is not known yet is kept, and matched once it is; others are forgotten."""
    email_id = queue(kind)
    told(client, event("delivered", email_id="re-later"), event("delivered", email_id="re-nobody"))
    assert EmailEvent.objects.filter(message=None).count() == 2
    now = EmailEvent.objects.earliest("received_at").received_at
    assert tracking.adopt_orphans(now=now) == 0
    EmailMessage.objects.filter(id=email_id).update(
        status="sent", sent_at=NOON, provider_message_id="re-later"
    )
    assert tracking.adopt_orphans(now=now + timedelta(minutes=1)) == 1
    assert stored(email_id).status == EmailStatus.DELIVERED
    assert tracking.adopt_orphans(now=now + timedelta(days=31)) == 0
    assert EmailEvent.objects.get().message_id == email_id


def test_another_recipients_event_changes_nothing(client: Client, kind: str, resend: Provider) -> None:
    """REQ NO-02: an event that names our e-mail and another address is quarantined."""
    email_id = sent(kind)
    told(
        client,
        event("bounced", email_id, to=["eve@example.com"], bounce={"type": "Permanent", "message": "No"}),
    )
    assert (stored(email_id).status, EmailEvent.objects.count()) == (EmailStatus.SENT, 0)
    assert InboxEvent.objects.get().status == InboxStatus.QUARANTINED


def test_what_the_provider_could_not_send_is_sent_again_under_another_key(
    client: Client, kind: str, resend: Provider
) -> None:
    """REQ NO-02, NO-01: under the old key the provider would only repeat its old answer."""
    email_id = sent(kind)
    told(client, event("failed", email_id, failed={"reason": "domain_not_verified"}))
    assert stored(email_id).status == EmailStatus.FAILED
    acts.send_again(email_id, actor=SYSTEM, reason="The domain is verified now", now=at(100))
    run_due(at(100), lanes=URGENT)
    run_due(at(101), lanes=URGENT)
    assert stored(email_id).status == EmailStatus.SENT
    assert list(resend.emails) == [f"email/{email_id}", f"email/{email_id}/{int(at(100).timestamp())}"]


def test_a_clock_that_is_ahead_does_not_order_the_story(client: Client, kind: str, resend: Provider) -> None:
    """REQ NO-02: nothing is heard before it happens, and an event without a time happened when it was heard."""
    email_id = sent(kind)
    told(
        client, event("delivered", email_id, at="2099-01-01T00:00:00Z"), event("opened", email_id, at="soon")
    )
    assert all(one.occurred_at == one.received_at < datetime.now(UTC) for one in EmailEvent.objects.all())


@pytest.mark.django_db(transaction=True)
def test_eight_events_at_once_are_one_story(kind: str, race: Race, client: Client) -> None:
    """REQ NO-02: worked at the same moment by eight workers, each is told once and the weightiest stands."""
    email_id = queue(kind)
    names = ["sent", "delivered", "complained", "delivery_delayed"] * 2
    for name in names:
        body = event(name, email_id)
        deliver(client, body, headers(body))
    ids = list(InboxEvent.objects.values_list("pk", flat=True))
    race(8, lambda number: tracking_work(ids[number]))
    assert stored(email_id).status == EmailStatus.COMPLAINED
    assert EmailEvent.objects.filter(message_id=email_id).count() == 8


def tracking_work(inbox_id: UUID) -> None:
    """Work one event in a transaction of its own, as the queue does."""
    with transaction.atomic():
        tracking.work_event(inbox_id, now=NOON)
