"""What beat starts."""

from celery import shared_task

from analytics.services.reports.due import start_due
from analytics.services.retention import EVENTS, forget_old
from analytics.services.rollup import refresh
from common import clock


@shared_task(name="analytics.refresh", ignore_result=True)
def refresh_figures() -> int:
    """Compute the days that front ends told of since the last time (REQUIREMENTS AN-04); beat: each minute."""
    return refresh(now=clock.now()).days


@shared_task(name="analytics.start_due_reports", ignore_result=True)
def start_due_reports() -> int:
    """Begin the scheduled reports whose time has come (REQUIREMENTS AN-07); beat: each minute."""
    return start_due(now=clock.now()).begun


@shared_task(name="analytics.make_partitions", ignore_result=True)
def make_partitions() -> list[str]:
    """Make the partitions of the next two weeks, and move what the default one caught; beat: daily."""
    return EVENTS.ensure_ahead(now=clock.now())


@shared_task(name="analytics.forget_old", ignore_result=True)
def forget_old_events() -> list[str]:
    """Drop raw events whose time is over, and ids and answers nobody needs; beat: daily."""
    return list(forget_old(now=clock.now()).partitions)
