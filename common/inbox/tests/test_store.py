"""Accepting a verified event: once, durably, in few statements, and again when it was not done."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.errors import NotFound
from common.inbox import InboxStatus, accept, mark
from common.inbox.models import InboxEvent
from common.outbox.ids import new_id
from common.outbox.models import Job
from common.outbox.registry import Kind, registry
from common.outbox.testing import run_due
from common.outbox.types import JobContext, Lane
from config.local_stack.testing.race import Race

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KIND = "test.inbox_store"
pytestmark = pytest.mark.django_db(transaction=True)

worked: list[str] = []
failing: list[bool] = []


def work(job: JobContext) -> None:
    """Count the event, or fail."""
    if failing:
        raise RuntimeError("not today")
    worked.append(job.payload["inbox_id"])
    event = InboxEvent.objects.get(pk=job.payload["inbox_id"])
    mark(event.pk, InboxStatus.DONE, now=job.now)


@pytest.fixture(autouse=True)
def _kind() -> Iterator[None]:
    registry.add(Kind(KIND, Lane.MONEY, work, False, (60,), 30, None, None, None))
    worked.clear()
    failing.clear()
    yield
    registry.remove(KIND)


def deliver(event_id: str = "evt_1", *, livemode: bool = False, now: datetime = NOW) -> Any:
    """Deliver an event once."""
    return accept(
        provider="stripe", livemode=livemode, event_id=event_id, event_type="test", api_version="1",
        body=b'{"id": "evt_1"}', job_kind=KIND, lane=Lane.MONEY, now=now,
    )  # fmt: skip


def test_a_new_event_is_one_statement_and_a_duplicate_at_most_three() -> None:
    """Row and job are written together, in autocommit: transaction control is counted too. REQ PA-03."""
    with CaptureQueriesContext(connection) as new:
        assert deliver().is_new
    with CaptureQueriesContext(connection) as again:
        assert not deliver().is_new
    assert (len(new), InboxEvent.objects.count(), Job.objects.count()) == (1, 1, 1)
    assert len(again) <= 3


def test_a_duplicate_of_a_done_event_is_dropped() -> None:
    """What is done is not done again. REQ PA-10."""
    deliver()
    run_due(NOW)
    assert deliver(now=NOW + timedelta(hours=1)).status == InboxStatus.DONE
    run_due(NOW + timedelta(days=2))
    assert len(worked) == 1


def test_a_duplicate_of_a_failed_event_really_runs_again() -> None:
    """A dead event that the provider sends once more starts afresh. REQ PA-10, PA-05."""
    failing.append(True)
    deliver()
    run_due(NOW)
    run_due(NOW + timedelta(minutes=5))
    assert Job.objects.get().status == "dead"
    failing.clear()
    deliver(now=NOW + timedelta(hours=1))
    run_due(NOW + timedelta(hours=1))
    assert len(worked) == 1
    assert InboxEvent.objects.get().status == InboxStatus.DONE


def test_thirty_parallel_deliveries_are_one_event_and_one_job(race: Race) -> None:
    """The same event at once from all sides is stored and worked once. REQ PA-04."""
    results = race(30, lambda _: deliver())
    assert sum(result.is_new for result in results) == 1
    assert (InboxEvent.objects.count(), Job.objects.count()) == (1, 1)
    run_due(NOW)
    assert len(worked) == 1


def test_live_and_test_mode_are_two_events() -> None:
    """An id is unique within its mode only. REQ PA-10."""
    assert deliver().is_new
    assert deliver(livemode=True).is_new


def test_marking_what_is_not_there_is_an_error() -> None:
    """A status belongs to an event. REQ PA-03."""
    with pytest.raises(NotFound):
        mark(new_id(), InboxStatus.DONE, now=NOW)
