"""Tests and intervals of conversion rates at one look.

The absolute difference decides: a test of the relative lift is lopsided (it finds losses more often than wins
where there are neither). The lift is shown with Katz's log-ratio interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from analytics.statistics.arms import Arm
from analytics.statistics.library import stats

LEVEL = 0.95
# Below this many expected in a cell of two variants the exact test is used; chi-square is called too coarse under 5
# at the latest, and under 10 with one degree of freedom (Cochran 1954).
_SMALL = 10


@dataclass(frozen=True, slots=True)
class Test:
    """What a test says: the chance of such a difference, or a greater one, where there is none."""

    method: str
    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies, at the 95 % level."""

    low: float
    high: float


def compare(one: Arm, other: Arm) -> Test | None:
    """Test the difference of two rates: chi-square without Yates' correction, Fisher's exact test for small counts.

    None while one of them was seen by nobody. With no success at all, or nothing but, there is no difference: p is 1.
    """
    if not one.trials or not other.trials:
        return None
    table = _table((one, other))
    if _smallest_expected(table) < _SMALL:
        return Test("fisher", math.nan, 0, float(stats().fisher_exact(table).pvalue))
    return _chi_square(table)


def compare_all(arms: Sequence[Arm]) -> Test | None:
    """Test whether any of several rates differs from the others: chi-square over all of them.

    Variants nobody saw are left out; None with fewer than two left. Two with small counts are compared exactly.
    """
    seen = [arm for arm in arms if arm.trials]
    if len(seen) == 2:
        return compare(*seen)
    return _chi_square(_table(seen)) if len(seen) > 2 else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for how many there are (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, highest = [1.0] * len(p_values), 0.0
    for passed, place in enumerate(order):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - passed)))
        adjusted[place] = highest
    return adjusted


def interval_of_rate(arm: Arm) -> Interval | None:
    """Return Wilson's score interval of a rate; None when nobody saw the variant."""
    if not arm.trials:
        return None
    found = stats().binomtest(arm.successes, arm.trials).proportion_ci(LEVEL, method="wilson")
    return Interval(float(found.low), float(found.high))


def interval_of_lift(control: Arm, variant: Arm) -> Interval | None:
    """Return Katz's log-ratio interval of the relative lift (0.2: a fifth more); None without successes in both."""
    if not control.successes or not variant.successes:
        return None
    ratio = math.log((variant.successes / variant.trials) / (control.successes / control.trials))
    spread = math.sqrt(
        1 / variant.successes - 1 / variant.trials + 1 / control.successes - 1 / control.trials
    ) * NormalDist().inv_cdf((1 + LEVEL) / 2)
    return Interval(math.exp(ratio - spread) - 1, math.exp(ratio + spread) - 1)


def people_needed(rate: float, hoped_for: float, *, power: float = 0.8, level: float = LEVEL) -> int:
    """Return how many people each of two variants needs for such a difference to be found with that power."""
    if not (0 < rate < 1 and 0 < hoped_for < 1) or rate == hoped_for:
        raise ValueError("two different rates between 0 and 1")
    middle = (rate + hoped_for) / 2
    by_chance = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(2 * middle * (1 - middle))
    by_difference = NormalDist().inv_cdf(power) * math.sqrt(rate * (1 - rate) + hoped_for * (1 - hoped_for))
    return math.ceil(float(((by_chance + by_difference) / (hoped_for - rate)) ** 2))


def _table(arms: Sequence[Arm]) -> list[list[int]]:
    return [[arm.successes, arm.trials - arm.successes] for arm in arms]


def _smallest_expected(table: list[list[int]]) -> float:
    columns: list[int] = [sum(column) for column in zip(*table, strict=True)]
    return min(sum(row) * column / sum(columns) for row in table for column in columns)


def _chi_square(table: list[list[int]]) -> Test:
    if not all(sum(column) for column in zip(*table, strict=True)):
        return Test("chi-square", 0.0, len(table) - 1, 1.0)
    found = stats().chi2_contingency(table, correction=False)
    return Test("chi-square", float(found.statistic), int(found.dof), float(found.pvalue))
