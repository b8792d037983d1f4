"""What is left to people: jobs that used up their attempts. They run again, or are given up with a reason.

Bulk acts go in batches, each its own transaction, and answer row by row. ``organizations`` is what the actor
may reach (None: everything, also jobs of no organization); a job outside of it is answered like a missing one.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from common.audit.models import AuditEntry
from common.audit.services import entry_of, record_many
from common.db import retrying, violated
from common.errors import Busy, Invalid
from common.inbox import store
from common.logging import masked
from common.outbox import wake
from common.outbox.models import Job
from common.outbox.registry import registry
from common.outbox.types import JobStatus, Lane, UnknownKind
from common.outbox.words import kind_words
from common.types import Actor

BATCH = 500
LONGEST_REASON = 480
_TRIES = 3

Organizations = Collection[UUID] | None


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Which dead jobs are meant; what is left empty does not limit. ``since``: died at or after."""

    kind: str = ""
    group: str = ""
    lane: str = ""
    since: datetime | None = None
    organization_id: UUID | None = None


Chosen = Sequence[UUID] | DeadFilter


@dataclass(frozen=True, slots=True)
class ActOnJob:
    """What came of one job: done, or why it was refused (then nothing about it changed)."""

    job_id: UUID
    kind: str
    is_done: bool
    message: str


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Dead jobs of one kind that died of the same error, but for ids and numbers in it."""

    group: str
    kind: str
    count: int
    sample_error: str
    first_at: datetime
    last_at: datetime

    @property
    def words(self) -> str:
        """What the jobs were to do, in words."""
        return kind_words(self.kind)


@dataclass(frozen=True, slots=True)
class _Deed:
    """One act with its terms: what it refuses, and what it does to the rows that are left."""

    action: str
    actor: Actor
    reason: str
    now: datetime
    organizations: Organizations
    becomes: JobStatus
    done: str
    refusals: Callable[[Sequence[Job], datetime], dict[UUID, str]]
    carry_out: Callable[[Sequence[Job], str, datetime], None]


def retry(
    chosen: Chosen, *, actor: Actor, reason: str, now: datetime, organizations: Organizations = None
) -> list[ActOnJob]:
    """Give dead jobs all their attempts again, due now, and return what came of each.

    Refused: a job that is not dead (any more), whose kind nobody works, whose time of use is over, or whose
    work waits or runs already under the same key. Raises ``Invalid`` without a reason.
    """
    deed = _Deed(
        "common.retry_dead_letter", actor, given(reason), now, organizations,
        JobStatus.PENDING, "It runs again.", _not_retried, _bring_back,
    )  # fmt: skip
    return _act(chosen, deed)


def discard(
    chosen: Chosen, *, actor: Actor, reason: str, now: datetime, organizations: Organizations = None
) -> list[ActOnJob]:
    """Give dead jobs up for good, keeping the reason on them, and return what came of each.

    A webhook whose job is discarded counts as ignored. Raises ``Invalid`` without a reason.
    """
    deed = _Deed(
        "common.discard_dead_letter", actor, given(reason), now, organizations,
        JobStatus.DISCARDED, "It is discarded.", lambda jobs, now: {}, _give_up,
    )  # fmt: skip
    return _act(chosen, deed)


def dead_jobs(organizations: Organizations, only: DeadFilter | None = None) -> QuerySet[Job]:
    """Return the dead jobs that somebody may see, those that died last first."""
    jobs = Job.objects.filter(status=JobStatus.DEAD)
    if organizations is not None:
        jobs = jobs.filter(organization_id__in=organizations)
    if only is not None:
        terms = {
            "kind": only.kind,
            "error_group": only.group,
            "lane": only.lane,
            "finished_at__gte": only.since,
            "organization_id": only.organization_id,
        }
        jobs = jobs.filter(**{name: value for name, value in terms.items() if value})
    return jobs.order_by("-finished_at", "-id")


def groups(organizations: Organizations = None, *, limit: int = 50) -> list[ErrorGroup]:
    """Return the errors that jobs died of, the most frequent first, each with its latest example. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT error_group, kind, count(*),
                   (array_agg(errors -> -1 ->> 'error' ORDER BY finished_at DESC))[1],
                   min(finished_at), max(finished_at)
              FROM common_job
             WHERE status = 'dead' AND (%(all)s OR organization_id = ANY(%(some)s::uuid[]))
             GROUP BY error_group, kind ORDER BY count(*) DESC, max(finished_at) DESC, error_group LIMIT %(limit)s
            """,
            {"all": organizations is None, "some": list(organizations or ()), "limit": limit},
        )
        return [
            ErrorGroup(group, kind, count, masked(error or ""), first, last)
            for group, kind, count, error, first, last in cursor.fetchall()
        ]


def shown_payload(job: Job) -> Any:
    """Return the job's payload as people may see it: secrets masked."""
    return masked(job.payload)


def last_error(job: Job) -> str:
    """Return what the last attempt died of, secrets masked; empty when no attempt failed."""
    return str(masked(job.errors[-1].get("error", ""))) if job.errors else ""


