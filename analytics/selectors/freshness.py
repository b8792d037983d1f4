"""How new an event's figures are."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Count, Max, Min

from ads.models import AdDaily, AdDirtyDay
from analytics.models import DailyFigure, DirtyDay
from analytics.types.figures import Freshness
from common import statements
from events.models import Event

# How computing goes, and for which time zones it was done: of what front ends told, and of what ads counted.
_STATE: Final = statements.one_line("""
    SELECT coalesce(told.time_zone, ''), coalesce(told.next_zone, ''), told.marked_through,
        coalesce(told.failures, 0), coalesce(told.last_error, ''), coalesce(ads.time_zone, '')
      FROM events_event event
      LEFT JOIN analytics_refresh told ON told.event_id = event.id
      LEFT JOIN ads_adfigures ads ON ads.event_id = event.id
     WHERE event.id = %s
""")


@dataclass(frozen=True, slots=True)
class _State:
    """A row of the statement; empty zones: nothing was computed yet."""

    zone: str
    next_zone: str
    marked_through: date | None
    failures: int
    last_error: str
    ads_zone: str


def freshness(event: Event, *, now: datetime) -> Freshness:
    """Say until when the figures hold what was told, those of ads too, and how the computing goes.

    Days that are stored for another time zone than the event's wait as a whole: no more is promised of them than what
    was counted before they were last computed. Three statements, and one more for each kind that is of another zone.
    """
    told_since, told_days = _waiting(DirtyDay, event)
    ads_since, ads_days = _waiting(AdDirtyDay, event)
    state = _State(*statements.run(_STATE, [event.pk]).fetchone())
    if state.zone and (state.zone != event.time_zone or state.next_zone):
        # Marked for this zone up to a day: those have marks of their own.
        through = state.marked_through if state.next_zone == event.time_zone else None
        told_since, told_days = _moved(DailyFigure, event, through, told_since, told_days)
    if state.ads_zone and state.ads_zone != event.time_zone:
        ads_since, ads_days = _moved(AdDaily, event, None, ads_since, ads_days)
    return Freshness(
        as_of=now,
        told_through=min(told_since or now, now),
        ads_through=min(ads_since or now, now),
        pending_days=told_days,
        pending_ad_days=ads_days,
        failures=state.failures,
        last_error=state.last_error,
    )


def _waiting(marks: type[DirtyDay] | type[AdDirtyDay], event: Event) -> tuple[datetime | None, int]:
    """Return since when something waits, and how many days do."""
    found = marks._default_manager.filter(event_id=event.pk).aggregate(
        oldest=Min("marked_at"), days=Count("day", distinct=True)
    )
    return found["oldest"], found["days"]


def _moved(
    figures: type[DailyFigure] | type[AdDaily],
    event: Event,
    marked_through: date | None,
    since: datetime | None,
    days: int,
) -> tuple[datetime | None, int]:
    """Return the same where stored days are of another zone: those that are not marked for the new one yet wait too."""
    rows = figures._default_manager.filter(event_id=event.pk)
    if marked_through is not None:
        rows = rows.filter(day__gt=marked_through)
    found = rows.aggregate(newest=Max("computed_at"), days=Count("day", distinct=True))
    known = [at for at in (since, found["newest"]) if at is not None]
    return min(known, default=None), max(days, found["days"])
