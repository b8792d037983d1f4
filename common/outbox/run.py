"""Working one claimed job to its end, whatever its handler does."""

import time
from collections.abc import Callable
from datetime import datetime
from enum import Enum

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from common.db import lost_race
from common.outbox import finish
from common.outbox.claim import WORKER_LOST, Claimed
from common.outbox.failures import describe, fingerprint
from common.outbox.finish import TakenOver
from common.outbox.registry import DEFAULT_RETRY_AFTER, Finisher, Kind, registry
from common.outbox.types import GiveUp, JobContext, Postpone, UnknownKind
from common.requests import tracing

Clock = Callable[[], datetime]
_TRIES = 3

log = structlog.get_logger(__name__)


class Outcome(Enum):
    """How an attempt ended; the values are the counters of ``Drained``."""

    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    POSTPONED = "postponed"
    EXPIRED = "expired"
    LOST = "lost"


class DatabaseGone(Exception):
    """The connection broke in the middle of a job; its lease, or this worker once it is back, returns it."""


def run(job: Claimed, read_clock: Clock) -> Outcome:
    """Work one job and record how it went. Raises ``DatabaseGone`` alone."""
    with tracing(job.trace_id, job_id=job.id, job_kind=job.kind, attempt=job.attempts):
        started = time.perf_counter()
        try:
            outcome = _run(job, read_clock)
        except TakenOver:
            log.warning("job_taken_over")
            return Outcome.LOST
        except (OperationalError, InterfaceError) as error:
            raise DatabaseGone(describe(error)) from error
        if job.trace_id:
            # What somebody's request began can be followed to its end; the clock's own work says nothing.
            took = round((time.perf_counter() - started) * 1000, 1)
            log.info("job_ended", outcome=outcome.value, duration_ms=took)
        return outcome


def _run(job: Claimed, read_clock: Clock) -> Outcome:
    now = read_clock()
    context = JobContext(
        id=job.id,
        kind=job.kind,
        payload=job.payload,
        attempt=job.attempts,
        is_last_attempt=job.attempts >= job.max_attempts,
        organization_id=job.organization_id,
        trace_id=job.trace_id,
        now=now,
    )
    try:
        kind = registry.get(job.kind)
    except UnknownKind as error:
        return _fail(None, job, context, describe(error), read_clock)
    if job.attempts > job.max_attempts:
        return _bury(kind, job, context, WORKER_LOST, read_clock)
    if job.not_after is not None and now > job.not_after:
        return _expire(kind, job, context)
    return _attempt(kind, job, context, read_clock)


def _attempt(kind: Kind, job: Claimed, context: JobContext, read_clock: Clock) -> Outcome:
    try:
        if kind.is_remote:
            finisher = kind.handler(context)
            _commit(finisher, job, read_clock)
        else:
            _commit(lambda: kind.handler(context), job, read_clock)
    except Postpone as later:
        with transaction.atomic():
            finish.postponed(job, read_clock(), later.seconds, later.reason)
        return Outcome.POSTPONED
    except GiveUp as error:
        return _bury(kind, job, context, describe(error), read_clock)
    except TakenOver:
        raise
    except Exception as error:
        if isinstance(error, OperationalError | InterfaceError) and not _is_connected():
            raise
        log.warning("job_failed", error=describe(error), exc_info=job.attempts >= job.max_attempts)
        return _fail(kind, job, context, describe(error), read_clock)
    return Outcome.DONE


def _commit(effects: Finisher | None, job: Claimed, read_clock: Clock) -> None:
    """Commit the effects together with "done"; a lost race for locks is run again, twice."""
    for attempt in range(1, _TRIES + 1):
        try:
            with transaction.atomic():
                if effects is not None:
                    effects()
                finish.done(job, read_clock())
        except OperationalError as error:
            if attempt == _TRIES or not lost_race(error):
                raise
        else:
            return


def _fail(kind: Kind | None, job: Claimed, context: JobContext, error: str, read_clock: Clock) -> Outcome:
    if job.attempts >= job.max_attempts:
        return _bury(kind, job, context, error, read_clock)
    schedule = (kind.retry_after if kind else ()) or DEFAULT_RETRY_AFTER
    wait = schedule[min(job.attempts, len(schedule)) - 1]
    with transaction.atomic():
        finish.failed(job, read_clock(), error, fingerprint(job.kind, error), wait)
    return Outcome.FAILED


def _bury(kind: Kind | None, job: Claimed, context: JobContext, error: str, read_clock: Clock) -> Outcome:
    """Put the job with the dead letters and tell its kind, in one transaction."""
    group = fingerprint(job.kind, error)
    log.error("job_dead", error=error, error_group=group)
    try:
        with transaction.atomic():
            finish.dead(job, read_clock(), error, group)
            if kind is not None and kind.on_dead is not None:
                kind.on_dead(context, error)
    except TakenOver:
        raise
    except Exception as second:
        if isinstance(second, OperationalError | InterfaceError) and not _is_connected():
            raise
        # It is dead all the same: that nobody could be told belongs into its history.
        log.exception("job_on_dead_failed")
        with transaction.atomic():
            finish.dead(job, read_clock(), f"{error} (and on_dead failed: {describe(second)})", group)
    return Outcome.DEAD


def _expire(kind: Kind, job: Claimed, context: JobContext) -> Outcome:
    with transaction.atomic():
        finish.expired(job, context.now)
        if kind.on_expired is not None:
            kind.on_expired(context)
    log.info("job_expired")
    return Outcome.EXPIRED


def _is_connected() -> bool:
    return connection.connection is not None and connection.is_usable()