def given(reason: str) -> str:
    """Return the reason in one line; ``Invalid`` when there is none, or too much of it."""
    reason = " ".join(reason.split())
    if not reason:
        raise Invalid.field("reason", "required", "Say why.")
    if len(reason) > LONGEST_REASON:
        raise Invalid.field("reason", "max_length", f"At most {LONGEST_REASON} characters.")
    return reason


def _act(chosen: Chosen, deed: _Deed) -> list[ActOnJob]:
    if isinstance(chosen, DeadFilter):
        ids = list(dead_jobs(deed.organizations, chosen).values_list("pk", flat=True))
    else:
        ids = list(dict.fromkeys(chosen))
    return [one for batch in _batches(ids) for one in _act_on_batch(batch, deed)]


def _batches(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    # By id, so that two people's batches lock in one order.
    ordered = sorted(ids)
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))


@retrying
def _act_on_batch(ids: Sequence[UUID], deed: _Deed) -> list[ActOnJob]:
    """Act on up to 500 jobs in one transaction; again when a new job took a key between the look and the act."""
    for _ in range(_TRIES):
        try:
            with transaction.atomic():
                return _act_under_lock(ids, deed)
        except IntegrityError as error:
            if not violated(error, "job_dedupe_key"):
                raise
    raise Busy


def _act_under_lock(ids: Sequence[UUID], deed: _Deed) -> list[ActOnJob]:
    reachable = Job.objects.filter(pk__in=ids)
    if deed.organizations is not None:
        reachable = reachable.filter(organization_id__in=deed.organizations)
    found = {job.pk: job for job in reachable.defer("payload", "errors").order_by("pk").select_for_update()}
    dead = [job for job in found.values() if job.status == JobStatus.DEAD]
    refused = deed.refusals(dead, deed.now)
    taken = [job for job in dead if job.pk not in refused]
    if taken:
        deed.carry_out(taken, deed.reason, deed.now)
        record_many([_entry(job, deed) for job in taken])
    done = {job.pk for job in taken}
    return [_answer(job_id, found.get(job_id), job_id in done, refused.get(job_id), deed) for job_id in ids]


def _answer(job_id: UUID, job: Job | None, is_done: bool, refusal: str | None, deed: _Deed) -> ActOnJob:
    if job is None:
        return ActOnJob(job_id, "", False, "There is no such job.")
    if is_done:
        return ActOnJob(job_id, job.kind, True, deed.done)
    state = JobStatus(job.status).label.lower()
    return ActOnJob(job_id, job.kind, False, refusal or f"It is not dead any more, but {state}.")


def _entry(job: Job, deed: _Deed) -> AuditEntry:
    return entry_of(
        actor=deed.actor,
        action=deed.action,
        subject=job,
        organization_id=job.organization_id,
        reason=deed.reason,
        changes={"status": [JobStatus.DEAD.value, deed.becomes.value]},
        now=deed.now,
    )


def _not_retried(jobs: Sequence[Job], now: datetime) -> dict[UUID, str]:
    keys = {job.dedupe_key for job in jobs if job.dedupe_key is not None}
    live = [JobStatus.PENDING, JobStatus.RUNNING]
    taken = set(
        Job.objects.filter(dedupe_key__in=keys, status__in=live).values_list("dedupe_key", flat=True)
        if keys
        else ()
    )
    refused = {}
    for job in jobs:
        refusal = _refusal(job, now, taken)
        if refusal:
            refused[job.pk] = refusal
        elif job.dedupe_key is not None:
            taken.add(job.dedupe_key)
    return refused


def _refusal(job: Job, now: datetime, taken: Collection[str | None]) -> str:
    try:
        registry.get(job.kind)
    except UnknownKind:
        return f"Nobody works jobs of kind {job.kind} any more."
    if job.not_after is not None and job.not_after < now:
        return f"It was of use until {job.not_after:%Y-%m-%d %H:%M} UTC only."
    if job.dedupe_key is not None and job.dedupe_key in taken:
        return "The same work waits or runs already as a newer job."
    return ""


# The kind's present terms, not those of the day when it was written: a release may have changed them.
_RETRY = """
UPDATE common_job j SET status = 'pending', run_at = %s, attempts = 0, max_attempts = new.max_attempts,
    pool = new.pool, finished_at = NULL, error_group = '', note = '', again = false
FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS new (id, pool, max_attempts)
WHERE j.id = new.id AND j.status = 'dead'
"""


def _bring_back(jobs: Sequence[Job], reason: str, now: datetime) -> None:
    kinds = [registry.get(job.kind) for job in jobs]
    ids = [job.pk for job in jobs]
    with connection.cursor() as cursor:
        cursor.execute(
            _RETRY, [now, ids, [kind.pool for kind in kinds], [kind.max_attempts for kind in kinds]]
        )
    store.jobs_retried(ids)
    wake.on_commit({Lane(job.lane) for job in jobs})


def _give_up(jobs: Sequence[Job], reason: str, now: datetime) -> None:
    ids = [job.pk for job in jobs]
    Job.objects.filter(pk__in=ids, status=JobStatus.DEAD).update(
        status=JobStatus.DISCARDED, note=reason, finished_at=now
    )
    store.jobs_discarded(ids, reason, now=now)
