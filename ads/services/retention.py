"""Raw events are kept for a while, the figures of their days for good.

A day is frozen while all its raw events are there: computed once more, and from then on its row is the record. Only
then are partitions dropped, whole. Each step is a transaction that sees what was done before it, so the job may be
killed anywhere, run again, and run twice at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from psycopg import sql

from ads.models import AdDaily, AdDirtyDay, AdFigures
from ads.services import daily, partitions
from common import statements
from common.db import retrying
from common.windows import local_day

_log = structlog.stdlib.get_logger(__name__)

_AT_ONCE: Final = 10_000
# Days of zones ahead of UTC and behind it reach a day further than the partitions' own days.
_ZONES: Final = timedelta(days=1)

_TO_FREEZE = statements.one_line("""
    SELECT event_id FROM (
        SELECT event_id FROM ads_adevent WHERE issue_day < %(cutoff)s
        UNION
        SELECT event_id FROM ads_addaily WHERE frozen_at IS NULL AND day <= %(through)s
        UNION
        SELECT event_id FROM ads_invalidcount WHERE event_id IS NOT NULL AND slot < %(start)s
    ) AS old
    WHERE EXISTS (SELECT FROM events_event event WHERE event.id = old.event_id)
    ORDER BY event_id
""")
# Events of a partition that no frozen day holds. There are none; were there any, dropping would lose them.
_LEFT_OUT = """
    SELECT count(*) FROM {part} raw LEFT JOIN ads_adfigures known ON known.event_id = raw.event_id
     WHERE known.frozen_until IS NULL OR raw.occurred_at >= known.frozen_until
"""
_FORGET_SAMPLES = statements.one_line("""
    DELETE FROM ads_invalidsample WHERE id IN (
        SELECT id FROM ads_invalidsample WHERE occurred_at < %s ORDER BY occurred_at LIMIT %s
    )
""")
# Those of an event go once its frozen days hold them; where the token did not tell the event, nothing keeps them.
_FORGET_COUNTS = statements.one_line("""
    DELETE FROM ads_invalidcount WHERE id IN (
        SELECT old.id FROM ads_invalidcount old LEFT JOIN ads_adfigures known ON known.event_id = old.event_id
         WHERE old.slot < %s AND (known.frozen_until > old.slot OR NOT EXISTS (
             SELECT FROM events_event event WHERE event.id = old.event_id
         ))
         ORDER BY old.slot LIMIT %s
    )
""")


@dataclass(frozen=True, slots=True)
class Dropped:
    """What one run froze, dropped and forgot."""

    events: int
    partitions: tuple[str, ...]
    samples: int
    counts: int


def drop_old(*, now: datetime) -> Dropped:
    """Freeze the days whose raw events are older than ``AD_EVENT_RETENTION_DAYS``, then drop those.

    Samples and counts of refused events go with them; the counts stay in the frozen days. Raises ``Busy`` when a lock
    is not to be had, ``ImproperlyConfigured`` for a setting that would freeze days that are not over.
    """
    cutoff = first_kept(now)
    start = datetime.combine(cutoff, time.min, tzinfo=UTC)
    # What the default partition caught belongs into days that can be dropped.
    partitions.ensure_ahead(now=now)
    frozen = sum(
        freeze(event_id, through=_frozen_through(cutoff), now=now) for event_id in _old(cutoff, start)
    )
    dropped = tuple(name for day, name in partitions.existing().items() if day < cutoff and _drop(name))
    return Dropped(
        events=frozen,
        partitions=dropped,
        samples=_forget(_FORGET_SAMPLES, start),
        counts=_forget(_FORGET_COUNTS, start),
    )


def first_kept(now: datetime) -> date:
    """Return the first UTC day whose partition is kept. Raises ``ImproperlyConfigured``."""
    days = settings.AD_EVENT_RETENTION_DAYS
    # A day is frozen when its last token is over in the last zone; a day more, for clocks.
    least = daily.token_days() + 4
    if days < least:
        raise ImproperlyConfigured(f"AD_EVENT_RETENTION_DAYS is at least {least}.")
    return now.astimezone(UTC).date() - timedelta(days=days)


def _frozen_through(cutoff: date) -> date:
    """Return the last day of any zone that has events in partitions before ``cutoff``.

    A partition's tokens count for some days more, and there it may already be the day after.
    """
    return cutoff - timedelta(days=1) + timedelta(days=daily.token_days()) + _ZONES


@retrying
@transaction.atomic
def freeze(event_id: UUID, *, through: date, now: datetime) -> bool:
    """Compute an event's open days up to ``through`` for the last time and keep them so. False: done before."""
    book = daily.locked(event_id)
    if book is None or book.is_frozen(through):
        return False
    # Always in the zone that the event has now: days of an old one are computed again.
    for day in daily.open_days(book):
        if day <= through or book.zone != book.old_zone:
            daily.write(book, day, now=now)
    until = local_day(through, ZoneInfo(book.zone)).end
    AdDaily.objects.filter(event_id=event_id, day__lte=through, frozen_at=None).update(frozen_at=now)
    AdFigures.objects.filter(pk=event_id).update(time_zone=book.zone, frozen_day=through, frozen_until=until)
    AdDirtyDay.objects.filter(event_id=event_id, day__lte=through).delete()
    return True


def _old(cutoff: date, start: datetime) -> Sequence[UUID]:
    given = {"cutoff": cutoff, "through": _frozen_through(cutoff), "start": start}
    return [row[0] for row in statements.run(_TO_FREEZE, given).fetchall()]


def _drop(name: str) -> bool:
    return partitions.patiently(lambda: _drop_frozen(name))


def _drop_frozen(name: str) -> bool:
    """Drop a partition, in the caller's transaction, unless it holds an event that no frozen day does."""
    part = sql.Identifier(name)
    with connection.cursor() as cursor:
        # One drops at a time, or makes a day; who reads and inserts goes on.
        cursor.execute("LOCK TABLE ONLY ads_adevent IN SHARE UPDATE EXCLUSIVE MODE")
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone() != (True,):
            return False
        # Nobody writes to it any more; looked through before the whole table is locked.
        cursor.execute(sql.SQL("LOCK TABLE {part} IN SHARE MODE").format(part=part))
        cursor.execute(sql.SQL(_LEFT_OUT).format(part=part))
        (left_out,) = cursor.fetchone()
        if left_out:
            _log.error("ad_events_not_frozen", partition=name, events=left_out)
            return False
        cursor.execute(sql.SQL("DROP TABLE {part}").format(part=part))
    return True


def _forget(statement: str, before: datetime) -> int:
    """Delete what is older, batch by batch; return how many."""
    deleted = 0
    while count := statements.run(statement, [before, _AT_ONCE]).rowcount:
        deleted += count
    return deleted
