"""Computing the figures of a day from raw events: again and again, and always the same.

Events are appended together with a mark that their day is dirty. A worker takes the marks of a day away and then
computes the day whole, in one transaction: what is committed meanwhile has a mark of its own. So figures are right
whatever came late, twice, at once, or out of order.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef

from analytics.models import DirtyDay, Refresh
from analytics.services.days import is_frozen, received_between
from analytics.services.holding import Held, locked_event
from analytics.services.zones import mark_for_zone, moved_events
from common import statements
from common.db import retrying
from common.errors import Busy
from common.windows import day_bounds
from events.models import Event

ALERT_AFTER = 3
_log = structlog.stdlib.get_logger(__name__)

_COUNT = """
SELECT type, entity_id, count(*), count(DISTINCT visitor)
FROM analytics_rawevent
WHERE event_id = %(event)s AND occurred_at >= %(start)s AND occurred_at < %(end)s
    AND received_day BETWEEN %(first)s AND %(last)s
GROUP BY GROUPING SETS ((type, entity_id), (type))
"""

_WRITE = f"""
INSERT INTO analytics_dailyfigure (event_id, day, type, entity_id, count, visitors, computed_at)
SELECT %(event)s, %(day)s, type, entity_id, count, visitors, %(now)s
FROM ({_COUNT}) AS counted (type, entity_id, count, visitors)
"""  # noqa: S608 constant parts

# The longest waiting first; those of events that fail last, so that they cannot take a whole round for themselves.
_WAITING: Final = statements.one_line("""
    SELECT mark.event_id, mark.day
      FROM analytics_dirtyday mark LEFT JOIN analytics_refresh state ON state.event_id = mark.event_id
     WHERE %(event)s::uuid IS NULL OR mark.event_id = %(event)s
     GROUP BY mark.event_id, mark.day, state.failures
     ORDER BY coalesce(state.failures, 0) > 0, min(mark.id)
     LIMIT %(limit)s
""")

# A new mark in place of the day's own, as old as the oldest of them: how far figures are behind is told by it.
_TO_THE_END: Final = statements.one_line("""
    WITH mine AS (DELETE FROM analytics_dirtyday WHERE event_id = %s AND day = %s RETURNING event_id, day, marked_at)
    INSERT INTO analytics_dirtyday (event_id, day, marked_at)
    SELECT event_id, day, min(marked_at) FROM mine GROUP BY event_id, day
