"""The webhook inbox: operators see what came and what became of it, and have it worked once more."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import make_member, make_superuser
from common import clock
from common.audit.models import AuditEntry
from common.inbox import InboxEvent, InboxStatus, accept, mark
from common.outbox import JobContext, Lane
from common.outbox.models import Job
from common.outbox.testing import run_due

pytestmark = pytest.mark.django_db
LIST = reverse("admin:common_inboxevent_changelist")
BODY = b'{"id": "evt", "data": {"client_secret": "pi_1_secret_abc", "amount": 2500}}'


class Handler:
    """Works events; fails until it is mended."""

    def __init__(self) -> None:
        self.is_mended = True
        self.worked: list[str] = []

    def __call__(self, job: JobContext) -> None:
        """Mark the event done, or fail."""
        if not self.is_mended:
            raise ValueError("not yet")
        self.worked.append(job.payload["inbox_id"])
        mark(job.payload["inbox_id"], InboxStatus.DONE, now=job.now)


@pytest.fixture(autouse=True)
def handler(kind: Callable[..., Any]) -> Handler:
    """Give the handler of the events' jobs."""
    made = Handler()
    kind(made)
    return made


@pytest.fixture
def operator() -> Client:
    """Give an operator's browser."""
    client = Client()
    client.force_login(make_superuser())
    return client


def event(number: int = 1, body: bytes = BODY) -> InboxEvent:
    """Take in an event."""
    accepted = accept(
        provider="stripe", livemode=False, event_id=f"evt_{number}", event_type="charge.refunded",
        api_version="v", body=body, job_kind="test.job", lane=Lane.MONEY, now=clock.now(),
    )  # fmt: skip
    return InboxEvent.objects.get(pk=accepted.id)


def shown(operator: Client) -> str:
    """Return the status that the list shows of the only event."""
    return str(operator.get(LIST).context["cl"].result_list[0].shown)


def replay(operator: Client, one: InboxEvent, reason: str = "mended") -> Any:
    """Replay it in the admin."""
    return operator.post(reverse("admin:common_inboxevent_replay", args=[one.pk]), {"reason": reason})


def test_the_status_follows_from_the_job(operator: Client, handler: Handler) -> None:
    """Received, failed, dead and done, as the job stands; attempts and errors come from it. REQ PA-10, OP-03."""
    handler.is_mended = False
    one = event()
    assert shown(operator) == "received"
    run_due()
    assert shown(operator) == "failed"
    for hours in (1, 2):
        run_due(clock.now() + timedelta(hours=hours))
    assert shown(operator) == "dead"
    page = operator.get(reverse("admin:common_inboxevent_change", args=[one.pk])).content.decode()
    assert page.count("ValueError: not yet") == 3
    assert "3 of 3" in page


def test_the_body_is_shown_without_secrets(operator: Client) -> None:
    """What was sent is readable, its secrets are not; bytes that are no JSON are shown escaped. REQ PA-10."""
    page = operator.get(reverse("admin:common_inboxevent_change", args=[event().pk])).content.decode()
    assert "2500" in page
    assert "pi_1_secret_abc" not in page
    other = event(2, b"<script>alert(1)</script>\xff")
    page = operator.get(reverse("admin:common_inboxevent_change", args=[other.pk])).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_members_do_not_see_the_inbox() -> None:
    """Webhooks belong to no organization: an owner is turned away, and changes nothing. REQ EV-04."""
    one = event()
    run_due()
    owner = Client()
    owner.force_login(make_member("owner"))
    assert owner.get(LIST).status_code == 403
    assert owner.get(reverse("admin:common_inboxevent_change", args=[one.pk])).status_code in {302, 403}
    assert replay(owner, one).status_code == 403
    assert not AuditEntry.objects.exists()
    assert Job.objects.count() == 1


