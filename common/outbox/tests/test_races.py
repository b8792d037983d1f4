"""Workers against each other, slow workers, lost workers."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from common.outbox import JobContext, Lane, drain, enqueue, enqueue_many, heartbeat
from common.outbox import claim as claiming
from common.outbox.claim import LONGEST_LEASE
from common.outbox.models import Job
from common.outbox.types import NewJob
from common.outbox.worker import Worker
from config.local_stack.testing.race import Race, until_waiting

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def test_eight_workers_run_each_of_400_jobs_once(kind: Callable[..., Any], race: Race) -> None:
    """Every job is run, and none twice, however many workers there are. REQ OP-03."""
    ran: Counter[int] = Counter()
    kind(lambda job: ran.update([job.payload["n"]]))
    enqueue_many([NewJob("test.job", {"n": n}) for n in range(400)], now=NOW)
    drained = race(8, lambda _: drain(Lane.MONEY, read_clock=lambda: NOW))
    assert sum(result.done for result in drained) == 400
    assert ran == Counter(range(400))


def claimed_at_once() -> tuple[set[Any], set[Any]]:
    """Return what two workers take when the second claims before the first has committed."""
    pool = next(pool for pool in claiming_pools() if not pool.is_remote)
    second: set[Any] = set()
    done = threading.Event()

    def claim_beside() -> None:
        try:
            second.update(job.id for job in claiming.claim(Lane.MONEY, pool, NOW, 20))
        finally:
            connection.close()
            done.set()

    thread = threading.Thread(target=claim_beside)
    with transaction.atomic():
        first = {job.id for job in claiming.claim(Lane.MONEY, pool, NOW, 20)}
        thread.start()
        until_waiting(or_done=done)
    thread.join(20)
    return first, second


def test_a_second_worker_takes_other_jobs_without_waiting(kind: Callable[..., Any]) -> None:
    """While one claim is under way another gets the jobs behind it. REQ OP-03."""
    kind(lambda job: None)
    enqueue_many([NewJob("test.job", {"n": n}) for n in range(40)], now=NOW)
    first, second = claimed_at_once()
    assert (len(first), len(second), first & second) == (20, 20, set())


def test_control_without_the_row_lock_both_take_the_same_jobs(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the lock taken away the two claims above overlap: that test can fail. REQ OP-03."""
    kind(lambda job: None)
    enqueue_many([NewJob("test.job", {"n": n}) for n in range(40)], now=NOW)
    monkeypatch.setattr(claiming, "_IN_ORDER", claiming._IN_ORDER.replace("FOR UPDATE SKIP LOCKED", ""))
    first, second = claimed_at_once()
    assert first == second


def test_a_worker_that_was_too_slow_may_not_finish(kind: Callable[..., Any]) -> None:
    """A job that another worker took over keeps that one's outcome; the slow one's effects are rolled back.

    REQ OP-03.
    """
    entered, go_on = threading.Event(), threading.Event()
    runs: list[int] = []

    def handle(job: JobContext) -> None:
        runs.append(len(runs))
        mine = len(runs)
        if mine == 1:
            entered.set()
            assert go_on.wait(20)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO django_session VALUES (%s, '', now())", [f"worker {mine}"])

    kind(handle)
    enqueue("test.job", {}, now=NOW)
    slow_result: list[Any] = []

    def slow() -> None:
        try:
            slow_result.append(Worker(Lane.MONEY, read_clock=lambda: NOW).drain())
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert entered.wait(20)
    later = NOW + timedelta(hours=1)
    assert Worker(Lane.MONEY, read_clock=lambda: later).drain().done == 1
    go_on.set()
    thread.join(20)
    assert slow_result[0].lost == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_key FROM django_session")
        assert cursor.fetchall() == [("worker 2",)]
    assert Job.objects.get().status == "done"


def test_a_job_that_kills_its_workers_ends_among_the_dead(kind: Callable[..., Any]) -> None:
    """A lease that runs out counts as an attempt when the job was claimed alone: no endless loop. REQ OP-03."""
    kind(lambda job: None, is_remote=True, retry_after=(1, 1))
    enqueue("test.job", {}, now=NOW)
    pool = next(pool for pool in claiming_pools() if pool.is_remote)
    now = NOW
    assert claiming.claim(Lane.MONEY, pool, now, 1)
    for _ in range(2):
        now += timedelta(hours=1)
        assert claiming.reclaim(Lane.MONEY, now, now + timedelta(minutes=5)) is not None
    now += timedelta(hours=1)
    assert Worker(Lane.MONEY, read_clock=lambda: now).drain().dead == 1
    job = Job.objects.get()
    assert job.status == "dead"
    assert "WorkerLost" in job.errors[-1]["error"]


def test_a_long_job_is_not_taken_over_while_its_worker_lives(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job of five minutes keeps its lease of a minute and a half by its worker's heartbeat. REQ OP-03."""
    lease, passed = lease_while_working(kind, monkeypatch, patience=20)
    assert lease > NOW + passed + LONGEST_LEASE


def test_control_without_a_heartbeat_a_long_job_is_up_for_grabs(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with no beat: nothing but the first lease holds it. REQ OP-03."""
    monkeypatch.setattr(heartbeat, "LONGEST_LEASE", timedelta(hours=1))
    lease, passed = lease_while_working(kind, monkeypatch, patience=0.3)
    assert lease < NOW + passed


def test_a_heartbeat_ends_with_the_time_out(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that hangs past its time-out loses its job to another worker. REQ OP-03."""
    monkeypatch.setattr(heartbeat, "LONGEST_LEASE", timedelta(0))
    lease, passed = lease_while_working(kind, monkeypatch, timeout=0.001, patience=0.3)
    assert lease < NOW + passed


def lease_while_working(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, *, timeout: float = 300, patience: float
) -> tuple[datetime, timedelta]:
    """Return until when a job is leased that has been worked for ten minutes, and these."""
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.05)
    times, passed = [NOW], timedelta(minutes=10)
    leases: list[datetime] = []

    def handle(job: JobContext) -> None:
        times.append(NOW + passed)
        end = time.monotonic() + patience
        while time.monotonic() < end and (not leases or leases[-1] < NOW + passed):
            leases.extend(Job.objects.values_list("lease_until", flat=True))
            time.sleep(0.02)

    kind(handle, is_remote=True, timeout=timeout)
    enqueue("test.job", {}, now=NOW)
    assert Worker(Lane.MONEY, read_clock=lambda: times[-1]).drain().done == 1
    return leases[-1], passed


def claiming_pools() -> Any:
    """Return the pools of the money lane."""
    from common.outbox.registry import registry

    return registry.pools(Lane.MONEY)


def test_parallel_wishes_under_one_key_make_one_job(kind: Callable[..., Any], race: Race) -> None:
    """Fifty at once with one key: one job. REQ OP-03."""
    kind(lambda job: None)
    added = race(50, lambda _: enqueue("test.job", {}, now=NOW, dedupe_key="only"))
    assert sum(result is not None for result in added) == 1
    assert Job.objects.count() == 1
