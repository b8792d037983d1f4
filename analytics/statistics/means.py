"""Comparing what people brought, on average: Welch's test, from sums alone."""

import math
from dataclasses import dataclass

from analytics.statistics.library import stats
from analytics.statistics.proportions import LEVEL, Interval, Test


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the people of one variant brought: how many they are, the sum, and the sum of the squares."""

    people: int
    total: int
    squares: int

    @property
    def mean(self) -> float | None:
        """The average of a person; None without people."""
        return self.total / self.people if self.people else None

    @property
    def deviation(self) -> float:
        """The sample's standard deviation; whole numbers until the root, so that nothing cancels out."""
        spread = self.people * self.squares - self.total * self.total
        return math.sqrt(spread / (self.people * (self.people - 1)))


def interval_of_mean(amounts: Amounts) -> Interval | None:
    """Return Student's interval of what a person brings; None with fewer than two people.

    Nobody brings less than nothing, so it does not begin below. Few people, or a few who bring very much, make it wide.
    """
    if amounts.people < 2 or amounts.mean is None:
        return None
    margin = float(stats().t.ppf((1 + LEVEL) / 2, amounts.people - 1)) * amounts.deviation
    margin /= math.sqrt(amounts.people)
    return Interval(max(0.0, amounts.mean - margin), amounts.mean + margin)


def compare_means(one: Amounts, other: Amounts) -> Test | None:
    """Test the difference of two means (Welch: the spreads may differ). None with fewer than two people in one."""
    if min(one.people, other.people) < 2:
        return None
    if not one.deviation and not other.deviation:
        return Test("welch", 0.0, 0, 1.0 if one.mean == other.mean else 0.0)
    found = stats().ttest_ind_from_stats(
        one.mean, one.deviation, one.people, other.mean, other.deviation, other.people, equal_var=False
    )
    return Test("welch", float(found.statistic), 0, float(found.pvalue))