""")


@dataclass(frozen=True, slots=True)
class Worked:
    """What a round came to."""

    days: int
    failures: int


@dataclass(slots=True)
class _Round:
    """One round: which events failed in it, each counted once, and which somebody else had."""

    now: datetime
    failed: set[UUID] = field(default_factory=set)
    left: set[UUID] = field(default_factory=set)

    def attempt(self, event_id: UUID, act: Callable[[], None]) -> bool | None:
        """Do it; False when it failed, None when somebody else has the event."""
        try:
            act()
        except Held:
            self.left.add(event_id)
            return None
        except (Busy, DatabaseError) as error:
            if event_id in self.failed:
                _log.warning("analytics refresh failed again", event_id=str(event_id), error=str(error))
            else:
                self.failed.add(event_id)
                _failed(event_id, error, now=self.now)
            return False
        return True

    def end(self, event_id: UUID | None) -> None:
        """Forget the failures of events whose every day that waited when they last failed is computed by now."""
        waiting = DirtyDay.objects.filter(event_id=OuterRef("pk"), marked_at__lte=OuterRef("failed_at"))
        over = Refresh.objects.filter(failures__gt=0).exclude(pk__in=self.failed | self.left)
        if event_id is not None:
            over = over.filter(pk=event_id)
        over.filter(~Exists(waiting)).update(failures=0, last_error="")


def refresh(
    *, now: datetime, event_id: UUID | None = None, limit: int = 1_000, seconds: float = math.inf
) -> Worked:
    """Compute the dirty days, of one event or of all, the longest waiting first; at most ``limit`` of them.

    No day is begun after so many ``seconds``; what is left stays dirty. Days of an event whose time zone was changed
    are marked first, as far as there is time for. A day that fails is left dirty, logged, goes to the end of the
    line, and does not hold back the others: each is a transaction. However many days of an event fail in a round, it
    is one failure of that event. Days of an event that another round computes just now are left to it.
    """
    this, days, failures = _Round(now), 0, 0
    until = time.monotonic() + seconds
    for moved in moved_events(event_id):
        this.attempt(moved, partial(mark_for_zone, event_id=moved, now=now, until=until))
    for of, day in statements.run(_WAITING, {"event": event_id, "limit": limit}).fetchall():
        if time.monotonic() >= until:
            break
        is_done = this.attempt(of, partial(recompute, event_id=of, day=day, now=now, is_patient=False))
        days, failures = days + (is_done is True), failures + (is_done is False)
        if is_done is False:
            this.attempt(of, partial(_put_last, of, day))
    this.end(event_id)
    return Worked(days, failures)


@retrying
@transaction.atomic
def recompute(*, event_id: UUID, day: date, now: datetime, is_patient: bool = True) -> None:
    """Write the figures of one day anew from its raw events, and take away the marks that were there before.

    One at a time for an event: waits for whoever computes it, or raises ``Held`` when it is not patient. An event that
    is gone loses its marks, and so does a day that is frozen: its raw events may be gone, so its figures stay.
    """
    event = locked_event(event_id, is_patient=is_patient)
    # Before counting: the count sees whatever was committed with a mark that is taken away here.
    DirtyDay.objects.filter(event_id=event_id, day=day).delete()
    if event is None:
        return
    _note_zone(event, now=now)
    if not is_frozen(day, now=now):
        _write(event, day, now=now)


@transaction.atomic
def _put_last(event_id: UUID, day: date) -> None:
    statements.run(_TO_THE_END, [event_id, day])


def _write(event: Event, day: date, *, now: datetime) -> None:
    start, end = day_bounds(day, event.zone)
    first, last = received_between(start, end)
    given: dict[str, UUID | date] = {
        "event": event.pk, "day": day, "start": start, "end": end, "first": first, "last": last, "now": now,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_dailyfigure WHERE event_id = %s AND day = %s", [event.pk, day])
        cursor.execute(_WRITE, given)


def _note_zone(event: Event, *, now: datetime) -> None:
    """Note that it was computed, in which zone. Where that is another than of its other days, those are marked next."""
    state, _made = Refresh.objects.get_or_create(event=event, defaults={"time_zone": event.time_zone})
    if state.time_zone == "":
        state.time_zone = event.time_zone
    elif event.time_zone not in {state.time_zone, state.next_zone}:
        state.next_zone, state.marked_through = event.time_zone, None
    state.succeeded_at = now
    state.save(update_fields=["time_zone", "next_zone", "marked_through", "succeeded_at"])


def _failed(event_id: UUID, error: Busy | DatabaseError, *, now: datetime) -> None:
    """Count a round in which figures of an event failed, and call for help after three in a row."""
    Refresh.objects.get_or_create(event_id=event_id)
    Refresh.objects.filter(pk=event_id).update(
        failures=F("failures") + 1, failed_at=now, last_error=f"{type(error).__name__}: {error}"[:500]
    )
    failures = Refresh.objects.values_list("failures", flat=True).get(pk=event_id)
    alarm = _log.error if failures >= ALERT_AFTER else _log.warning
    alarm("analytics refresh failed", event_id=str(event_id), failures=failures, error=str(error))


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is stored otherwise than the raw events say. None: not there."""

    type: str
    entity_id: UUID | None
    stored: tuple[int, int] | None
    counted: tuple[int, int] | None


def recount(*, event_id: UUID, day: date) -> list[Difference]:
    """Compare the stored figures of a day with its raw events; an empty list says that they agree."""
    event = Event.objects.get(pk=event_id)
    start, end = day_bounds(day, event.zone)
    first, last = received_between(start, end)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"event": event_id, "start": start, "end": end, "first": first, "last": last})
        counted = {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}
        cursor.execute(
            "SELECT type, entity_id, count, visitors FROM analytics_dailyfigure WHERE event_id = %s AND day = %s",
            [event_id, day],
        )
        stored = {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}
    differing = {key for key in stored.keys() | counted.keys() if stored.get(key) != counted.get(key)}
    return [
        Difference(*key, stored.get(key), counted.get(key))
        for key in sorted(differing, key=lambda key: (key[0], str(key[1])))
    ]
