"""Deciding while caps and budgets cannot be asked: one ad at most, by what this process and the database know."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Final
from uuid import UUID

import structlog

from ads.decision.index import EventIndex
from ads.decision.pacing import Spent, held_back
from ads.decision.pool import Pool
from ads.decision.types import Candidate, Context
from ads.decision.viewers import is_unnamed
from ads.models import AdSpend, AdSpendDay

_log = structlog.stdlib.get_logger(__name__)

# So old what is known of versions and spend may be.
SECONDS: Final = 1.0
_CAPS_KEPT: Final = 20_000
_EVENTS_KEPT: Final = 1_000

_Spends = dict[UUID, Spent]


class Alone:
    """What a process goes by without Redis: the ads it gave each viewer today, and what was billed a second ago."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._given: dict[tuple[UUID, date, UUID], int] = {}
        self._spends: dict[UUID, tuple[float, date, _Spends]] = {}
        self._told: set[UUID | None] = set()

    def choose(
        self, index: EventIndex, context: Context, pool: Pool, order: Iterable[int], now: datetime
    ) -> Candidate | None:
        """Return the first ad of the order that nothing holds back, and count it for the viewer who is no program."""
        spends = self._spent(index, pool.day)
        for position in order:
            ad = pool.candidates[position]
            spent = spends.get(ad.id, Spent())
            if not held_back(ad, spent, pool.window, now) and self._give(context, pool.day, ad):
                return ad
        return None

    def tell(self, event_id: UUID | None) -> None:
        """Warn that decisions are degraded: once until they are whole again, for all events or for this one."""
        if event_id in self._told:
            return
        self._told.add(event_id)
        if event_id is None:
            _log.warning("ads_degraded", cause="redis_away")
        else:
            _log.warning("ads_degraded", cause="caps_missing", event_id=str(event_id))

    def over(self, event_id: UUID) -> None:
        """Say that decisions for the event are whole again, and so that Redis is back."""
        if not self._told:
            return
        for told in (None, event_id):
            if told in self._told:
                self._told.discard(told)
                _log.warning("ads_whole_again", event_id=None if told is None else str(told))

    def _give(self, context: Context, day: date, ad: Candidate) -> bool:
        if is_unnamed(context.viewer):
            return True
        key = (context.viewer, day, ad.id)
        with self._lock:
            given = self._given.get(key, 0)
            if given >= ad.cap:
                return False
            if context.is_program:
                return True
            if not given and len(self._given) >= _CAPS_KEPT:
                self._given.pop(next(iter(self._given)))
            self._given[key] = given + 1
            return True

    def _spent(self, index: EventIndex, day: date) -> _Spends:
        """Return what the event's ads with a budget were billed, at most a second old."""
        at, its_day, spends = self._spends.get(index.event_id, (0.0, day, {}))
        started = self._clock()
        if at and its_day == day and started - at <= SECONDS:
            return spends
        spends = spends_of([ad.id for ad in index.candidates if ad.has_budget], day)
        if len(self._spends) >= _EVENTS_KEPT:
            self._spends.clear()
        self._spends[index.event_id] = (started, day, spends)
        return spends


def spends_of(ad_ids: list[UUID], day: date) -> _Spends:
    """Return what these ads were billed in all and on a day, by two statements; none for no ads."""
    if not ad_ids:
        return {}
    today = dict(AdSpendDay.objects.filter(ad_id__in=ad_ids, day=day).values_list("ad_id", "billed_micros"))
    totals = AdSpend.objects.filter(ad_id__in=ad_ids).values_list("ad_id", "billed_micros")
    return {ad_id: Spent(total, today.get(ad_id, 0)) for ad_id, total in totals}


alone = Alone()
