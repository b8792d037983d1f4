"""Computing the figures of a day from raw events: again and again, and always the same.

Events are appended together with a mark that their day is dirty. A worker takes the marks of a day away and then
computes the day whole, in one transaction: what is committed meanwhile has a mark of its own. So figures are right
whatever came late, twice, at once, or out of order.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from analytics.models import DirtyDay, Refresh
from analytics.services.days import is_frozen, received_between
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

_OTHER_ZONE = """
INSERT INTO analytics_dirtyday (event_id, day, marked_at)
SELECT DISTINCT r.event_id, (r.occurred_at AT TIME ZONE e.time_zone)::date, %(now)s::timestamptz
FROM analytics_rawevent r JOIN events_event e ON e.id = r.event_id WHERE r.event_id = %(event)s
UNION
SELECT event_id, day, %(now)s FROM analytics_dailyfigure WHERE event_id = %(event)s
"""


@dataclass(frozen=True, slots=True)
class Worked:
    """What a round came to."""

    days: int
    failures: int


def refresh(
    *, now: datetime, event_id: UUID | None = None, limit: int = 1_000, seconds: float = math.inf
) -> Worked:
    """Compute the dirty days, of one event or of all, the longest waiting first; at most ``limit`` of them.

    No day is begun after so many ``seconds``; what is left stays dirty. Days of an event whose time zone was changed
    are dirty, too. A day that fails is left dirty, counted and logged, and does not hold back the others: each is a
    transaction.
    """
    for moved in _moved(event_id):
        _attempt(partial(notice_zone, event_id=moved, now=now), moved, now=now)
    marks = DirtyDay.objects.all() if event_id is None else DirtyDay.objects.filter(event_id=event_id)
    dirty = marks.order_by("id").values_list("event_id", "day")[: limit * 20]
    until, days, failures = time.monotonic() + seconds, 0, 0
    for of, day in list(dict.fromkeys(dirty))[:limit]:
        if time.monotonic() >= until:
            break
        is_done = _attempt(partial(recompute, event_id=of, day=day, now=now), of, now=now)
        days, failures = days + is_done, failures + (not is_done)
    return Worked(days, failures)


def _attempt(act: Callable[[], None], event_id: UUID, *, now: datetime) -> bool:
    try:
        act()
    except (Busy, DatabaseError) as error:
        _failed(event_id, error, now=now)
        return False
    return True


@retrying
@transaction.atomic
def recompute(*, event_id: UUID, day: date, now: datetime) -> None:
    """Write the figures of one day anew from its raw events, and take away the marks that were there before.

    One at a time for an event. An event that is gone loses its marks, and so does a day that is frozen: its raw
    events may be gone, so its figures stay.
    """
    event = _locked(event_id)
    # Before counting: the count sees whatever was committed with a mark that is taken away here.
    DirtyDay.objects.filter(event_id=event_id, day=day).delete()
    if event is None:
        return
    _note_zone(event, now=now)
    if not is_frozen(day, now=now):
        _write(event, day, now=now)


@retrying
@transaction.atomic
def notice_zone(*, event_id: UUID, now: datetime) -> None:
    """Mark all days of an event whose time zone is another than that of its figures."""
    event = _locked(event_id)
    if event is not None:
        _note_zone(event, now=now)


def _moved(event_id: UUID | None) -> list[UUID]:
    """Return the events whose time zone was changed since their figures were computed."""
    states = Refresh.objects.exclude(time_zone="").exclude(time_zone=F("event__time_zone"))
    if event_id is not None:
        states = states.filter(pk=event_id)
    return list(states.order_by("pk").values_list("pk", flat=True))


def _locked(event_id: UUID) -> Event | None:
    """Have an event's figures for oneself until the transaction ends; return the event as it is then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"analytics {event_id}"])
    return Event.objects.filter(pk=event_id).only("id", "time_zone").first()


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
    """Note a success; in another time zone than before every day has to be computed again."""
    state, _made = Refresh.objects.get_or_create(event=event, defaults={"time_zone": event.time_zone})
    if state.time_zone not in ("", event.time_zone):
        with connection.cursor() as cursor:
            cursor.execute(_OTHER_ZONE, {"event": event.pk, "now": now})
    Refresh.objects.filter(pk=event.pk).update(
        time_zone=event.time_zone, succeeded_at=now, failures=0, last_error=""
    )


def _failed(event_id: UUID, error: Busy | DatabaseError, *, now: datetime) -> None:
    """Count a failure of an event's figures, and call for help after three in a row."""
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
