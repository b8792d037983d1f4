"""Dead letters run again for real, or are given up with a reason; each act by whom and why."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.audit.models import AuditEntry
from common.errors import Invalid
from common.inbox import InboxEvent, InboxStatus, accept
from common.outbox import Lane, NewJob, enqueue, enqueue_many
from common.outbox.dead_letters import DeadFilter, discard, groups, last_error, retry, shown_payload
from common.outbox.models import Job
from common.outbox.testing import run_due
from common.outbox.tests.factories import NOW, make_dead
from common.types import Actor
from config.local_stack.testing.race import Race

ANN = Actor(user_id=uuid4(), label="ann@example.test")
LATER = NOW + timedelta(hours=1)
pytestmark = pytest.mark.django_db


class Flaky:
    """A handler that fails until it is mended."""

    def __init__(self) -> None:
        self.is_mended = False
        self.ran = 0

    def __call__(self, job: object) -> None:
        """Work, or fail."""
        self.ran += 1
        if not self.is_mended:
            raise ValueError("boom")


@pytest.fixture
def flaky(kind: Callable[..., Any]) -> Flaky:
    """Give the handler of ``test.job``, which fails at first."""
    handler = Flaky()
    kind(handler)
    return handler


def row(job: Job) -> tuple[Any, ...]:
    """Return what an act could have changed about a job."""
    job.refresh_from_db()
    return job.status, job.attempts, job.run_at, job.finished_at, job.note, job.error_group


def test_a_retried_job_has_all_attempts_again_and_runs(flaky: Flaky) -> None:
    """After its three attempts a job is dead; retried, it runs, may fail thrice more, and keeps its history.

    REQ PA-05, OP-03.
    """
    job_id = enqueue("test.job", {}, now=NOW)
    for hours in (0, 1, 2):
        run_due(NOW + timedelta(hours=hours))
    assert (flaky.ran, Job.objects.get().status) == (3, "dead")
    again = NOW + timedelta(hours=3)
    [answer] = retry([job_id], actor=ANN, reason=" mended ", now=again)
    assert (answer.job_id, answer.kind, answer.is_done) == (job_id, "test.job", True)
    job = Job.objects.get()
    assert (job.status, job.attempts, job.run_at, job.finished_at) == ("pending", 0, again, None)
    assert len(job.errors) == 3
    run_due(again)
    assert (Job.objects.get().status, Job.objects.get().attempts) == ("pending", 1)
    flaky.is_mended = True
    run_due(again + timedelta(hours=1))
    assert (flaky.ran, Job.objects.get().status) == (5, "done")


def test_each_act_on_each_job_is_in_the_audit_history(flaky: Flaky) -> None:
    """Who, what, why and where is kept for each row. REQ PA-05, EV-04."""
    organization = uuid4()
    first, second = make_dead(organization_id=organization), make_dead()
    retry([first.pk], actor=ANN, reason="mended", now=LATER)
    discard([second.pk], actor=ANN, reason="not  needed", now=LATER)
    kept = AuditEntry.objects.order_by("id").values_list(
        "action", "subject_id", "organization_id", "reason", "actor_id", "at", "changes"
    )
    assert list(kept) == [
        ("common.retry_dead_letter", str(first.pk), organization, "mended", ANN.user_id, LATER,
         {"status": ["dead", "pending"]}),
        ("common.discard_dead_letter", str(second.pk), None, "not needed", ANN.user_id, LATER,
         {"status": ["dead", "discarded"]}),
    ]  # fmt: skip


def test_a_discarded_job_keeps_the_reason_and_never_runs(flaky: Flaky) -> None:
    """What is given up says why, and is out of the console and of the queue. REQ PA-05."""
    job = make_dead()
    [answer] = discard([job.pk], actor=ANN, reason="the order was refunded by hand", now=LATER)
    assert answer.is_done
    assert row(job)[:5] == ("discarded", 3, NOW, LATER, "the order was refunded by hand")
    assert run_due(LATER + timedelta(days=1)) == 0
    assert groups() == []


@pytest.mark.parametrize("act", [retry, discard])
@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 481])
def test_no_act_without_a_reason(flaky: Flaky, act: Any, reason: str) -> None:
    """An act without a reason (or with a novel) is refused and changes nothing. REQ PA-05."""
    job = make_dead()
    before = row(job)
    with pytest.raises(Invalid) as refused:
        act([job.pk], actor=ANN, reason=reason, now=LATER)
    assert refused.value.errors[0].field == "reason"
    assert row(job) == before
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("act", [retry, discard])
@pytest.mark.parametrize(
    ("status", "told"),
    [("pending", "pending"), ("running", "running"), ("done", "done"), ("discarded", "discarded")],
)
def test_only_dead_jobs_are_touched(flaky: Flaky, act: Any, status: str, told: str) -> None:
    """A job that somebody else retried meanwhile, or that is done, is left alone. REQ PA-05."""
    ended = None if status in {"pending", "running"} else NOW
    job = make_dead(status=status, finished_at=ended, lease_until=LATER if status == "running" else None)
    before = row(job)
    [answer] = act([job.pk], actor=ANN, reason="why", now=LATER)
    assert (answer.is_done, answer.message) == (False, f"It is not dead any more, but {told}.")
    assert row(job) == before
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("act", [retry, discard])
def test_another_organizations_job_is_answered_like_a_missing_one(flaky: Flaky, act: Any) -> None:
    """A rival can neither act on nor learn of a job, nor of those that belong to nobody. REQ EV-04, PA-05."""
    mine, theirs = uuid4(), uuid4()
    own, foreign, nobodys = make_dead(organization_id=mine), make_dead(organization_id=theirs), make_dead()
    before = [row(foreign), row(nobodys)]
    missing = uuid4()
    answers = act(
        [own.pk, foreign.pk, nobodys.pk, missing], actor=ANN, reason="why", now=LATER, organizations={mine}
    )
    told = {one.job_id: (one.is_done, one.kind, one.message) for one in answers}
    assert told[own.pk][0]
    assert told[foreign.pk] == told[nobodys.pk] == told[missing] == (False, "", "There is no such job.")
    assert [row(foreign), row(nobodys)] == before
    assert [group.count for group in groups({mine, theirs})] == [1]


def test_a_whole_group_or_filter_is_acted_on(kind: Callable[..., Any]) -> None:
    """A group of one error, a kind, a lane, a time: each chooses exactly its jobs. REQ PA-05."""
    kind(lambda job: None)
    kind(lambda job: None, name="test.other")
    organization = uuid4()
    boom = [make_dead(error=f"ValueError: order {n} boom").pk for n in (17, 18)]
    other = make_dead(kind="test.other", organization_id=organization, lane="bulk", at=LATER)

    def acted(only: DeadFilter) -> set[Any]:
        with transaction.atomic():
            answers = retry(only, actor=ANN, reason="why", now=LATER)
            transaction.set_rollback(True)
        return {one.job_id for one in answers if one.is_done}

    group = Job.objects.get(pk=boom[0]).error_group
    assert acted(DeadFilter(group=group)) == set(boom)
    assert acted(DeadFilter(kind="test.other")) == {other.pk}
    assert acted(DeadFilter(lane="bulk")) == {other.pk}
    assert acted(DeadFilter(since=LATER)) == {other.pk}
    assert acted(DeadFilter(organization_id=organization)) == {other.pk}
    assert acted(DeadFilter()) == {*boom, other.pk}
    assert acted(DeadFilter(kind="test.none")) == set()


def test_groups_show_count_example_and_span(flaky: Flaky) -> None:
    """Errors that differ in ids alone are one group; secrets are masked. REQ PA-05, OP-03."""
    make_dead(error="ValueError: order 17 is lost")
    make_dead(error="ValueError: order 18 is lost, key sk_test_abcdefghijklmnop", at=NOW - timedelta(days=1))
    make_dead(error="ValueError: order 19 is lost", at=LATER)
    make_dead(error="KeyError: name")
    found = groups()
    assert [(one.kind, one.count) for one in found] == [("test.job", 2), ("test.job", 1), ("test.job", 1)]
    assert found[0].sample_error == "ValueError: order 19 is lost"
    assert (found[0].first_at, found[0].last_at) == (NOW, LATER)
    assert "sk_test" not in " ".join(one.sample_error for one in found)


def test_payload_and_errors_are_shown_without_secrets() -> None:
    """People see what a job was about, never a token or an access code. REQ PA-05."""
    job = make_dead(
        payload={"order": "o-1", "access_code": "abc", "to": [{"token": "t"}]},
        errors=[{"at": "x", "attempt": 1, "error": "HTTPError: Bearer abcdefgh.ijk"}],
    )
    assert shown_payload(job) == {"order": "o-1", "access_code": "[masked]", "to": [{"token": "[masked]"}]}
    assert last_error(job) == "HTTPError: [masked]"


def test_a_kind_that_nobody_works_is_refused(flaky: Flaky) -> None:
    """A job of a kind that a release removed would only die again: it is refused, and can be discarded.

    REQ PA-05.
    """
    job = make_dead(kind="test.removed")
    before = row(job)
    [answer] = retry([job.pk], actor=ANN, reason="why", now=LATER)
    assert (answer.is_done, answer.message) == (False, "Nobody works jobs of kind test.removed any more.")
    assert row(job) == before
    [gone] = discard([job.pk], actor=ANN, reason="why", now=LATER)
    assert gone.is_done


def test_a_job_whose_time_is_over_is_refused(flaky: Flaky) -> None:
    """A retried job really runs; one past its time of use would not, so it is refused. REQ PA-05."""
    job = make_dead(not_after=NOW)
    before = row(job)
    [answer] = retry([job.pk], actor=ANN, reason="why", now=LATER)
    assert (answer.is_done, answer.message) == (False, "It was of use until 2026-11-21 12:00 UTC only.")
    assert row(job) == before


def test_work_that_waits_under_the_same_key_is_not_doubled(flaky: Flaky) -> None:
    """A newer job of the same key, and a twin in the same act, are never run side by side. REQ OP-03."""
    waiting, twins = make_dead(dedupe_key="a"), [make_dead(dedupe_key="b"), make_dead(dedupe_key="b")]
    enqueue("test.job", {}, now=NOW, dedupe_key="a")
    answers = retry([waiting.pk, *(twin.pk for twin in twins)], actor=ANN, reason="why", now=LATER)
    told = {one.job_id: one.is_done for one in answers}
    assert not told[waiting.pk]
    assert sorted(told[twin.pk] for twin in twins) == [False, True]
    assert Job.objects.filter(dedupe_key="a", status="pending").count() == 1
    assert Job.objects.filter(dedupe_key="b", status="pending").count() == 1


def test_a_release_that_changed_the_terms_is_followed(kind: Callable[..., Any]) -> None:
    """A retried job runs on its kind's present terms. REQ OP-03."""
    kind(lambda job: None, is_remote=True, retry_after=(1, 2, 3, 4))
    job = make_dead()
    retry([job.pk], actor=ANN, reason="why", now=LATER)
    job.refresh_from_db()
    assert (job.pool, job.max_attempts) == ("remote", 5)


