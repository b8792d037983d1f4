"""Working jobs: retries, ends, time limits, order and fairness."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.audit.models import AuditEntry
from common.outbox import Drained, GiveUp, JobContext, Lane, Postpone, claim, drain, enqueue
from common.outbox.models import Job
from common.outbox.registry import LOCAL_POOL, Condition, Gate, registry
from common.outbox.testing import run_due

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def work(now: datetime = NOW) -> Drained:
    """Work the money lane once at an instant, as one drain does."""
    from common.outbox.worker import Worker

    return Worker(Lane.MONEY, read_clock=lambda: now).drain()


def test_a_failing_job_follows_its_schedule_and_then_is_dead(kind: Callable[..., Any]) -> None:
    """Three attempts, a minute and five minutes apart, each with its error; then dead. REQ OP-03, PA-05."""
    told: list[str] = []

    def fail(job: JobContext) -> None:
        raise ValueError(f"attempt {job.attempt}, last {job.is_last_attempt}")

    kind(fail, on_dead=lambda job, error: told.append(error))
    enqueue("test.job", {}, now=NOW)
    assert work().failed == 1
    assert Job.objects.get().run_at == NOW + timedelta(seconds=60)
    assert work(NOW + timedelta(seconds=59)).total == 0
    second = NOW + timedelta(seconds=60)
    assert work(second).failed == 1
    assert Job.objects.get().run_at == second + timedelta(seconds=300)
    assert work(second + timedelta(seconds=300)).dead == 1
    job = Job.objects.get()
    assert (job.status, job.attempts) == ("dead", 3)
    assert [entry["error"] for entry in job.errors] == [
        "ValueError: attempt 1, last False",
        "ValueError: attempt 2, last False",
        "ValueError: attempt 3, last True",
    ]
    assert told == ["ValueError: attempt 3, last True"]


def test_effects_of_a_failed_attempt_are_rolled_back(kind: Callable[..., Any]) -> None:
    """What a local handler wrote before it failed is not there. REQ OP-03."""

    def write_and_fail(job: JobContext) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO django_session VALUES ('half', '', now())")
        raise ValueError("late")

    kind(write_and_fail)
    enqueue("test.job", {}, now=NOW)
    assert work().failed == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session WHERE session_key = 'half'")
        assert cursor.fetchone() == (0,)


def test_giving_up_is_dead_at_once_and_postponing_is_no_attempt(kind: Callable[..., Any]) -> None:
    """A final failure is not repeated; waiting for one's turn uses up nothing. REQ OP-03."""

    def decide(job: JobContext) -> None:
        raise GiveUp("never") if job.payload["final"] else Postpone(30, "busy")

    kind(decide)
    enqueue("test.job", {"final": True}, now=NOW)
    enqueue("test.job", {"final": False}, now=NOW)
    drained = work()
    assert (drained.dead, drained.postponed) == (1, 1)
    waiting = Job.objects.get(status="pending")
    assert (waiting.attempts, waiting.run_at, waiting.note) == (0, NOW + timedelta(seconds=30), "busy")


def test_a_job_past_its_use_is_not_run_and_says_so(kind: Callable[..., Any]) -> None:
    """``not_after`` ends a job visibly, unrun. REQ OP-03."""
    ran: list[UUID] = []
    expired: list[UUID] = []
    kind(lambda job: ran.append(job.id), on_expired=lambda job: expired.append(job.id))
    job_id = enqueue("test.job", {}, now=NOW, not_after=NOW + timedelta(minutes=1))
    assert work(NOW + timedelta(minutes=2)).expired == 1
    job = Job.objects.get()
    assert (job.status, ran, expired) == ("expired", [], [job_id])
    assert "Not run" in job.note


def test_a_poison_job_blocks_nobody(kind: Callable[..., Any]) -> None:
    """Jobs behind one that fails are worked in the same drain. REQ OP-03."""

    def handle(job: JobContext) -> None:
        if job.payload["n"] == 0:
            raise RuntimeError("poison")

    kind(handle)
    for n in range(50):
        enqueue("test.job", {"n": n}, now=NOW)
    drained = work()
    assert (drained.done, drained.failed) == (49, 1)


def test_a_job_wanted_again_while_it_runs_runs_once_more(kind: Callable[..., Any]) -> None:
    """A second wish during the work is not lost: the work may have looked before it. REQ OP-03."""
    runs: list[int] = []

    def wish_again(job: JobContext) -> None:
        runs.append(job.attempt)
        if len(runs) == 1:
            assert enqueue("test.job", {}, now=NOW, dedupe_key="k") is None

    kind(wish_again)
    enqueue("test.job", {}, now=NOW, dedupe_key="k")
    assert work().done == 2
    assert len(runs) == 2
    assert Job.objects.get().status == "done"


def test_a_job_without_a_handler_fails_and_can_be_worked_by_the_next_release(
    kind: Callable[..., Any],
) -> None:
    """A kind that this process does not know is an error on the job, not the end of the worker. REQ OP-03."""
    from common.outbox.registry import registry

    kind(lambda job: None)
    enqueue("test.job", {}, now=NOW)
    registry.remove("test.job")
    assert work().failed == 1
    assert "UnknownKind" in Job.objects.get().errors[0]["error"]


