"""The ads that may be shown in one place now: chosen from, and told to Redis, without being looked at again."""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import accumulate
from typing import Final
from uuid import UUID

from ads.decision.brakes import forgotten_at, milliseconds
from ads.decision.connections import bulk
from ads.decision.pacing import HEAD_START, pace_of
from ads.decision.types import Candidate
from common.windows import Window

_NONE: Final = -1


class Pool:
    """Ads in a placement and session between two instants, at which one begins or ends, or the local day does.

    ``ready`` are the ads as ``take.lua`` reads them: 16 bytes, the cap, and for an ad with a budget what must be left,
    the cost, total and daily budget, and the paced one with where it begins (its head start before) and its length
    in milliseconds; -1 for what is not there.
    """

    __slots__ = ("candidates", "cumulative", "day", "forget_at", "ready", "valid", "window")

    def __init__(self, candidates: Iterable[Candidate], *, day: date, window: Window, valid: Window) -> None:
        self.candidates = tuple(candidates)
        self.cumulative = tuple(accumulate(ad.weight for ad in self.candidates))
        self.ready = tuple(bulk(_told(ad, window)) for ad in self.candidates)
        self.day = day
        self.window = window
        self.valid = valid
        self.forget_at = forgotten_at(window.end) if window.end is not None else b""

    def only(self, ad_id: UUID) -> "Pool":
        """Return the pool with that ad alone, or empty."""
        found = (ad for ad in self.candidates if ad.id == ad_id)
        return Pool(found, day=self.day, window=self.window, valid=self.valid)


def _told(ad: Candidate, day: Window) -> bytes:
    if not ad.has_budget:
        return b"%s%d" % (ad.id.bytes, ad.cap)
    terms = [ad.cap, ad.need_micros, ad.cost_micros, _or_none(ad.total_micros), _or_none(ad.daily_micros)]
    pace = pace_of(ad, day)
    if pace is None:
        terms += [_NONE, 0, 1]
    else:
        length = milliseconds(pace.end) - milliseconds(pace.start)
        terms += [pace.micros, milliseconds(pace.start) - int(length * HEAD_START), max(1, length)]
    return ad.id.bytes + b",".join(b"%d" % term for term in terms)


def _or_none(micros: int | None) -> int:
    return _NONE if micros is None else micros


def pool_at(candidates: Iterable[Candidate], day: date, window: Window, now: datetime) -> Pool:
    """Return the pool of those of the given ads that may be shown now, and until when it stays as it is."""
    shown, since, until = [], window.start, window.end
    for ad in candidates:
        if Window(ad.starts_at, ad.ends_at).contains(now):
            shown.append(ad)
        for change in (ad.starts_at, ad.ends_at):
            if change is None:
                continue
            if change <= now:
                since = change if since is None else max(since, change)
            else:
                until = change if until is None else min(until, change)
    return Pool(shown, day=day, window=window, valid=Window(since, until))
