"""For tests: work the queue in the test's own thread, inside its transaction, or in one beside it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection
from django.db.models import Q

from common import clock
from common.outbox.models import Job
from common.outbox.types import JobStatus, Lane
from common.outbox.worker import Worker

_TOO_MANY = 10_000
_PAUSE_SECONDS = 0.05


def run_due(now: datetime | None = None, lanes: Iterable[Lane] | None = None) -> int:
    """Work everything that is due at ``now`` (also what that work enqueues) and return how many jobs that were.

    Handlers see ``now``. Failures stay on the jobs, which are due again later. More than 10,000 jobs is an
    endless loop: ``RuntimeError``.
    """

    def read_clock() -> datetime:
        return now or clock.now()

    worked = 0
    chosen = list(Lane if lanes is None else lanes)
    while due := _lanes_with_work(chosen, read_clock()):
        before = worked
        for lane in due:
            worked += Worker(lane, read_clock=read_clock).drain(_TOO_MANY).total
        if worked == before:
            break
        if worked >= _TOO_MANY:
            raise RuntimeError("Jobs beget jobs without end")
    return worked


def _lanes_with_work(chosen: list[Lane], now: datetime) -> list[Lane]:
    """Return which lanes a worker may find something in: it costs a fortieth of a worker's look into all of them."""
    is_due = Q(status=JobStatus.PENDING, run_at__lte=now) | Q(status=JobStatus.RUNNING, lease_until__lte=now)
    found = set(Job.objects.filter(is_due).values_list("lane", flat=True).distinct())
    return [lane for lane in chosen if lane in found]


@contextmanager
def worker_beside() -> Iterator[None]:
    """Work the queue in a thread beside the block, as a worker does for a test that looks through a browser."""
    stopped = threading.Event()

    def work() -> None:
        try:
            while not stopped.wait(_PAUSE_SECONDS):
                run_due()
        finally:
            connection.close()

    worker = threading.Thread(target=work, name="worker")
    worker.start()
    try:
        yield
    finally:
        stopped.set()
        worker.join()
