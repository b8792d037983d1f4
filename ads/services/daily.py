"""The figures of ads by day, computed again from the raw events whenever some came.

Whoever counts an event appends a mark in the same transaction (``mark``). A job computes the marked days anew under
the lock of the event's ``AdFigures``, after it took their marks away: what commits meanwhile has a mark of its
own, which stays. So at every instant a stored day equals its raw events, or it is marked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction

from ads.models import AdFigures
from ads.services import figures_sql
from common import statements
from common.db import retrying
from common.errors import Busy
from common.outbox import NewJob
from common.outbox.queue import insertion, values_of
from common.windows import day_bounds, days_between

_log = structlog.stdlib.get_logger(__name__)

# The kind of job that computes an event's marked days.
RECOMPUTE: Final = "ads.recompute_daily"
# Marks of one slot share a job, which runs when the transactions of that slot have ended, also those that lost a
# race for a lock. Nobody waits for the row of a job that is there: it is looked at, not touched.
SLOT_SECONDS: Final = 10
_SETTLED_SECONDS: Final = 10

_MARK = statements.one_line("""
    INSERT INTO ads_addirtyday (event_id, day, marked_at)
    SELECT event_id, day, %s FROM unnest(%s::uuid[], %s::date[]) AS marked (event_id, day)
""")
_UNMARK = statements.one_line("""
    WITH gone AS (DELETE FROM ads_addirtyday WHERE event_id = %s RETURNING day)
    SELECT DISTINCT day FROM gone ORDER BY day
""")
_JOBS = insertion("""NOT EXISTS (
    SELECT FROM common_job known WHERE known.dedupe_key = new.dedupe_key AND known.status IN ('pending', 'running')
)""")
_OPEN = statements.one_line("""
    INSERT INTO ads_adfigures (event_id, time_zone) SELECT id, time_zone FROM events_event WHERE id = %s
    ON CONFLICT (event_id) DO NOTHING
""")
_LOCK = statements.one_line("""
    SELECT known.time_zone, event.time_zone, known.frozen_day, known.frozen_until
      FROM ads_adfigures known JOIN events_event event ON event.id = known.event_id
     WHERE known.event_id = %s FOR UPDATE OF known
""")
_MARKED_EVENTS = statements.one_line("""
    SELECT event_id FROM ads_addirtyday
    UNION
    SELECT known.event_id FROM ads_adfigures known JOIN events_event event ON event.id = known.event_id
     WHERE known.time_zone <> event.time_zone
    ORDER BY event_id
""")


class DayFrozen(Exception):
    """The day's raw events are deleted, or about to be: its stored figures are the record."""


