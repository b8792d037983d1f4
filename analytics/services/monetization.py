"""The figures of an event for a range of days: each part by itself, each from the books it belongs to.

A part that fails is tried three times, each at most five seconds. Then the last good answer takes its place and says
how old it is; without one the part is missing, and the others are there. How new the figures are is asked likewise.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import structlog
from django.db import DatabaseError, connection, transaction

from accounts.services import access
from accounts.types import Capability
from analytics.figures_metrics import looked
from analytics.models import LastAnswer
from analytics.selectors.ads import ad_figures
from analytics.selectors.freshness import freshness
from analytics.selectors.offers import offer_figures
from analytics.selectors.ranges import range_of
from analytics.selectors.revenue import revenue
from analytics.types.figures import (
    AdFigures,
    Freshness,
    OfferFigures,
    Range,
    Revenue,
    WaitlistFigures,
)
from common.operations import observed
from common.types import Actor
from events.models import Event
from waitlist.figures import figures_between

ATTEMPTS: Final = 3
STATEMENT_SECONDS: Final = 5
# Somebody waits: after so long no part is tried again.
PATIENCE_SECONDS: Final = 15
# An answer this new is not written down again.
_KEPT_SECONDS: Final = 60
# How new figures are is kept beside the answers; it is the same for whatever days.
_HOW_NEW: Final = "freshness"
_NO_DAY: Final = date(1970, 1, 1)
_A_DAY: Final = timedelta(days=1)
T = TypeVar("T")
_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the figures. ``figures`` None: it could not be had. ``stale``: it is of ``as_of``, not of now.

    ``days``: the first and last day it is of, where those are not the ones that were asked for.
    """

    figures: Any
    as_of: datetime
    is_stale: bool
    days: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True)
class Monetization:
    """An event's figures, part by part. ``is_freshness_known`` False: how new they are is what was last known of it."""

    event: Event
    wanted: Range
    freshness: Freshness
    is_freshness_known: bool
    parts: Mapping[str, Part]

    @property
    def is_stale(self) -> bool:
        """Say whether any part is old or missing, or nobody knows how new they are."""
        return not self.is_freshness_known or any(part.is_stale for part in self.parts.values())

    @property
    def is_behind(self) -> bool:
        """Say whether anything is old or missing, also where something that was told is long in coming."""
        return self.is_stale or self.freshness.is_late

    @property
    def as_of(self) -> datetime:
        """Return when the oldest part was computed; without any, when it was asked."""
        return min((part.as_of for part in self.parts.values()), default=self.freshness.as_of)


def waitlist_figures(event: Event, wanted: Range) -> WaitlistFigures:
    """Return the figures of the event's waitlists. One statement."""
    found = figures_between(event_id=event.pk, start=wanted.start, end=wanted.end)
    return WaitlistFigures(
        total_joins=found.joins,
        offers_issued=found.offers_issued,
        acceptance_rate=found.acceptance_rate,
        average_wait_time_minutes=found.average_wait_minutes,
    )


_PARTS: Final[dict[str, tuple[type, Callable[[Event, Range], Any]]]] = {
    "revenue": (Revenue, revenue),
    "offers": (OfferFigures, offer_figures),
    "ads": (AdFigures, ad_figures),
    "waitlist": (WaitlistFigures, waitlist_figures),
}
PARTS: Final = tuple(_PARTS)


def monetization(
    *,
    actor: Actor,
    event_id: UUID,
    date_from: date | None = None,
    date_to: date | None = None,
    parts: tuple[str, ...] = PARTS,
    now: datetime,
) -> Monetization:
    """Return an event's figures for days of its own time zone; some of the parts, when only those are asked for.

    How old they are is counted as a look (AN-04).
    Raises ``Unauthenticated``, ``NotFound`` for other organizations' events, ``Forbidden``, ``Invalid`` for days that
    are no range. A fixed number of statements.
    """
    event = readable_event(actor, event_id)
    wanted = range_of(event, date_from, date_to, now=now)
    with observed("analytics") as call:
        answer = figures_of(event, wanted, parts=parts, now=now)
        if answer.is_stale:
            call.failed()
    looked((now - min(answer.as_of, answer.freshness.data_through)).total_seconds())
    return answer


