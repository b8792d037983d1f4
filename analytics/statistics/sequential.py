"""Always-valid p-values: they stay right however often somebody looks.

An asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory
and asymptotic confidence sequences", 2021): with n people in both variants and k = n rho^2 + 1,
p = min(1, sqrt(k) exp(-n rho^2 z^2 / 2k)). ``rho`` is chosen so that the sequence is narrowest at TUNING people.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.statistics.arms import Arm
from analytics.statistics.means import Amounts
from analytics.statistics.proportions import Interval, holm

ALPHA = 0.05
TUNING = 5_000
# The normal approximation is no good for a handful of successes: until then nothing is claimed.
_FEWEST_SUCCESSES = 10
_RHO_SQUARED = (-2 * math.log(ALPHA) + math.log(1 - 2 * math.log(ALPHA))) / TUNING


@dataclass(frozen=True, slots=True)
class Leader:
    """The variant that may be called the winner, or None; and each variant's adjusted p against the control."""

    key: str | None
    p_values: tuple[float, ...]


def always_valid_p(difference: float, variance: float, people: int) -> float:
    """Return the p-value of a difference whose estimate has that variance, from so many people in both variants."""
    if variance <= 0 or people <= 0:
        return 1.0
    k = people * _RHO_SQUARED + 1
    squared = difference * difference / variance
    return min(1.0, math.exp(0.5 * math.log(k) - people * _RHO_SQUARED * squared / (2 * k)))


def always_valid_interval(difference: float, variance: float, people: int) -> Interval:
    """Return the interval that holds the difference at every look, at the 95 % level."""
    k = people * _RHO_SQUARED + 1
    width = math.sqrt(variance) * math.sqrt(2 * k * math.log(math.sqrt(k) / ALPHA) / (people * _RHO_SQUARED))
    return Interval(difference - width, difference + width)


def compare_always(control: Arm, variant: Arm) -> float:
    """Return the always-valid p of the absolute difference of two rates; 1 while there are too few successes."""
    if control.successes + variant.successes < _FEWEST_SUCCESSES:
        return 1.0
    if control.rate is None or variant.rate is None:
        return 1.0
    variance = sum(arm.rate * (1 - arm.rate) / arm.trials for arm in (control, variant) if arm.rate)
    return always_valid_p(variant.rate - control.rate, variance, control.trials + variant.trials)


@dataclass(frozen=True, slots=True)
class Basket:
    """What the people of one variant brought, and how many of them brought anything."""

    key: str
    amounts: Amounts
    payers: int


def compare_means_always(control: Basket, variant: Basket) -> float:
    """Return the always-valid p of the difference of what a person brings; 1 while too few brought anything."""
    one, other = control.amounts, variant.amounts
    if control.payers + variant.payers < _FEWEST_SUCCESSES or min(one.people, other.people) < 2:
        return 1.0
    variance = one.deviation**2 / one.people + other.deviation**2 / other.people
    return always_valid_p((other.mean or 0.0) - (one.mean or 0.0), variance, one.people + other.people)


def leader(control: Arm, variants: Sequence[Arm]) -> Leader:
    """Say who may be called the winner, by Holm-adjusted always-valid p-values against the control.

    The best of the variants that beat the control; or the control, when it beats all of them; else nobody.
    """
    p_values = holm([compare_always(control, variant) for variant in variants])
    return _lead((control.key, _rate(control)), [(arm.key, _rate(arm)) for arm in variants], p_values)


def leader_of_means(control: Basket, variants: Sequence[Basket]) -> Leader:
    """Say the same by what a person brings."""
    p_values = holm([compare_means_always(control, variant) for variant in variants])
    means = [(one.key, one.amounts.mean or 0.0) for one in variants]
    return _lead((control.key, control.amounts.mean or 0.0), means, p_values)


def _lead(
    control: tuple[str, float], variants: Sequence[tuple[str, float]], p_values: Sequence[float]
) -> Leader:
    sure = [one for one, p in zip(variants, p_values, strict=True) if p <= ALPHA]
    better = [(figure, key) for key, figure in sure if figure > control[1]]
    if better:
        return Leader(max(better, key=lambda one: one[0])[1], tuple(p_values))
    beaten = bool(variants) and len(sure) == len(variants)
    return Leader(control[0] if beaten else None, tuple(p_values))


def _rate(arm: Arm) -> float:
    return arm.rate or 0.0
