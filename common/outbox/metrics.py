"""What Prometheus is told about the queue: attempts as they end, what waits and what is dead when it asks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import structlog
from django.db import DatabaseError, connection
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common import clock
from common.outbox.registry import registry
from common.outbox.types import Lane

# Nobody needs to know how many more there are, and counting them would cost the database.
COUNTED = 10_000
KEPT_SECONDS = 5.0

_FINISHED = Counter("marquee_jobs_total", "Attempts at jobs, by how they ended", ["lane", "kind", "outcome"])
_SECONDS = Histogram(
    "marquee_job_seconds",
    "How long an attempt took",
    ["lane"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 5, 15, 60),
)

# Each part reads its own stretch of an index, in order: the first row is the oldest.
_LOOK = """
SELECT part.lane, due.jobs, due.oldest
FROM unnest(%(lanes)s::text[], %(pools)s::text[]) AS part (lane, pool)
CROSS JOIN LATERAL (
    SELECT count(*) AS jobs, min(run_at) AS oldest FROM (
        SELECT j.run_at FROM common_job j
        WHERE j.status = 'pending' AND j.lane = part.lane AND j.pool = part.pool AND j.run_at <= %(now)s
        ORDER BY j.run_at LIMIT %(counted)s
    ) first
) due
UNION ALL
SELECT NULL, count(*), NULL FROM (
    SELECT FROM common_job j WHERE j.status = 'dead' LIMIT %(counted)s
) dead
"""

_log = structlog.get_logger(__name__)


def finished(lane: Lane, kind: str, outcome: str, seconds: float) -> None:
    """Count an attempt that ended after so many seconds."""
    count, duration = _of(lane, kind, outcome)
    count.inc()
    duration.observe(seconds)


@cache
def _of(lane: Lane, kind: str, outcome: str) -> tuple[Counter, Histogram]:
    """Return what is counted for these labels: the library looks for it each time, under a lock."""
    return _FINISHED.labels(lane.value, kind, outcome), _SECONDS.labels(lane.value)


@dataclass(frozen=True, slots=True)
class _Look:
    waiting: dict[str, int]
    oldest_seconds: dict[str, float]
    dead: int


class QueueCollector(Collector):
    """Looks at the queue when it is asked, by one bounded statement each few seconds at most.

    Without a database it says nothing of the queue, so that the other figures still arrive.
    """

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS, counted: int = COUNTED) -> None:
        self._kept_seconds = kept_seconds
        self._counted = counted
        self._look: tuple[float, _Look] | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield jobs that are due and wait and the age of the oldest, by lane, and dead ones."""
        look = self._latest()
        if look is None:
            return
        yield GaugeMetricFamily("marquee_dead_jobs", "Jobs among the dead letters", value=look.dead)
        waiting = GaugeMetricFamily("marquee_jobs_waiting", "Jobs that are due and wait", labels=["lane"])
        oldest = GaugeMetricFamily(
            "marquee_oldest_due_job_seconds", "Age of the job that is due longest", labels=["lane"]
        )
        for lane in Lane.values:
            waiting.add_metric([lane], look.waiting[lane])
            oldest.add_metric([lane], look.oldest_seconds[lane])
        yield waiting
        yield oldest

    def _latest(self) -> _Look | None:
        at = time.monotonic()
        if self._look is None or at - self._look[0] >= self._kept_seconds:
            try:
                self._look = (at, _look(self._counted))
            except DatabaseError as error:
                _log.warning("queue_metrics_unreadable", error=type(error).__name__)
                connection.close()
                return None
        return self._look[1]


def _look(counted: int) -> _Look:
    now = clock.now()
    parts = [(lane.value, pool.name) for lane in Lane for pool in registry.pools(lane)]
    lanes, pools = map(list, zip(*parts, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"lanes": lanes, "pools": pools, "now": now, "counted": counted})
        rows: list[tuple[str | None, int, datetime | None]] = cursor.fetchall()
    waiting, oldest, dead = dict.fromkeys(Lane.values, 0), dict.fromkeys(Lane.values, 0.0), 0
    for lane, jobs, first in rows:
        if lane is None:
            dead = jobs
        else:
            waiting[lane] += jobs
            oldest[lane] = max(oldest[lane], (now - first).total_seconds() if first else 0.0)
    return _Look(waiting, oldest, dead)