def test_bulk_acts_are_batches_of_few_statements(flaky: Flaky) -> None:
    """1,200 jobs are three transactions; the statements do not grow with the rows. REQ PA-05."""
    enqueue_many([NewJob("test.job", {"n": n}) for n in range(1200)], now=NOW)
    Job.objects.update(status="dead", finished_at=NOW, attempts=3, error_group="g")
    with CaptureQueriesContext(connection) as queries:
        answers = retry(DeadFilter(group="g"), actor=ANN, reason="why", now=LATER)
    assert sum(one.is_done for one in answers) == 1200
    assert AuditEntry.objects.count() == 1200
    # The ids once, then savepoint, look, update, inbox, audit, release for each of three batches.
    assert len(queries) <= 1 + 3 * 7


def _event() -> InboxEvent:
    accepted = accept(
        provider="stripe", livemode=False, event_id="evt_1", event_type="t", api_version="v", body=b"{}",
        job_kind="test.job", lane=Lane.MONEY, now=NOW,
    )  # fmt: skip
    Job.objects.update(status="dead", finished_at=NOW, attempts=3)
    return InboxEvent.objects.get(pk=accepted.id)


def test_the_webhook_of_a_retried_job_is_shown_as_received(flaky: Flaky) -> None:
    """The inbox and the console tell one story. REQ PA-05, PA-10."""
    event = _event()
    InboxEvent.objects.update(status="dead", finished_at=NOW)
    retry([event.job_id], actor=ANN, reason="why", now=LATER)
    event.refresh_from_db()
    assert (event.status, event.finished_at) == (InboxStatus.RECEIVED, None)


