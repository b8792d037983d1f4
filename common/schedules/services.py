"""Keeping how runs by the clock end, and finding those that did not happen."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import connection
from django_celery_beat.models import PeriodicTask

from common.schedules.models import ScheduledRun

# What runs at a time of day may take this long, with everything that runs at that hour.
_GRACE_OF_A_DAY: Final = timedelta(minutes=30)
# Beat looks each five seconds, and a worker may be at another job.
_LEAST_GRACE: Final = timedelta(minutes=2)
_LONGEST_ERROR: Final = 500

_ENDED = """
INSERT INTO common_scheduledrun AS r (name, known_since, ended_at, succeeded_at, failures, error)
VALUES (%(name)s, %(now)s, %(now)s, CASE WHEN %(failed)s THEN NULL ELSE %(now)s END,
    CASE WHEN %(failed)s THEN 1 ELSE 0 END, %(error)s)
ON CONFLICT (name) DO UPDATE SET
    ended_at = EXCLUDED.ended_at,
    succeeded_at = coalesce(EXCLUDED.succeeded_at, r.succeeded_at),
    failures = CASE WHEN %(failed)s THEN r.failures + 1 ELSE 0 END,
    error = EXCLUDED.error
"""

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a schedule stands. ``late_seconds``: for how long a run has been missing, 0 when none is.

    ``failures`` are those in a row; ``error`` is the last one's.
    """

    name: str
    task: str
    succeeded_at: datetime | None
    late_seconds: float
    failures: int
    error: str


def ended(name: str, *, error: str | None, now: datetime) -> None:
    """Keep how a run of a schedule ended; ``error`` None: it succeeded. One statement."""
    values: dict[str, str | bool | datetime] = {
        "name": name[:200],
        "failed": error is not None,
        "error": (error or "")[:_LONGEST_ERROR],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ENDED, values)


def standings(*, now: datetime) -> list[Standing]:
    """Return how each schedule stands that beat is to run again and again, by name. Two statements.

    Late is what did not succeed within its period (two minutes at least) after it was due, and half an hour for
    times of day. One that is not watched yet is not late.
    """
    runs = {run.name: run for run in ScheduledRun.objects.all()}
    return [standing_of(entry, runs.get(entry.name), now=now) for entry in _watched(now)]


def watch(*, now: datetime) -> list[Standing]:
    """Begin to watch what is new, and log what is late or fails; return those.

    From a process that needs neither beat nor a broker, for these may be what is missing.
    """
    names = [entry.name for entry in _watched(now)]
    new = [ScheduledRun(name=name, known_since=now) for name in names]
    ScheduledRun.objects.bulk_create(new, ignore_conflicts=True)
    wrong = [one for one in standings(now=now) if one.late_seconds or one.failures]
    for one in wrong:
        _log.error(
            "scheduled_job_missed" if one.late_seconds else "scheduled_job_failing",
            schedule=one.name,
            task=one.task,
            late_seconds=round(one.late_seconds),
            failures=one.failures,
            error=one.error,
            succeeded_at=one.succeeded_at.isoformat() if one.succeeded_at else None,
        )
    return wrong


def _watched(now: datetime) -> Iterator[PeriodicTask]:
    """Yield the entries that run again and again; those at one instant, or by the sun, are not waited for."""
    entries = PeriodicTask.objects.filter(enabled=True).select_related("interval", "crontab").order_by("name")
    return (entry for entry in entries if _is_watched(entry, now))


def _is_watched(entry: PeriodicTask, now: datetime) -> bool:
    has_begun = entry.start_time is None or entry.start_time <= now
    has_ended = entry.expires is not None and entry.expires <= now
    runs_again = bool(entry.interval or entry.crontab) and not entry.one_off
    return entry.enabled and runs_again and has_begun and not has_ended


def standing_of(entry: PeriodicTask, run: ScheduledRun | None, *, now: datetime) -> Standing:
    """Return how one schedule stands, by what is known of its runs."""
    late = timedelta(0)
    if run is not None and _is_watched(entry, now):
        due, grace = _due(entry, run.succeeded_at or run.known_since)
        late = now - due if now > due + grace else late
    return Standing(
        name=entry.name,
        task=entry.task,
        succeeded_at=run.succeeded_at if run else None,
        late_seconds=late.total_seconds(),
        failures=run.failures if run else 0,
        error=run.error if run else "",
    )


def _due(entry: PeriodicTask, since: datetime) -> tuple[datetime, timedelta]:
    """Return when the run after that instant is due, and how much later is still in time."""
    if entry.crontab:
        last, delta, _ = entry.schedule.remaining_delta(since)
        return last + delta, _GRACE_OF_A_DAY
    period = timedelta(**{entry.interval.period: entry.interval.every})
    return since + period, max(period, _LEAST_GRACE)
