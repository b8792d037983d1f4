"""Keeping the queue in order: deletion of what is done, and the alarm over what is dead."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection

from common.outbox.models import Job
from common.outbox.types import JobStatus

KEPT_FOR = timedelta(days=7)
_BATCH = 5_000

log = structlog.get_logger(__name__)

_DELETE = """
    DELETE FROM common_job WHERE id IN (
        SELECT id FROM common_job
         WHERE status IN ('done', 'discarded', 'expired') AND finished_at < %s
         ORDER BY finished_at
         LIMIT %s
           FOR UPDATE SKIP LOCKED
    )
"""


def delete_finished(*, now: datetime, batch: int = _BATCH) -> int:
    """Delete jobs that ended more than 7 days ago, each batch by itself; return how many."""
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, [now - KEPT_FOR, batch])
            gone: int = cursor.rowcount
        deleted += gone
        if gone < batch:
            return deleted


def check_dead() -> int:
    """Count the dead letters and log an error above ``DEAD_JOBS_ALERT``; return how many."""
    count = Job.objects.filter(status=JobStatus.DEAD).count()
    if count > settings.DEAD_JOBS_ALERT:
        log.error("too_many_dead_letters", count=count, limit=settings.DEAD_JOBS_ALERT)
    return count
