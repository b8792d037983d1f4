"""What beat starts."""

from collections.abc import Callable
from typing import TypeVar

from celery import shared_task

from ads.services import partitions, refreshing, retention
from ads.services.refreshing import DEACTIVATE, DROP_OLD, PARTITIONS, succeeded
from ads.services.writing import deactivate_ended
from common import clock

T = TypeVar("T")


@shared_task(name="ads.deactivate_ended", ignore_result=True)
def deactivate_ended_ads() -> int:
    """Switch off ads whose end has come (REQUIREMENTS AD-06); beat: hourly."""
    return _done(DEACTIVATE, lambda: deactivate_ended(now=clock.now()))


@shared_task(name="ads.refresh_daily", ignore_result=True)
def refresh_daily() -> bool:
    """Make the daily view anew and prove the stored days against it (AD-06); beat: hourly."""
    return refreshing.refresh_daily(now=clock.now())


@shared_task(name="ads.drop_old_events", ignore_result=True)
def drop_old_events() -> list[str]:
    """Freeze old days and drop their raw events (AD-06); beat: 02:00 UTC."""
    return _done(DROP_OLD, lambda: list(retention.drop_old(now=clock.now()).partitions))


@shared_task(name="ads.make_partitions", ignore_result=True)
def make_partitions() -> list[str]:
    """Make the partitions of the next two weeks, and move what the default one caught; beat: daily."""
    return _done(PARTITIONS, lambda: partitions.ensure_ahead(now=clock.now()))


def _done(job: str, act: Callable[[], T]) -> T:
    result = act()
    succeeded(job, now=clock.now())
    return result
