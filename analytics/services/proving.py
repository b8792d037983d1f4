"""Which days can be proved: what their figures are is ``rollup.recount`` to say.

Days are found a piece at a time, of stored ones some hundred, of raw events those that came on one day: no statement
grows with how long there are events. How far it came is told with each, so that it can be gone on with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from analytics.services.days import is_frozen, oldest_kept
from analytics.services.retention import EVENTS
from common import statements
from common.windows import days_between

_PAGE: Final = 500
_STORED: Final = statements.one_line("""
    SELECT DISTINCT event_id, day FROM analytics_dailyfigure
     WHERE (event_id, day) > (%(event)s::uuid, %(day)s::date) ORDER BY event_id, day LIMIT %(page)s
""")
# When the first and the last of a UTC day happened: which days those are is not for SQL to say.
_CAME: Final = statements.one_line("""
    SELECT raw.event_id, event.time_zone, min(raw.occurred_at), max(raw.occurred_at)
      FROM analytics_rawevent raw JOIN events_event event ON event.id = raw.event_id
     WHERE raw.received_day = %(day)s
     GROUP BY raw.event_id, event.time_zone, (raw.occurred_at AT TIME ZONE 'UTC')::date
""")
_CAME_OF_ONE: Final = statements.one_line("""
    SELECT raw.event_id, event.time_zone, min(raw.occurred_at), max(raw.occurred_at)
      FROM analytics_rawevent raw JOIN events_event event ON event.id = raw.event_id
     WHERE raw.received_day = %(day)s AND raw.event_id = %(event)s
     GROUP BY raw.event_id, event.time_zone, (raw.occurred_at AT TIME ZONE 'UTC')::date
""")


@dataclass(frozen=True, slots=True)
class ToProve:
    """A day of an event. Who was ended here goes on with ``since``."""

    event_id: UUID
    day: date
    since: date


def days_to_prove(*, event_id: UUID | None, since: date | None = None, now: datetime) -> Iterator[ToProve]:
    """Yield each day once that has stored figures or raw events, and whose raw events are all kept.

    Of one event, or of all. ``since``: without what came before that UTC day. A day with raw events and no figures
    lost its mark: to look at stored days alone would never find it. Each statement reads a page or a day.
    """
    first = max(since or date.min, oldest_kept(now=now))
    seen: set[tuple[UUID, date]] = set()
    for one in _stored(event_id, first):
        if one not in seen and not is_frozen(one[1], now=now):
            seen.add(one)
            yield ToProve(*one, since=first)
    end = now.astimezone(UTC).date() + timedelta(days=1)
    for came in (day for day in EVENTS.days() if first <= day <= end):
        for one in _came(event_id, came):
            if one not in seen and not is_frozen(one[1], now=now):
                seen.add(one)
                yield ToProve(*one, since=came)


def _stored(event_id: UUID | None, first: date) -> Iterator[tuple[UUID, date]]:
    """Yield the stored days from the day before ``first`` on (it may be that day still elsewhere)."""
    after = (event_id or UUID(int=0), date.min)
    while True:
        rows = statements.run(_STORED, {"event": after[0], "day": after[1], "page": _PAGE}).fetchall()
        for of, day in rows:
            if event_id is not None and of != event_id:
                return
            if day >= first - timedelta(days=1):
                yield of, day
        if len(rows) < _PAGE:
            return
        after = rows[-1]


def _came(event_id: UUID | None, day: date) -> list[tuple[UUID, date]]:
    """Return the days of which events came on a UTC day. One statement."""
    if event_id is None:
        rows = statements.run(_CAME, {"day": day}).fetchall()
    else:
        rows = statements.run(_CAME_OF_ONE, {"day": day, "event": event_id}).fetchall()
    found = {
        (of, one) for of, zone, since, until in rows for one in days_between(since, until, ZoneInfo(zone))
    }
    return sorted(found)
