"""The figures of an event for a range of days: each part by itself, each from the books it belongs to.

A part that fails is tried three times, each at most five seconds. Then the last good answer takes its place and says
how old it is; without one the part is missing, and the others are there.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
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
from common.types import Actor
from events.models import Event
from waitlist.figures import figures_between

ATTEMPTS: Final = 3
STATEMENT_SECONDS: Final = 5
# Somebody waits: after so long no part is tried again.
PATIENCE_SECONDS: Final = 15
# An answer this new is not written down again.
_KEPT_SECONDS: Final = 60
T = TypeVar("T")
_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the figures. ``figures`` None: it could not be had. ``stale``: it is of ``as_of``, not of now."""

    figures: Any
    as_of: datetime
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Monetization:
    """An event's figures, part by part."""

    event: Event
    wanted: Range
    freshness: Freshness
    parts: Mapping[str, Part]

    @property
    def is_stale(self) -> bool:
        """Say whether any part is old or missing."""
        return any(part.is_stale for part in self.parts.values())

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
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.VIEW_ANALYTICS)
    answer = figures_of(event, range_of(event, date_from, date_to, now=now), parts=parts, now=now)
    looked((now - min(answer.as_of, answer.freshness.data_through)).total_seconds())
    return answer


def figures_of(event: Event, wanted: Range, *, parts: tuple[str, ...] = PARTS, now: datetime) -> Monetization:
    """Return the same figures to who may have them already: exports and scheduled reports ask first.

    A part that fails is stale or missing, never an error. A fixed number of statements.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    return Monetization(
        event=event,
        wanted=wanted,
        freshness=freshness(event, now=now),
        parts={name: _part(name, event, wanted, until=until, now=now) for name in parts},
    )


def _part(name: str, event: Event, wanted: Range, *, until: float, now: datetime) -> Part:
    kind, compute = _PARTS[name]
    for attempt in range(1, ATTEMPTS + 1):
        if attempt > 1 and time.monotonic() > until:
            break
        try:
            figures = bounded(lambda: compute(event, wanted))
        except DatabaseError as error:
            _log.warning(
                "analytics part failed", part=name, event_id=str(event.pk), attempt=attempt, error=str(error)
            )
        else:
            _keep(name, event, wanted, figures, now=now)
            return Part(figures, now, is_stale=False)
    last = LastAnswer.objects.filter(event=event, part=name, first=wanted.first, last=wanted.last).first()
    if last is None:
        return Part(None, now, is_stale=True)
    return Part(msgspec.convert(last.body, kind), last.computed_at, is_stale=True)


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


def _keep(name: str, event: Event, wanted: Range, figures: Any, *, now: datetime) -> None:
    """Write the answer down for a day on which it cannot be had. Where that fails the answer is as good as before."""
    given: dict[str, UUID | date | str | int] = {
        "event": event.pk, "part": name, "first": wanted.first, "last": wanted.last, "now": now,
        "body": msgspec.json.encode(figures).decode(), "kept": _KEPT_SECONDS,
    }  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_KEEP, given)
    except DatabaseError as error:
        _log.warning("analytics answer not kept", part=name, event_id=str(event.pk), error=str(error))
