"""How long announcements can be read. The counters stay, so that no number is ever given again."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

_BATCH = 5_000

_DELETE = """
    DELETE FROM notifications_realtimeevent WHERE id IN (
        SELECT id FROM notifications_realtimeevent
         WHERE state IN ('published', 'late') AND created_at < %s
         ORDER BY created_at
         LIMIT %s
           FOR UPDATE SKIP LOCKED
    )
"""


def forget_old(*, now: datetime, batch: int = _BATCH) -> int:
    """Delete what was announced more than ``REALTIME_RETENTION_HOURS`` ago, each batch by itself; return how many."""
    before = now - timedelta(hours=settings.REALTIME_RETENTION_HOURS)
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, [before, batch])
            gone: int = cursor.rowcount
        deleted += gone
        if gone < batch:
            return deleted