@dataclass(frozen=True, slots=True)
class Book:
    """How an event's figures stand, while the caller holds their lock. ``old_zone``: the one of the stored days."""

    event_id: UUID
    zone: str
    old_zone: str
    frozen_day: date | None
    frozen_until: datetime | None

    def is_frozen(self, day: date) -> bool:
        """Say whether the day's figures can no longer change."""
        return self.frozen_day is not None and day <= self.frozen_day

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return between which instants ``[start, end)`` an event of the day happened.

        The first open day begins where the frozen ones ended, also in another zone, so that there is no gap.
        """
        start, end = day_bounds(day, ZoneInfo(self.zone))
        if self.frozen_day is not None and self.frozen_until is not None:
            is_first = day == self.frozen_day + timedelta(days=1)
            start = self.frozen_until if is_first else max(start, self.frozen_until)
        return start, end


def mark(events_days: Iterable[tuple[UUID, date]], now: datetime) -> None:
    """Say that these days (of the events' zones) have new raw events, in the transaction that writes them.

    They are computed within 20 seconds; a mark that commits later than that waits for the next mark or for the
    hourly job. Two statements, and no lock that another marker waits for beyond the first of each ten seconds. Call
    it last.
    """
    marked = sorted(set(events_days))
    if not marked:
        return
    statements.run(_MARK, [now, [event_id for event_id, _ in marked], [day for _, day in marked]])
    slot = int(now.timestamp()) // SLOT_SECONDS
    due = datetime.fromtimestamp((slot + 1) * SLOT_SECONDS + _SETTLED_SECONDS, UTC)
    jobs = [
        NewJob(RECOMPUTE, {"event_id": event_id}, run_at=due, dedupe_key=f"ads-daily-{event_id}-{slot}")
        for event_id in sorted({event_id for event_id, _ in marked})
    ]
    statements.run(_JOBS, values_of(jobs, now=now))


@retrying
@transaction.atomic
def recompute(*, event_id: UUID, day: date, now: datetime) -> None:
    """Compute one day of an event anew from its raw events; the same again changes nothing.

    Marks stay. Where the event's zone was changed, all its days are computed. Raises ``DayFrozen``.
    """
    book = locked(event_id)
    if book is None:
        return
    if book.is_frozen(day):
        raise DayFrozen(f"{day} of {event_id}")
    if book.zone != book.old_zone:
        _write_all(book, now)
    else:
        write(book, day, now=now)


@retrying
@transaction.atomic
def recompute_event(*, event_id: UUID, now: datetime) -> int:
    """Compute all days of an event that are not frozen, as after a change of its zone; return how many."""
    book = locked(event_id)
    return 0 if book is None else _write_all(book, now)


@retrying
@transaction.atomic
def work(event_id: UUID, *, now: datetime) -> int:
    """Compute the marked days of one event and remove their marks; return how many days that were.

    A mark that commits while this computes is left for the next.
    """
    book = locked(event_id)
    # Before counting: the count sees whatever was committed with a mark that is taken away here.
    marked = [row[0] for row in statements.run(_UNMARK, [event_id]).fetchall()]
    days = 0
    if book is not None and book.zone != book.old_zone:
        days = _write_all(book, now)
    elif book is not None:
        open_days = [day for day in marked if not book.is_frozen(day)]
        for day in open_days:
            write(book, day, now=now)
        days = len(open_days)
    return days


def work_dirty(*, now: datetime) -> int:
    """Compute what is marked, and the events whose zone was changed, each in a transaction of its own.

    The net under the jobs. Returns how many days were computed; an event that somebody holds is left for the next.
    """
    days = 0
    for (event_id,) in statements.run(_MARKED_EVENTS, []).fetchall():
        try:
            days += work(event_id, now=now)
        except Busy:
            _log.warning("ads_days_left", event_id=str(event_id))
    return days


def locked(event_id: UUID) -> Book | None:
    """Lock an event's figures until the transaction ends; None when there is no such event."""
    statements.run(_OPEN, [event_id])
    row = statements.run(_LOCK, [event_id]).fetchone()
    if row is None:
        return None
    old_zone, zone, frozen_day, frozen_until = row
    return Book(event_id, zone, old_zone, frozen_day, frozen_until)


def write(book: Book, day: date, *, now: datetime) -> None:
    """Store one day of a locked event as its raw events have it: rows that have none any more go. One statement."""
    statements.run(figures_sql.WRITE, parameters(book, day) | {"now": now})


def parameters(book: Book, day: date) -> dict[str, object]:
    """Return what the statements about one day are told: instants, for days are said by one clock."""
    start, end = book.bounds(day)
    return {
        "event_id": book.event_id,
        "day": day,
        "start": start,
        "end": end,
        # A token of before counts for a while; the clocks of two processes differ a little.
        "first_issued": start.astimezone(UTC).date() - timedelta(days=token_days()),
        "last_issued": end.astimezone(UTC).date() + timedelta(days=1),
    }


def token_days() -> int:
    """Return how many days after the one it was issued on a token may count, at most."""
    return -(-settings.AD_TOKEN_TTL_SECONDS // 86_400)


def open_days(book: Book) -> list[date]:
    """Return the days of a locked event that are not frozen and have raw events or stored figures, in order."""
    given = {"event_id": book.event_id, "start": book.frozen_until}
    first = date.min if book.frozen_day is None else book.frozen_day + timedelta(days=1)
    zone, days = ZoneInfo(book.zone), set[date]()
    for stored, since, until in statements.run(figures_sql.OPEN_DAYS, given).fetchall():
        days.update([stored] if stored else (max(day, first) for day in days_between(since, until, zone)))
    return sorted(days)


def _write_all(book: Book, now: datetime) -> int:
    days = open_days(book)
    for day in days:
        write(book, day, now=now)
    AdFigures.objects.filter(pk=book.event_id).update(time_zone=book.zone)
    return len(days)
