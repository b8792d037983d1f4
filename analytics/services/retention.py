"""Partitions of raw events, and forgetting what is too old: raw events, ids that were seen, old answers, and the
visitors of experiments that ended long ago."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection

from analytics.services.checking import LATEST
from analytics.services.days import oldest_kept
from common.partitions import DayPartitions

EVENTS: Final = DayPartitions(table="analytics_rawevent", column="received_day")
# An id is remembered longer than an event with it may still come.
SEEN_KEPT: Final = LATEST + timedelta(days=2)
ANSWERS_KEPT: Final = timedelta(days=30)
# Of an event, the newest: whoever walks through its days leaves one for each part and range.
ANSWERS_OF_EVENT: Final = 50
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
_FORGET_MANY_ANSWERS = """
DELETE FROM analytics_lastanswer WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY event_id ORDER BY computed_at DESC, id DESC) AS place
        FROM analytics_lastanswer
    ) AS newest
    WHERE place > %s LIMIT %s
)
"""
# Counted in the statement that deletes them, so that results stay what they were. Another run takes other rows.
_FORGET_PEOPLE = """
WITH old AS (
    SELECT x.experiment_id, x.visitor
    FROM analytics_exposure x JOIN analytics_experiment e ON e.id = x.experiment_id
    WHERE e.status = 'stopped' AND e.stopped_at < %s
    LIMIT %s FOR UPDATE OF x SKIP LOCKED
), gone AS (
    DELETE FROM analytics_exposure x USING old
    WHERE x.experiment_id = old.experiment_id AND x.visitor = old.visitor
    RETURNING x.experiment_id, x.place, x.seen_at, x.converted_at, x.secondary_at, x.value
), counted AS (
    INSERT INTO analytics_experimenttally AS t (experiment_id, place, people, conversions, secondary, total, squares)
    SELECT experiment_id, place, count(*), count(converted_at), count(secondary_at), sum(value),
        sum(value::numeric * value)
    FROM gone WHERE seen_at IS NOT NULL GROUP BY experiment_id, place ORDER BY experiment_id, place
    ON CONFLICT (experiment_id, place) DO UPDATE SET people = t.people + EXCLUDED.people,
        conversions = t.conversions + EXCLUDED.conversions, secondary = t.secondary + EXCLUDED.secondary,
        total = t.total + EXCLUDED.total, squares = t.squares + EXCLUDED.squares
)
SELECT FROM gone
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run took away."""

    partitions: tuple[str, ...]
    seen: int
    answers: int
    people: int


def forget_old(*, now: datetime) -> Forgotten:
    """Drop raw events older than ANALYTICS_EVENT_RETENTION_DAYS, whole days at once, and forget old ids and answers,
    of answers also all but an event's newest 50.

    The figures of days stay: no day that may have lost raw events is computed again. Nor do the results of experiments
    change: visitors of those that were stopped as long ago are counted as they are deleted. In batches, each durable;
    it may run twice at once. Raises ``Busy``.
    """
    return Forgotten(
        # Figures are frozen a day before the first of their raw events may go.
        partitions=tuple(EVENTS.drop_before(oldest_kept(now=now))),
        seen=_forget(_FORGET_SEEN, now - SEEN_KEPT),
        answers=_forget(_FORGET_ANSWERS, now - ANSWERS_KEPT)
        + _forget(_FORGET_MANY_ANSWERS, ANSWERS_OF_EVENT),
        people=_forget(_FORGET_PEOPLE, now - _people_kept()),
    )


def _people_kept() -> timedelta:
    """Return how long the visitors of a stopped experiment are kept: longer than anything of it may still be told."""
    return max(SEEN_KEPT, timedelta(days=settings.ANALYTICS_EVENT_RETENTION_DAYS))


def _forget(statement: str, beyond: datetime | int) -> int:
    deleted = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [beyond, _AT_ONCE])
            if not cursor.rowcount:
                return deleted
            deleted += cursor.rowcount