def test_a_discarded_webhook_stays_discarded_when_it_comes_again(flaky: Flaky) -> None:
    """What staff gave up is not worked because the provider repeats itself. REQ PA-05, PA-10."""
    event = _event()
    discard([event.job_id], actor=ANN, reason="test mode noise", now=LATER)
    again = accept(
        provider="stripe", livemode=False, event_id="evt_1", event_type="t", api_version="v", body=b"{}",
        job_kind="test.job", lane=Lane.MONEY, now=LATER,
    )  # fmt: skip
    event.refresh_from_db()
    assert (again.is_new, event.status, event.note) == (
        False, InboxStatus.IGNORED, "Discarded: test mode noise"
    )  # fmt: skip
    assert run_due(LATER) == 0
    assert flaky.ran == 0


@pytest.mark.django_db(transaction=True)
def test_many_people_retry_one_job_once(flaky: Flaky, race: Race) -> None:
    """Twenty who press at once: one retry, one audit entry, nineteen refusals. REQ PA-05."""
    job = make_dead()
    outcomes = race(20, lambda _: retry([job.pk], actor=ANN, reason="why", now=LATER)[0].is_done)
    assert outcomes.count(True) == 1
    assert outcomes.count(False) == 19
    assert AuditEntry.objects.count() == 1
