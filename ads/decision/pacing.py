"""Budgets and their pacing: what holds an ad back, told the same way with Redis, without it, and to staff.

A budget that is spread evenly is let through by the clock: a daily one over the part of the day in which the ad may
be shown, a total one without a daily one over the ad's schedule (with no end it cannot be spread). Two percent may
be ahead of the clock, so that a day can begin, and one billing always may.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from ads.decision.types import Candidate
from common.windows import Window

HEAD_START: Final = 0.02


class Brake(Enum):
    """What holds an ad back, by the letter that the script says."""

    CAPPED = "c"
    OUT_OF_BUDGET = "b"
    DAILY_BUDGET_SPENT = "d"
    PACED = "p"


@dataclass(frozen=True, slots=True)
class Pace:
    """A budget that is spread evenly over a window, in micro-units."""

    micros: int
    start: datetime
    end: datetime

    def allowed(self, now: datetime) -> int:
        """Return how much of it may be spent by now."""
        passed = (now - self.start) / (self.end - self.start) + HEAD_START
        return int(self.micros * min(1.0, max(0.0, passed)))


@dataclass(frozen=True, slots=True)
class Spent:
    """What an ad was billed in all and today, and what open reservations may come to, in micro-units."""

    total: int = 0
    today: int = 0
    open: int = 0


def pace_of(ad: Candidate, day: Window) -> Pace | None:
    """Return how the ad's budget is spread on a local day; None where it is not."""
    if not ad.is_paced:
        return None
    if ad.daily_micros is not None:
        begins, ends = max(ad.runs_from, _start(day)), min(ad.ends_at or _end(day), _end(day))
        return Pace(ad.daily_micros, begins, ends) if begins < ends else None
    if ad.total_micros is None or ad.ends_at is None or ad.runs_from >= ad.ends_at:
        return None
    return Pace(ad.total_micros, ad.runs_from, ad.ends_at)


def held_back(ad: Candidate, spent: Spent, day: Window, now: datetime) -> Brake | None:
    """Return what of the ad's budgets holds it back now, None when nothing does."""
    more = spent.open + ad.need_micros
    if ad.total_micros is not None and spent.total + more > ad.total_micros:
        return Brake.OUT_OF_BUDGET
    if ad.daily_micros is not None and spent.today + more > ad.daily_micros:
        return Brake.DAILY_BUDGET_SPENT
    pace = pace_of(ad, day)
    if pace is None:
        return None
    of_it = spent.today if ad.daily_micros is not None else spent.total
    return Brake.PACED if of_it + more > max(ad.need_micros, pace.allowed(now)) else None


def _start(day: Window) -> datetime:
    assert day.start is not None  # noqa: S101 a day has both
    return day.start


def _end(day: Window) -> datetime:
    assert day.end is not None  # noqa: S101
    return day.end
