"""What Prometheus is told about the queue."""

from prometheus_client import Counter, Gauge, Histogram

from common.outbox.types import Lane

_FINISHED = Counter("marquee_jobs_total", "Attempts at jobs, by how they ended", ["lane", "kind", "outcome"])
_SECONDS = Histogram(
    "marquee_job_seconds",
    "How long an attempt took",
    ["lane"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 5, 15, 60),
)
_DEAD = Gauge("marquee_dead_jobs", "Jobs among the dead letters", multiprocess_mode="mostrecent")
_WAITING = Gauge(
    "marquee_jobs_waiting", "Jobs that are due and wait", ["lane"], multiprocess_mode="mostrecent"
)
_OLDEST = Gauge(
    "marquee_oldest_due_job_seconds",
    "Age of the job that is due longest",
    ["lane"],
    multiprocess_mode="mostrecent",
)


def finished(lane: Lane, kind: str, outcome: str, seconds: float) -> None:
    """Count an attempt that ended after so many seconds."""
    _FINISHED.labels(lane.value, kind, outcome).inc()
    _SECONDS.labels(lane.value).observe(seconds)


def dead(count: int) -> None:
    """Set how many jobs are dead."""
    _DEAD.set(count)


def waiting(lane: Lane, count: int, oldest_seconds: float) -> None:
    """Set how many jobs of a lane are due, and for how long the oldest has been."""
    _WAITING.labels(lane.value).set(count)
    _OLDEST.labels(lane.value).set(oldest_seconds)
