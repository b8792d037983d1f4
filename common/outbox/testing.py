"""For tests: work the queue in the test's own thread, inside its transaction."""

from collections.abc import Iterable
from datetime import datetime

from common import clock
from common.outbox.types import Lane
from common.outbox.worker import Worker

_TOO_MANY = 10_000


def run_due(now: datetime | None = None, lanes: Iterable[Lane] | None = None) -> int:
    """Work everything that is due at ``now`` (also what that work enqueues) and return how many jobs that were.

    Handlers see ``now``. Failures stay on the jobs, which are due again later. More than 10,000 jobs is an
    endless loop: ``RuntimeError``.
    """

    def read_clock() -> datetime:
        return now or clock.now()

    worked = 0
    chosen = list(Lane if lanes is None else lanes)
    while True:
        before = worked
        for lane in chosen:
            worked += Worker(lane, read_clock=read_clock).drain(_TOO_MANY).total
        if worked == before:
            return worked
        if worked >= _TOO_MANY:
            raise RuntimeError("Jobs beget jobs without end")
