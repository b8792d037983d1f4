"""Which days can be proved: what their figures are is ``rollup.recount`` to say."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from analytics.services.days import is_frozen
from common import statements

_DAYS: Final = statements.one_line("""
    SELECT event_id, day FROM analytics_dailyfigure WHERE %(event)s::uuid IS NULL OR event_id = %(event)s
    UNION
    SELECT raw.event_id, (raw.occurred_at AT TIME ZONE event.time_zone)::date
      FROM analytics_rawevent raw JOIN events_event event ON event.id = raw.event_id
     WHERE %(event)s::uuid IS NULL OR raw.event_id = %(event)s
     ORDER BY event_id, day
""")


def days_to_prove(*, event_id: UUID | None, now: datetime) -> list[tuple[UUID, date]]:
    """Return (event, day) of each day that has stored figures or raw events, and whose raw events are all kept.

    A day with raw events and no figures lost its mark: to look at stored days alone would never find it.
    """
    rows = statements.run(_DAYS, {"event": event_id}).fetchall()
    return [(of, day) for of, day in rows if not is_frozen(day, now=now)]
