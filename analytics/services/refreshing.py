"""Computing an event's figures because somebody asks for it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count

from accounts.services import access
from accounts.types import Capability
from ads.services import daily
from analytics.models import DirtyDay
from analytics.services.rollup import refresh
from common.errors import Busy, Unauthenticated
from common.ratelimits import RateLimit, hit
from common.types import Actor
from events.models import Event

_A_MINUTE = RateLimit("analytics.refresh", 6, 60)
# Somebody waits for the answer; the job by the clock does the rest. A day of a million events takes about a second.
DAYS_AT_ONCE: Final = 40
SECONDS_AT_ONCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What asking came to: days that were computed, that failed, and that are left for the job by the clock.

    Of what front ends told; what ads counted is computed beside it.
    """

    days: int
    failures: int
    waiting: int


def refresh_now(*, actor: Actor, event_id: UUID, now: datetime) -> Refreshed:
    """Compute the event's dirty days at once, as many as somebody may wait for, and those of its ads; at most six times
    a minute.

    The answer says how many days are left; the job by the clock computes them within minutes.
    Raises ``Unauthenticated``, ``NotFound``, ``Forbidden``, ``RateLimited``.
    """
    if not (actor.is_authenticated or actor.is_system):
        raise Unauthenticated
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.VIEW_ANALYTICS)
    hit(_A_MINUTE, str(event_id))
    worked = refresh(now=now, event_id=event_id, limit=DAYS_AT_ONCE, seconds=SECONDS_AT_ONCE)
    _compute_ads(event_id, now=now)
    left = DirtyDay.objects.filter(event_id=event_id).aggregate(days=Count("day", distinct=True))["days"]
    return Refreshed(worked.days, worked.failures, left)


def _compute_ads(event_id: UUID, *, now: datetime) -> None:
    """Compute the days of the event's ads, unless somebody else does just now: their figures are new then."""
    with suppress(Busy):
        daily.work(event_id, now=now)
