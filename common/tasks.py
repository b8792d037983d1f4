"""What beat starts on this floor, beside the queue's own (``common.outbox.celery``)."""

from celery import shared_task

from common import clock
from common.db import in_batches
from common.idempotency import purge


@shared_task(name="common.idempotency.purge", ignore_result=True)
def purge_idempotency_keys() -> int:
    """Forget final answers older than 30 days, batch by batch until none is left; returns how many."""
    now = clock.now()
    return in_batches(lambda: purge(now=now))