@pytest.mark.parametrize("verdict", [InboxStatus.DONE, InboxStatus.IGNORED])
def test_a_replayed_event_really_runs(operator: Client, handler: Handler, verdict: InboxStatus) -> None:
    """What is done or ignored is worked once more for real, even when its job is long deleted. REQ PA-10."""
    one = event()
    run_due()
    mark(one.pk, verdict, now=clock.now())
    Job.objects.all().delete()
    answer = replay(operator, one)
    assert (answer.context["done"], answer.context["total"]) == (1, 1)
    assert shown(operator) == "received"
    run_due()
    assert handler.worked == [str(one.pk)] * 2
    assert shown(operator) == "done"
    entry = AuditEntry.objects.get(action="common.replay_webhook")
    assert (entry.reason, entry.changes) == ("mended", {"status": [verdict.value, "received"]})


def test_a_failed_event_runs_now(operator: Client, handler: Handler) -> None:
    """Nobody waits for the next attempt once the cause is mended. REQ PA-10."""
    handler.is_mended = False
    one = event()
    run_due()
    handler.is_mended = True
    assert run_due() == 0
    replay(operator, one)
    assert run_due() == 1
    assert handler.worked == [str(one.pk)]


def test_a_dead_event_leaves_the_dead_letters_when_replayed(operator: Client, handler: Handler) -> None:
    """Inbox and console tell one story: the same job runs again. REQ PA-05, PA-10."""
    handler.is_mended = False
    one = event()
    for hours in (0, 1, 2):
        run_due(clock.now() + timedelta(hours=hours))
    handler.is_mended = True
    replay(operator, one)
    assert Job.objects.get().status == "pending"
    run_due()
    assert (shown(operator), Job.objects.get().status) == ("done", "done")


@pytest.mark.parametrize("verdict", [InboxStatus.QUARANTINED, InboxStatus.RECEIVED])
def test_what_is_quarantined_or_waits_is_not_replayed(
    operator: Client, handler: Handler, verdict: InboxStatus
) -> None:
    """A mismatch is settled by people; what waits runs anyway: both are refused, nothing changes. REQ PA-10."""
    one = event()
    mark(one.pk, verdict, now=clock.now())
    answer = replay(operator, one)
    assert answer.context["results"] is None
    assert answer.context["form"].non_field_errors()
    assert InboxEvent.objects.get().status == verdict
    assert Job.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_a_replay_needs_a_reason(operator: Client, handler: Handler) -> None:
    """Without a reason nothing happens. REQ PA-10, EV-04."""
    one = event()
    run_due()
    assert replay(operator, one, reason=" ").context["form"].errors["reason"]
    assert run_due() == 0


def test_nothing_is_typed_into_an_event(operator: Client) -> None:
    """A verified event stays as it came, for operators too. REQ PA-10."""
    one = event()
    page = reverse("admin:common_inboxevent_change", args=[one.pk])
    assert operator.post(page, {"status": "done"}).status_code == 403
    assert (
        operator.post(reverse("admin:common_inboxevent_delete", args=[one.pk]), {"post": "yes"}).status_code
        == 403
    )
    assert InboxEvent.objects.get().status == InboxStatus.RECEIVED


def test_the_list_asks_no_more_for_more_events(operator: Client) -> None:
    """50 events cost as many queries as 5, and no list loads bodies. REQ PA-10."""

    def queries(first: int, last: int) -> int:
        for number in range(first, last):
            event(number)
        with CaptureQueriesContext(connection) as captured:
            operator.get(LIST)
        assert not any('"body"' in one["sql"] for one in captured)
        return len(captured)

    assert queries(0, 5) == queries(5, 50)


@pytest.mark.parametrize(("status", "found"), [("done", 1), ("received", 1), ("dead", 0), ("nonsense", 2)])
def test_events_are_found_by_what_became_of_them(operator: Client, status: str, found: int) -> None:
    """The list is narrowed by the status that it shows. REQ PA-10."""
    event(1)
    run_due()
    event(2)
    assert operator.get(f"{LIST}?status={status}").context["cl"].result_count == found
