"""Partitions of raw events, and forgetting what is too old: raw events, ids that were seen, old answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from analytics.services.checking import LATEST
from analytics.services.days import oldest_kept
from common.partitions import DayPartitions

EVENTS: Final = DayPartitions(table="analytics_rawevent", column="received_day")
# An id is remembered longer than an event with it may still come.
SEEN_KEPT: Final = LATEST + timedelta(days=2)
ANSWERS_KEPT: Final = timedelta(days=30)
_AT_ONCE: Final = 10_000

_FORGET_SEEN = """
DELETE FROM analytics_seenevent s USING (
    SELECT organization_id, id FROM analytics_seenevent WHERE seen_at < %s LIMIT %s
) AS old
WHERE s.organization_id = old.organization_id AND s.id = old.id
"""
_FORGET_ANSWERS = """
DELETE FROM analytics_lastanswer WHERE id IN (
    SELECT id FROM analytics_lastanswer WHERE computed_at < %s ORDER BY computed_at LIMIT %s
)
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run took away."""

    partitions: tuple[str, ...]
    seen: int
    answers: int


def forget_old(*, now: datetime) -> Forgotten:
    """Drop raw events older than ANALYTICS_EVENT_RETENTION_DAYS, whole days at once, and forget old ids and answers.

    The figures of days stay: no day that may have lost raw events is computed again. In batches, each durable; it may
    run twice at once. Raises ``Busy``.
    """
    return Forgotten(
        # Figures are frozen a day before the first of their raw events may go.
        partitions=tuple(EVENTS.drop_before(oldest_kept(now=now))),
        seen=_forget(_FORGET_SEEN, now - SEEN_KEPT),
        answers=_forget(_FORGET_ANSWERS, now - ANSWERS_KEPT),
    )


def _forget(statement: str, before: datetime) -> int:
    deleted = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [before, _AT_ONCE])
            if not cursor.rowcount:
                return deleted
            deleted += cursor.rowcount
