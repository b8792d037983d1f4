"""An event's time zone was changed: its days are other days, and each has to be computed again.

They are marked a week at a time, each week a transaction that notes how far it came: who is ended on the way, or has no
more time, goes on from there. Only then the figures count as those of the new zone.
"""

import math
import time
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from analytics.models import Refresh
from analytics.services.days import oldest_kept
from analytics.services.holding import locked_event
from common import statements
from common.db import retrying
from common.windows import days_between

_DAYS: Final = timedelta(days=7)
_A_DAY: Final = timedelta(days=1)
# Raw events by the days they came, stored figures by their own: a figure of a day that has no more events goes.
_HAPPENED: Final = statements.one_line("""
    SELECT min(occurred_at), max(occurred_at) FROM analytics_rawevent
     WHERE event_id = %(event)s AND received_day BETWEEN %(first)s AND %(last)s
     GROUP BY (occurred_at AT TIME ZONE 'UTC')::date
""")
_MARK: Final = statements.one_line("""
    INSERT INTO analytics_dirtyday (event_id, day, marked_at)
    SELECT %(event)s::uuid, day, %(now)s::timestamptz FROM unnest(%(days)s::date[]) AS happened (day)
    UNION
    SELECT event_id, day, %(now)s FROM analytics_dailyfigure
     WHERE event_id = %(event)s AND day BETWEEN %(first)s AND %(last)s
""")


def moved_events(event_id: UUID | None) -> list[UUID]:
    """Return the events, or this one of them, whose time zone is another than that of any of their figures."""
    states = Refresh.objects.exclude(time_zone="").exclude(time_zone=F("event__time_zone"), next_zone="")
    if event_id is not None:
        states = states.filter(pk=event_id)
    return list(states.order_by("pk").values_list("pk", flat=True))


def mark_for_zone(*, event_id: UUID, now: datetime, until: float = math.inf) -> None:
    """Mark the days of an event whose time zone was changed, a week at least, more as long as there is time.

    ``until`` is by the monotonic clock. What is left is marked by the next call. Raises ``Held`` while somebody else
    computes figures of the event.
    """
    while _mark_a_week(event_id=event_id, now=now) and time.monotonic() < until:
        pass


@retrying
@transaction.atomic
def _mark_a_week(*, event_id: UUID, now: datetime) -> bool:
    """Mark the next days and note it; False when there are no more."""
    event = locked_event(event_id, is_patient=False)
    state = Refresh.objects.filter(pk=event_id).first()
    if event is None or state is None or not _is_moved(state, event.time_zone):
        return False
    first = _next_day(state, event.time_zone, now=now)
    # The day that it is somewhere already.
    end = now.astimezone(UTC).date() + _A_DAY
    if first > end:
        Refresh.objects.filter(pk=event_id).update(
            time_zone=event.time_zone, next_zone="", marked_through=None
        )
        return False
    last = first + _DAYS - _A_DAY
    given: dict[str, object] = {"event": event_id, "first": first, "last": last}
    spans = statements.run(_HAPPENED, given).fetchall()
    days = {day for since, until in spans for day in days_between(since, until, event.zone)}
    statements.run(_MARK, given | {"days": sorted(days), "now": now})
    Refresh.objects.filter(pk=event_id).update(next_zone=event.time_zone, marked_through=last)
    return True


def _is_moved(state: Refresh, zone: str) -> bool:
    """Say whether figures may be of another zone: also where it is the old one again, when some were of one between."""
    return state.time_zone != "" and (state.time_zone != zone or state.next_zone != "")


def _next_day(state: Refresh, zone: str, *, now: datetime) -> date:
    """Return where to go on; from the beginning for a zone that is another than the one it was marked for."""
    if state.next_zone == zone and state.marked_through is not None:
        return state.marked_through + _A_DAY
    return oldest_kept(now=now)
