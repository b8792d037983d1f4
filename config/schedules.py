"""What runs by the clock. Celery beat reads the database; this fills in what is missing there.

A schedule that somebody changed in the admin stays as they changed it. A missed run costs time, never truth:
holds, offers and mails have jobs with a time of their own in the durable queue, and these entries are the
net under them.
"""

from dataclasses import dataclass

from django.apps import AppConfig
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

SECONDS, MINUTES, HOURS = IntervalSchedule.SECONDS, IntervalSchedule.MINUTES, IntervalSchedule.HOURS


@dataclass(frozen=True, slots=True)
class Schedule:
    """One entry: every so many units, or at a time of day (UTC) when ``at`` is given as (hour, minute)."""

    name: str
    task: str
    every: tuple[int, str] | None = None
    at: tuple[int, int] | None = None
    queue: str = "money"
    description: str = ""


SCHEDULES: tuple[Schedule, ...] = ()


def ensure_schedules(sender: AppConfig, **_: object) -> None:
    """Create the entries that are missing; called after each migration."""
    for schedule in SCHEDULES:
        if PeriodicTask.objects.filter(name=schedule.name).exists():
            continue
        interval = crontab = None
        if schedule.every is not None:
            every, period = schedule.every
            interval, _created = IntervalSchedule.objects.get_or_create(every=every, period=period)
        elif schedule.at is not None:
            hour, minute = schedule.at
            crontab, _created = CrontabSchedule.objects.get_or_create(
                hour=str(hour),
                minute=str(minute),
                day_of_week="*",
                day_of_month="*",
                month_of_year="*",
                timezone="UTC",
            )
        PeriodicTask.objects.create(
            name=schedule.name,
            task=schedule.task,
            interval=interval,
            crontab=crontab,
            queue=schedule.queue,
            description=schedule.description,
            # A wake-up that waited longer than this has been overtaken by the next.
            expire_seconds=None if crontab else 60,
        )
