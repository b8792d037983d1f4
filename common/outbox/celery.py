"""Celery's end of the queue: a wake-up drains its lane; beat wakes all lanes and tidies up."""

import threading

from celery import shared_task
from celery.signals import worker_shutting_down

from common import clock
from common.outbox import services
from common.outbox.types import Lane
from common.outbox.wake import DRAIN_TASK, broker
from common.outbox.worker import Worker

# More wake-ups than this at once find the lane being emptied already.
_DRAINS_PER_LANE = 2

_drains = {lane: threading.BoundedSemaphore(_DRAINS_PER_LANE) for lane in Lane}
_stopping = threading.Event()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    """Let running drains end after the job they are at; what they hold goes back."""
    _stopping.set()


@shared_task(name=DRAIN_TASK, ignore_result=True)
def drain_lane(lane: str) -> int:
    """Empty a lane; returns how many jobs were worked. Survives a restart of the database."""
    turn = _drains[Lane(lane)]
    if not turn.acquire(blocking=False):
        return 0
    try:
        return Worker(Lane(lane), should_stop=_stopping.is_set).drain_on(_stopping.is_set).total
    finally:
        turn.release()


@shared_task(name="common.outbox.wake_all", ignore_result=True)
def wake_all() -> None:
    """Wake every lane: what a lost wake-up left is found here."""
    for lane in Lane:
        broker.send(lane)


@shared_task(name="common.outbox.tidy", ignore_result=True)
def tidy() -> int:
    """Delete jobs that were done long ago; returns how many."""
    return services.delete_finished(now=clock.now())


@shared_task(name="common.outbox.check_dead", ignore_result=True)
def check_dead() -> int:
    """Raise the alarm when too many jobs are dead; returns how many are."""
    return services.check_dead()
