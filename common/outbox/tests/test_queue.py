"""Writing jobs: in the caller's transaction, once a key, and woken after the commit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from common.outbox import Lane, NewJob, UnknownKind, cancel, enqueue, enqueue_many, reschedule, wake
from common.outbox.models import Job
from common.requests import tracing

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def nothing(job: object) -> None:
    """Do nothing, as a handler."""


def test_a_job_is_written_by_one_statement_with_its_terms(kind: Callable[..., Any]) -> None:
    """A job keeps its payload, time, key, organization and the request that began it. REQ OP-03, OP-01."""
    kind(nothing)
    organization = uuid4()
    with tracing("request-1"), CaptureQueriesContext(connection) as queries:
        job_id = enqueue(
            "test.job", {"order": organization}, now=NOW, run_at=NOW + timedelta(hours=1), dedupe_key="k",
            not_after=NOW + timedelta(hours=2), organization_id=organization,
        )  # fmt: skip
    assert len(queries) == 1
    job = Job.objects.get()
    assert (job.pk, job.kind, job.lane, job.status, job.max_attempts) == (
        job_id,
        "test.job",
        "money",
        "pending",
        3,
    )
    assert (job.run_at, job.not_after) == (NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    assert (job.payload, job.organization_id, job.trace_id) == (
        {"order": str(organization)},
        organization,
        "request-1",
    )


def test_an_unknown_kind_is_refused_and_nothing_is_written() -> None:
    """A job that nobody could work is a mistake of the caller. REQ OP-03."""
    with pytest.raises(UnknownKind):
        enqueue("test.unknown", {}, now=NOW)
    assert Job.objects.count() == 0


def test_a_key_that_waits_takes_no_second_job(kind: Callable[..., Any]) -> None:
    """The same key is one job while it waits, a new one when it is done. REQ OP-03."""
    kind(nothing)
    assert enqueue("test.job", {}, now=NOW, dedupe_key="k") is not None
    assert enqueue("test.job", {}, now=NOW, dedupe_key="k") is None
    Job.objects.update(status="done", finished_at=NOW)
    assert enqueue("test.job", {}, now=NOW, dedupe_key="k") is not None
    assert Job.objects.count() == 2


def test_many_jobs_are_one_statement_and_count_the_new_ones(kind: Callable[..., Any]) -> None:
    """A batch is one statement whatever its size; doubled keys in it count once. REQ OP-03."""
    kind(nothing)
    jobs = [NewJob("test.job", {"n": n}, dedupe_key=f"k{n % 50}") for n in range(100)]
    with CaptureQueriesContext(connection) as queries:
        assert enqueue_many(jobs, now=NOW) == 50
    assert len(queries) == 1
    assert enqueue_many(jobs, now=NOW) == 0


def test_a_waiting_job_can_be_moved_and_taken_back(kind: Callable[..., Any]) -> None:
    """A deadline that moved, or fell away, is changed while it waits only. REQ OP-03."""
    kind(nothing)
    enqueue("test.job", {}, now=NOW, dedupe_key="k")
    assert reschedule("k", run_at=NOW + timedelta(days=1))
    assert Job.objects.get().run_at == NOW + timedelta(days=1)
    assert cancel("k")
    assert Job.objects.count() == 0
    assert not cancel("k")
    assert not reschedule("k", run_at=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_leaves_no_job_and_wakes_nobody(
    kind: Callable[..., Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work exists exactly when its cause does. REQ OP-03."""
    kind(nothing)
    settings.OUTBOX_WAKE = True
    woken: list[Lane] = []
    monkeypatch.setattr(wake.broker, "send", lambda lane: woken.append(lane) or True)
    with transaction.atomic():
        enqueue("test.job", {}, now=NOW)
        transaction.set_rollback(True)
    assert Job.objects.count() == 0
    assert woken == []


@pytest.mark.django_db(transaction=True)
def test_a_transaction_wakes_each_lane_once(
    kind: Callable[..., Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred jobs of one lane are one wake-up, after the commit; a job for later is none. REQ OP-03."""
    kind(nothing)
    kind(nothing, name="test.mail", lane=Lane.URGENT_MAIL)
    settings.OUTBOX_WAKE = True
    woken: list[Lane] = []
    monkeypatch.setattr(wake.broker, "send", lambda lane: woken.append(lane) or True)
    with transaction.atomic():
        for _ in range(100):
            enqueue("test.job", {}, now=NOW)
        enqueue("test.mail", {}, now=NOW, run_at=NOW + timedelta(minutes=1))
        assert woken == []
    assert woken == [Lane.MONEY]


def test_a_wake_up_that_waits_is_enough() -> None:
    """While nobody took the last one there is no second of the lane; once it is taken there is. REQ OP-03."""
    wake.broker.reset()
    with current_app.connection_for_read() as connection:
        queues: Any = connection.default_channel
        queues.client.delete(Lane.MONEY.value, Lane.BULK.value)
        for lane in (Lane.MONEY, Lane.MONEY, Lane.BULK):
            assert wake.broker.send(lane)
        assert [queues.client.llen(lane.value) for lane in (Lane.MONEY, Lane.BULK)] == [1, 1]
        queues.client.rpop(Lane.MONEY.value)
        assert wake.broker.send(Lane.MONEY)
        assert queues.client.llen(Lane.MONEY.value) == 1
        queues.client.delete(Lane.MONEY.value, Lane.BULK.value)


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_costs_the_caller_nothing_but_one_short_try(
    kind: Callable[..., Any], settings: Settings, valkey: Any
) -> None:
    """With Valkey stopped the commit stands, no error reaches the caller, the next ones do not even try. REQ OP-03."""
    kind(nothing)
    settings.OUTBOX_WAKE = True
    valkey.stop()
    wake.broker.reset()
    try:
        with transaction.atomic():
            enqueue("test.job", {}, now=NOW)
        assert Job.objects.count() == 1
        assert wake.broker.send(Lane.MONEY) is False
    finally:
        wake.broker.reset()
