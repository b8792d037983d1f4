"""What should have run by the clock and did not is found, told and shown (REQ OP-02, OP-04)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import shared_task
from django.db import connection
from django.test import Client
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from prometheus_client.core import Metric

from accounts.tests.factories import make_superuser
from common import clock
from common.schedules.metrics import ScheduleCollector
from common.schedules.models import ScheduledRun
from common.schedules.services import Standing, ended, standings, watch

pytestmark = pytest.mark.django_db

NOW = datetime(2096, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _alone() -> None:
    """Leave no schedule but those of the test."""
    PeriodicTask.objects.all().delete()
    ScheduledRun.objects.all().delete()


def make_entry(name: str = "Probe", *, every: int | None = None, at: int | None = None, **more: Any) -> Any:
    """Write an entry that runs every so many minutes, or each day at an hour."""
    if every is not None:
        more["interval"] = IntervalSchedule.objects.create(every=every, period=IntervalSchedule.MINUTES)
    if at is not None:
        more["crontab"] = CrontabSchedule.objects.create(hour=str(at), minute="0", timezone="UTC")
    return PeriodicTask.objects.create(name=name, task="probe.work", **more)


def standing(now: datetime) -> Standing:
    """Return how the only entry stands."""
    (one,) = standings(now=now)
    return one


@pytest.mark.parametrize(
    ("schedule", "due", "grace"),
    [
        ({"every": 60}, HOUR, HOUR),
        ({"every": 1}, timedelta(minutes=1), timedelta(minutes=2)),
        # It is noon: the next two o'clock is in 14 hours.
        ({"at": 2}, 14 * HOUR, timedelta(minutes=30)),
        ({"at": 13}, HOUR, timedelta(minutes=30)),
    ],
)
def test_a_run_is_late_after_its_grace(schedule: dict[str, int], due: timedelta, grace: timedelta) -> None:
    """In time up to the last instant of the grace, then late by all that passed since it was due. REQ OP-04."""
    make_entry(**schedule)
    ended("Probe", error=None, now=NOW)
    last = NOW + due + grace
    assert standing(last).late_seconds == 0
    late = standing(last + timedelta(seconds=1)).late_seconds
    assert late == (grace + timedelta(seconds=1)).total_seconds()


def test_failures_are_counted_until_one_succeeds() -> None:
    """A job that runs and fails is late as well, for what it should have done is not done. REQ OP-04."""
    make_entry(every=1)
    ended("Probe", error=None, now=NOW)
    for minute in (1, 2, 3):
        ended("Probe", error="KeyError: 'x'", now=NOW + timedelta(minutes=minute))
    found = standing(NOW + timedelta(minutes=4))
    assert (found.failures, found.error, found.succeeded_at) == (3, "KeyError: 'x'", NOW)
    assert found.late_seconds == 180
    ended("Probe", error=None, now=NOW + timedelta(minutes=5))
    found = standing(NOW + timedelta(minutes=5))
    assert (found.failures, found.error, found.late_seconds) == (0, "", 0)


def test_one_that_never_ran_is_late_from_when_it_was_seen(caplog: pytest.LogCaptureFixture) -> None:
    """Beat that is not there, or a queue that nobody serves, is found without either of them. REQ OP-04."""
    make_entry(every=60)
    assert watch(now=NOW) == []
    assert watch(now=NOW + HOUR) == []
    (found,) = watch(now=NOW + 3 * HOUR)
    assert (found.name, found.task, found.late_seconds) == ("Probe", "probe.work", 7200)
    (line,) = [record.msg for record in caplog.records if "scheduled_job_missed" in str(record.msg)]
    assert isinstance(line, dict)
    assert (line["schedule"], line["late_seconds"], line["level"]) == ("Probe", 7200, "error")


@pytest.mark.parametrize(
    "given",
    [
        {"enabled": False},
        {"one_off": True},
        {"start_time": NOW + 100 * HOUR},
        {"expires": NOW + HOUR},
    ],
)
def test_what_need_not_run_is_not_missed(given: dict[str, Any]) -> None:
    """An entry that was switched off, runs once, begins later or has ended. REQ OP-04."""
    make_entry(every=1, **given)
    ended("Probe", error=None, now=NOW)
    assert watch(now=NOW + 10 * HOUR) == []


@shared_task(name="common.schedules.tests.probe")
def probe(wrong: bool) -> None:
    """Succeed, or not."""
    if wrong:
        raise ValueError("the disk is full")


def test_a_worker_keeps_how_each_run_ended() -> None:
    """By the header that beat sends; what somebody starts by hand is nobody's schedule. REQ OP-04."""
    import config.celery  # noqa: F401 connects the signals

    headers = {"periodic_task_name": "Probe"}
    make_entry(every=1)
    probe.apply(args=[False])
    assert not ScheduledRun.objects.exists()
    probe.apply(args=[False], headers=headers)
    run = ScheduledRun.objects.get()
    assert (run.name, run.failures, run.succeeded_at is not None) == ("Probe", 0, True)
    probe.apply(args=[True], headers=headers)
    run.refresh_from_db()
    assert (run.failures, run.error) == (1, "ValueError: the disk is full")


def told() -> dict[str, float]:
    """Return what Prometheus hears of the entry."""
    metrics: list[Metric] = list(ScheduleCollector().collect())
    return {sample.name: sample.value for metric in metrics for sample in metric.samples}


def test_operators_see_it_everywhere(client: Client, django_assert_num_queries: Any) -> None:
    """In the metrics, at `/readyz`, on the first screen and on the list of schedules. REQ OP-02, OP-04."""
    now = clock.now()
    make_entry(every=1)
    ended("Probe", error=None, now=now - HOUR)
    with django_assert_num_queries(2):
        figures = told()
    assert figures["marquee_schedule_late_seconds"] == pytest.approx(59 * 60, abs=600)
    assert figures["marquee_schedule_failures_in_a_row"] == 0
    assert figures["marquee_schedule_last_success_timestamp_seconds"] == pytest.approx(
        (now - HOUR).timestamp()
    )
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["schedules"] == {
        "status": "down", "required": False, "reason": "late: Probe",
    }  # fmt: skip
    client.force_login(make_superuser("operator@example.test"))
    cards = {card["label"]: card["count"] for card in client.get("/admin/").context["dashboard"]["todo"]}
    assert cards["Schedules late or failing"] == 1
    page = client.get("/admin/django_celery_beat/periodictask/").content.decode()
    assert re.search(r"Late by (?:59|6\d) min", page)


def test_without_its_table_nothing_else_falls_silent(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other figures still arrive, and `/readyz` says what it could not ask. REQ OP-02."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        cursor.execute("ALTER TABLE common_scheduledrun RENAME TO elsewhere")
        cursor.execute("SAVEPOINT broken")
    monkeypatch.setattr(connection, "close", lambda: cursor_back("broken"))
    assert told() == {}
    state = client.get("/readyz").json()["checks"]["schedules"]
    assert (state["status"], state["reason"]) == ("down", "ProgrammingError")
    monkeypatch.undo()
    cursor_back("before")


def cursor_back(name: str) -> None:
    """Take the test's transaction back to where it could still be used."""
    with connection.cursor() as cursor:
        cursor.execute(f"ROLLBACK TO SAVEPOINT {name}")
