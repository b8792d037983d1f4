"""Emptying a lane: claim, work, again, until nothing is due. The same loop under Celery and ``run_jobs``."""

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, connection

from common import clock
from common.outbox import metrics
from common.outbox.claim import LOCAL_BATCH, Claimed, claim, lease_for, reclaim, release, renew
from common.outbox.heartbeat import keeping
from common.outbox.registry import Pool, registry
from common.outbox.run import Clock, DatabaseGone, run
from common.outbox.types import Drained, Lane, UnknownKind

# How often a worker that is busy looks for jobs of lost workers; when idle it looks each time it is woken.
_RECLAIM_EVERY_SECONDS = 5.0
_SPARE = timedelta(seconds=5)
_LONGEST_BACKOFF_SECONDS = 5.0

log = structlog.get_logger(__name__)


def _never() -> bool:
    return False


class Worker:
    """Works one lane. ``should_stop`` is asked between jobs: what was claimed and not begun is given back."""

    def __init__(
        self, lane: Lane, *, read_clock: Clock = clock.now, should_stop: Callable[[], bool] = _never
    ) -> None:
        self.lane = lane
        self._read_clock = read_clock
        self._should_stop = should_stop
        self._held: deque[Claimed] = deque()
        self._next_reclaim = 0.0

    def drain(self, limit: int | None = None) -> Drained:
        """Work until nothing is due, ``limit`` jobs are worked, or a stop is asked for."""
        drained = Drained()
        self._give_back()
        while not self._should_stop() and self._room(drained, limit):
            before = drained.total
            self._take_over(drained, limit)
            for pool in registry.pools(self.lane):
                if self._room(drained, limit):
                    self._work(pool, drained, self._room(drained, limit))
            if drained.total == before:
                break
        return drained

    def drain_on(self, until: Callable[[], bool]) -> Drained:
        """Drain again and again when the database goes and comes back, until the lane is empty or ``until()``."""
        drained, backoff = Drained(), 0.1
        while not until():
            try:
                drained.add(self.drain())
            except (DatabaseGone, OperationalError, InterfaceError) as error:
                log.warning("database_gone", lane=self.lane.value, error=type(error).__name__)
                connection.close()
                pause(backoff, until)
                backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)
            else:
                break
        return drained

    def _room(self, drained: Drained, limit: int | None) -> int:
        return LOCAL_BATCH if limit is None else max(0, min(LOCAL_BATCH, limit - drained.total))

    def _work(self, pool: Pool, drained: Drained, want: int) -> None:
        now = self._read_clock()
        lease_until = lease_for(pool, now)
        self._held.extend(claim(self.lane, pool, now, want))
        while self._held and not self._should_stop():
            lease_until = self._keep_lease(pool, lease_until)
            if self._held:
                self._run_first(drained)
        self._give_back()

    def _run_first(self, drained: Drained) -> None:
        job = self._held[0]
        started = time.perf_counter()
        with keeping(self._held, _timeout(job), self._read_clock):
            outcome = run(job, self._read_clock)
        self._held.popleft()
        setattr(drained, outcome.value, getattr(drained, outcome.value) + 1)
        drained.kinds[job.kind] = drained.kinds.get(job.kind, 0) + 1
        metrics.finished(self.lane, job.kind, outcome.value, time.perf_counter() - started)

    def _take_over(self, drained: Drained, limit: int | None) -> None:
        """Work what lost workers held, one at a time."""
        if time.monotonic() < self._next_reclaim:
            return
        longest = max(registry.pools(self.lane), key=lambda pool: pool.longest_timeout)
        while self._room(drained, limit) and not self._should_stop():
            now = self._read_clock()
            job = reclaim(self.lane, now, lease_for(longest, now))
            if job is None:
                break
            log.warning("job_reclaimed", job_id=str(job.id), job_kind=job.kind, attempt=job.attempts)
            self._held.append(job)
            self._run_first(drained)
        self._next_reclaim = time.monotonic() + _RECLAIM_EVERY_SECONDS

    def _keep_lease(self, pool: Pool, lease_until: datetime) -> datetime:
        """Prolong the lease of the batch when the next job might outlast it; what was taken over is let go."""
        now = self._read_clock()
        if lease_until - now >= _timeout(self._held[0]) + _SPARE:
            return lease_until
        lease_until = lease_for(pool, now)
        held = renew(self._held, lease_until)
        self._held = deque(job for job in self._held if job.id in held)
        return lease_until

    def _give_back(self) -> None:
        if self._held:
            release(self._held)
            self._held.clear()


def drain(
    lane: Lane,
    *,
    read_clock: Clock = clock.now,
    limit: int | None = None,
    should_stop: Callable[[], bool] = _never,
) -> Drained:
    """Work a lane until nothing is due (or ``limit`` jobs) and say what it came to.

    Each job commits by itself, so this may not run inside a transaction (``RuntimeError``). Raises
    ``DatabaseGone`` or Django's ``OperationalError`` when the database goes: what is held comes back by its lease.
    """
    if connection.in_atomic_block:
        raise RuntimeError("drain() commits job by job and cannot run inside a transaction")
    return Worker(lane, read_clock=read_clock, should_stop=should_stop).drain(limit)


def pause(seconds: float, until: Callable[[], bool]) -> None:
    """Wait, in short steps, so that a stop is heard."""
    end = time.monotonic() + seconds
    idle = threading.Event()
    while not until() and (left := end - time.monotonic()) > 0:
        idle.wait(min(left, 0.1))


def _timeout(job: Claimed) -> timedelta:
    try:
        return timedelta(seconds=registry.get(job.kind).timeout)
    except UnknownKind:
        # Nobody works it: it fails at once.
        return timedelta()
