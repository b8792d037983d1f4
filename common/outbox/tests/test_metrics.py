"""What Prometheus reads of the queue (REQ OP-02)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from common import clock
from common.outbox import metrics
from common.outbox.metrics import QueueCollector
from common.outbox.models import Job
from common.outbox.types import JobStatus

pytestmark = pytest.mark.django_db


def make_jobs(count: int, *, lane: str = "money", pool: str = "local", due: float = 60, **more: Any) -> None:
    """Write jobs that have been due for so many seconds."""
    now = clock.now()
    Job.objects.bulk_create(
        Job(
            kind="probe",
            lane=lane,
            pool=pool,
            run_at=now - timedelta(seconds=due),
            created_at=now,
            max_attempts=1,
            finished_at=now if more.get("status") == JobStatus.DEAD else None,
            **more,
        )
        for _ in range(count)
    )


def told(collector: QueueCollector) -> dict[tuple[str, str], float]:
    """Return what it says, by name and lane."""
    return {
        (sample.name, sample.labels.get("lane", "")): sample.value
        for metric in collector.collect()
        for sample in metric.samples
    }


def test_it_tells_what_waits_and_for_how_long() -> None:
    """REQ OP-02: due jobs of every part of a lane; not those of later, nor those that are over."""
    make_jobs(2, due=60)
    make_jobs(1, pool="remote", due=600)
    make_jobs(1, due=-60)
    make_jobs(3, status=JobStatus.DEAD)
    make_jobs(1, lane="bulk", due=5)
    figures = told(QueueCollector())
    assert figures[("marquee_jobs_waiting", "money")] == 3
    assert figures[("marquee_oldest_due_job_seconds", "money")] == pytest.approx(600, abs=30)
    assert figures[("marquee_jobs_waiting", "bulk")] == 1
    assert figures[("marquee_jobs_waiting", "realtime")] == 0
    assert figures[("marquee_oldest_due_job_seconds", "realtime")] == 0
    assert figures[("marquee_dead_jobs", "")] == 3


def test_it_counts_no_further_than_anybody_asks() -> None:
    """A flood is no reason for a scrape to read it all; the oldest of it is still the oldest."""
    make_jobs(4, due=60)
    make_jobs(1, due=900)
    make_jobs(4, status=JobStatus.DEAD)
    figures = told(QueueCollector(counted=2))
    assert figures[("marquee_jobs_waiting", "money")] == 2
    assert figures[("marquee_oldest_due_job_seconds", "money")] == pytest.approx(900, abs=30)
    assert figures[("marquee_dead_jobs", "")] == 2


def test_it_looks_once_in_some_seconds(django_assert_num_queries: Any) -> None:
    """However often it is scraped; and by one statement."""
    collector = QueueCollector()
    with django_assert_num_queries(1):
        first = told(collector)
        assert told(collector) == first
    with django_assert_num_queries(2):
        hasty = QueueCollector(kept_seconds=0)
        told(hasty)
        told(hasty)


def test_it_is_silent_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other figures still arrive; and it speaks again as soon as it can."""
    collector = QueueCollector()
    monkeypatch.setattr(metrics, "_LOOK", "SELECT * FROM no_such_table")
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
    monkeypatch.setattr(connection, "close", lambda: None)
    assert told(collector) == {}
    with connection.cursor() as cursor:
        cursor.execute("ROLLBACK TO SAVEPOINT before")
    monkeypatch.undo()
    assert told(collector)[("marquee_dead_jobs", "")] == 0


def test_each_part_is_read_from_its_index() -> None:
    """REQ OP-07: no sequential scan of the queue, however much of it is done."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN " + metrics._LOOK,
            {"lanes": ["money"], "pools": ["local"], "now": clock.now(), "counted": 9},
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "job_pending" in plan
    assert "job_dead" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