def readable_event(actor: Actor, event_id: UUID) -> Event:
    """Return an event whose figures the actor may read. Raises ``Unauthenticated``, ``NotFound``, ``Forbidden``."""
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.VIEW_ANALYTICS)
    return event


def figures_of(event: Event, wanted: Range, *, parts: tuple[str, ...] = PARTS, now: datetime) -> Monetization:
    """Return the same figures to who may have them already: exports and scheduled reports ask first.

    A part that fails is stale or missing, never an error. A fixed number of statements.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    read = _Question(event, _HOW_NEW, Freshness, _NO_DAY, _NO_DAY, lambda: freshness(event, now=now))
    how_new = _answer(read, until=until, now=now)
    return Monetization(
        event=event,
        wanted=wanted,
        # Of what was told before there was the event nothing is missing, whatever else is not known.
        freshness=how_new.figures or Freshness.unknown(since=event.created_at, now=now),
        is_freshness_known=not how_new.is_stale,
        parts={name: _answer(_about(name, event, wanted), until=until, now=now) for name in parts},
    )


def part_of(name: str, event: Event, wanted: Range, *, now: datetime) -> Part:
    """Return one part by itself, to compare with: how new it is was asked already. Never raises for what fails."""
    return _answer(_about(name, event, wanted), until=time.monotonic() + PATIENCE_SECONDS, now=now)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of an event, and under which name and days its last good answer is kept."""

    event: Event
    name: str
    kind: type
    first: date
    last: date
    read: Callable[[], Any]


def _about(name: str, event: Event, wanted: Range) -> _Question:
    kind, compute = _PARTS[name]
    return _Question(event, name, kind, wanted.first, wanted.last, lambda: compute(event, wanted))


def _answer(asked: _Question, *, until: float, now: datetime) -> Part:
    for attempt in range(1, ATTEMPTS + 1):
        if attempt > 1 and time.monotonic() > until:
            break
        try:
            figures = bounded(asked.read)
        except DatabaseError as error:
            _log.warning(
                "analytics part failed", part=asked.name, event_id=str(asked.event.pk), attempt=attempt,
                error=str(error),
            )  # fmt: skip
        else:
            _keep(asked, figures, now=now)
            return Part(figures, now, is_stale=False)
    last = _last_answer(asked, now=now)
    if last is None:
        return Part(None, now, is_stale=True)
    days = None if last.last == asked.last else (last.first, last.last)
    return Part(msgspec.convert(last.body, asked.kind), last.computed_at, is_stale=True, days=days)


def _last_answer(asked: _Question, *, now: datetime) -> LastAnswer | None:
    """Return the last good answer; of days up to today, also that of as many days up to yesterday.

    Else nothing would stand in for the usual days from midnight until somebody has looked. A day by itself is never
    another's.
    """
    kept = LastAnswer.objects.filter(event=asked.event, part=asked.name)
    found = kept.filter(first=asked.first, last=asked.last).first()
    if (
        found is not None
        or asked.first == asked.last
        or asked.last != now.astimezone(asked.event.zone).date()
    ):
        return found
    return kept.filter(first=asked.first - _A_DAY, last=asked.last - _A_DAY).first()


def bounded(read: Callable[[], T]) -> T:
    """Read in a transaction of its own whose statements end after five seconds. Raises ``DatabaseError``."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        return read()


_KEEP = """
INSERT INTO analytics_lastanswer AS a (event_id, part, first, last, body, computed_at)
VALUES (%(event)s, %(part)s, %(first)s, %(last)s, %(body)s::jsonb, %(now)s)
ON CONFLICT (event_id, part, first, last) DO UPDATE SET body = EXCLUDED.body, computed_at = EXCLUDED.computed_at
WHERE a.computed_at < EXCLUDED.computed_at - %(kept)s * interval '1 second'
"""


def _keep(asked: _Question, figures: Any, *, now: datetime) -> None:
    """Write the answer down for a day on which it cannot be had. Where that fails the answer is as good as before."""
    given: dict[str, UUID | date | str | int] = {
        "event": asked.event.pk, "part": asked.name, "first": asked.first, "last": asked.last, "now": now,
        "body": msgspec.json.encode(figures).decode(), "kept": _KEPT_SECONDS,
    }  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_KEEP, given)
    except DatabaseError as error:
        _log.warning(
            "analytics answer not kept", part=asked.name, event_id=str(asked.event.pk), error=str(error)
        )