def test_errors_keep_no_secrets_and_are_grouped(kind: Callable[..., Any]) -> None:
    """Keys and tokens are masked where the error is stored; like errors share a group. REQ OP-03, OP-01."""

    def fail(job: JobContext) -> None:
        raise ValueError(f"no answer for {uuid4()} with sk_test_abcdefgh123456 after {job.payload['n']} s")

    kind(fail)
    for n in range(2):
        enqueue("test.job", {"n": n}, now=NOW)
    work()
    jobs = list(Job.objects.all())
    assert all("sk_test" not in job.errors[0]["error"] for job in jobs)
    assert len({job.error_group for job in jobs}) == 1


def test_a_remote_handler_runs_outside_and_finishes_inside_a_transaction(kind: Callable[..., Any]) -> None:
    """The call goes out with no transaction of ours around it; what it returns commits with "done". REQ OP-03."""
    seen: list[tuple[str, int]] = []

    def call(job: JobContext) -> Callable[[], None]:
        seen.append(("call", Job.objects.get(pk=job.id).attempts))
        return lambda: seen.append(("finish", 0))

    kind(call, is_remote=True)
    enqueue("test.job", {}, now=NOW)
    assert work().done == 1
    assert seen == [("call", 1), ("finish", 0)]


@pytest.mark.parametrize("started_at", [UUID(int=0), UUID(int=2), UUID(int=9)], ids=["small", "large", "end"])
def test_bulk_takes_turns_between_organizations(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, started_at: UUID
) -> None:
    """A hundred jobs of one organization do not keep another's two waiting, wherever a process begins. REQ OP-03.

    The other is served in the second claim at the latest.
    """
    order: list[UUID] = []
    kind(lambda job: order.append(job.organization_id), lane=Lane.BULK)
    small, large = UUID(int=1), UUID(int=3)
    monkeypatch.setattr(claim, "turns", claim.Turns())
    claim.turns.served(LOCAL_POOL, started_at)
    for n in range(100):
        enqueue("test.job", {"n": n}, now=NOW, organization_id=large)
    for n in range(2):
        enqueue("test.job", {"n": n}, now=NOW, organization_id=small)
    run_due(NOW, lanes=[Lane.BULK])
    assert len(order) == 102
    assert max(place for place, who in enumerate(order) if who == small) < 2 * claim.LOCAL_BATCH


def test_a_gate_lets_through_what_it_has_and_waiting_writes_nothing(kind: Callable[..., Any]) -> None:
    """A limited lane claims only as much as it may; the rest is not touched. REQ OP-03, NO-01."""
    tokens = [3]

    def take(job: JobContext) -> None:
        tokens[0] -= 1

    allowed = "j.payload ->> 'to' <> %s"
    gate = Gate("test", lambda now, want: min(want, tokens[0]), lambda now: Condition(allowed, ("full",)))
    kind(take, gate=gate)
    enqueue("test.job", {"to": "full"}, now=NOW)
    for n in range(5):
        enqueue("test.job", {"to": f"person{n}"}, now=NOW)
    assert work().done == 3
    untouched = Job.objects.filter(status="pending")
    assert untouched.count() == 3
    assert set(untouched.values_list("claim", flat=True)) == {0}
    tokens[0] = 5
    assert work().done == 2
    assert Job.objects.get(status="pending").payload == {"to": "full"}


def test_finished_jobs_go_after_seven_days_and_dead_ones_stay(kind: Callable[..., Any]) -> None:
    """What is done is kept a week, what is dead until somebody decides. REQ OP-03."""
    from common.outbox.services import delete_finished

    kind(lambda job: None)
    for n, (status, age) in enumerate([("done", 8), ("expired", 8), ("done", 6), ("dead", 30)]):
        job_id = enqueue("test.job", {"n": n}, now=NOW)
        Job.objects.filter(pk=job_id).update(status=status, finished_at=NOW - timedelta(days=age))
    assert delete_finished(now=NOW, batch=1) == 2
    assert sorted(Job.objects.values_list("status", flat=True)) == ["dead", "done"]
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize("lane", [Lane.MONEY, Lane.BULK])
def test_the_claim_reads_the_partial_index_beside_many_done_jobs(
    kind: Callable[..., Any], lane: Lane
) -> None:
    """What is done costs a claim nothing: its own statement uses an index of what waits. REQ OP-07.

    There are two of those, and where nothing waits they are as good as each other.
    """
    (pool,) = (one for one in registry.pools(lane) if one.name == LOCAL_POOL)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO common_job (id, kind, lane, pool, payload, status, run_at, attempts, max_attempts, claim,
                   alone, again, errors, error_group, note, trace_id, created_at, finished_at)
               SELECT gen_random_uuid(), 'test.job', %s, 'local', '{}', 'done', now(), 1, 3, 1,
                   false, false, '[]', '', '', '', now(), now() FROM generate_series(1, 20000)""",
            [lane.value],
        )
        cursor.execute("ANALYZE common_job")
        with CaptureQueriesContext(connection) as asked:
            assert claim.claim(lane, pool, NOW, 20) == []
        for statement in asked.captured_queries:
            cursor.execute("EXPLAIN " + statement["sql"])
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert re.search(r"using job_pending(_turns)? ", plan), plan
            assert "Seq Scan on common_job" not in plan, plan
    assert len(asked) == (2 if lane is Lane.BULK else 1)


def test_draining_inside_a_transaction_is_refused() -> None:
    """A drain commits job by job: inside somebody's transaction it could not. REQ OP-03."""
    with pytest.raises(RuntimeError):
        drain(Lane.MONEY)
