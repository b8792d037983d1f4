"""What an experiment's counts say: pure, so that it can be proved on counts made by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import Final

from analytics.models import Experiment, ExperimentStatus, Metric, Variant
from analytics.services.experiments.words import Known, headline_of, recommendation_of
from analytics.statistics.arms import Arm
from analytics.statistics.means import Amounts, compare_means, interval_of_mean
from analytics.statistics.proportions import (
    Interval,
    Test,
    compare,
    compare_all,
    holm,
    interval_of_lift,
    interval_of_rate,
    people_needed,
)
from analytics.statistics.sequential import Basket, Leader, leader, leader_of_means
from analytics.statistics.srm import RatioCheck, check_ratio
from analytics.types.experiments import Results, Tally, VariantResult, Verdict
from common.money import Money

# Fewer are divided unevenly by chance alone, and chi-square is no good for so few of them.
FEWEST_DIVIDED: Final = 100
_FEWEST_EXPECTED: Final = 5
# A certainty of 100 % does not exist.
_HIGHEST: Final = 99.99
# What an always-valid answer takes beside one that is looked at once: (3.0 + 0.84)^2 by (1.96 + 0.84)^2 at some
# thousand people.
_LOOKING_COSTS: Final = 2


@dataclass(frozen=True, slots=True)
class _Side:
    """A variant with what is kept of its people."""

    variant: Variant
    tally: Tally

    @property
    def arm(self) -> Arm:
        return Arm(self.variant.key, self.tally.people, self.tally.conversions)

    @property
    def basket(self) -> Basket:
        amounts = Amounts(self.tally.people, self.tally.total, self.tally.squares)
        return Basket(self.variant.key, amounts, self.tally.conversions)


@dataclass(frozen=True, slots=True)
class _Compared:
    """The tests: over all, and of each variant against the control by its key."""

    overall: Test | None
    p_value: float | None
    by_key: Mapping[str, float | None]
    lead: Leader
    always: Mapping[str, float]


def verdict(
    experiment: Experiment,
    variants: Sequence[Variant],
    tallies: Mapping[int, Tally],
    *,
    refused: Mapping[str, int],
    now: datetime,
) -> Results:
    """Return what the counts of an experiment's variants, by their places, say; in words too.

    Collecting until each variant with a weight has the minimum sample; invalid when people were not divided by the
    weights; decided only by the always-valid comparison with the control, adjusted for the number of variants.
    """
    sides = [_Side(one, tallies.get(one.position, Tally())) for one in variants]
    compared = _compare(experiment, _taking_part(sides))
    srm = _division(sides)
    known = _known(experiment, sides, compared, srm)
    return Results(
        experiment=experiment, as_of=now, status=known.status, variants=known.rows, srm=srm, winner=known.winner,
        total_impressions=sum(one.tally.people for one in sides),
        total_conversions=sum(one.tally.conversions for one in sides),
        method="" if compared.overall is None else compared.overall.method,
        p_value=compared.p_value, p_value_always_valid=min(compared.always.values(), default=None),
        confidence=_confidence(compared, known.winner, sides[0].variant.key), people_needed=known.needed,
        headline=headline_of(known), recommendation=recommendation_of(known), refused=dict(refused),
    )  # fmt: skip


def _taking_part(sides: Sequence[_Side]) -> list[_Side]:
    return [one for one in sides if one.variant.weight]


def _known(experiment: Experiment, sides: Sequence[_Side], compared: _Compared, srm: RatioCheck) -> Known:
    """Return what is to be said in words: how far it is, who won, and each variant's figures."""
    taking_part = _taking_part(sides)
    status = _status(experiment, taking_part, srm, compared.lead)
    return Known(
        experiment=experiment, status=status, winner=compared.lead.key if status == Verdict.DECIDED else None,
        needed=_needed(experiment, taking_part, status),
        rows=tuple(_row(experiment, one, sides[0], compared, status) for one in sides),
    )  # fmt: skip


def _compare(experiment: Experiment, sides: Sequence[_Side]) -> _Compared:
    control, others = sides[0], sides[1:]
    if experiment.metric == Metric.REVENUE:
        found = [compare_means(control.basket.amounts, one.basket.amounts) for one in others]
        lead = leader_of_means(control.basket, [one.basket for one in others])
        overall = min((one for one in found if one), key=lambda one: one.p_value, default=None)
    else:
        found = [compare(control.arm, one.arm) for one in others]
        lead = leader(control.arm, [one.arm for one in others])
        overall = compare_all([one.arm for one in sides])
    adjusted = holm([1.0 if one is None else one.p_value for one in found])
    keys = [one.variant.key for one in others]
    by_key = {key: None if test is None else p for key, test, p in zip(keys, found, adjusted, strict=True)}
    p_value = None if overall is None else overall.p_value
    if experiment.metric == Metric.REVENUE and overall is not None:
        p_value = min(adjusted)
    return _Compared(overall, p_value, by_key, lead, dict(zip(keys, lead.p_values, strict=True)))


def _division(sides: Sequence[_Side]) -> RatioCheck:
    """Check the division once there are enough people for it."""
    seen = [one.tally.people for one in sides]
    weights = [one.variant.weight for one in sides]
    expected = min(sum(seen) * weight / sum(weights) for weight in weights if weight)
    if sum(seen) < FEWEST_DIVIDED or expected < _FEWEST_EXPECTED:
        return RatioCheck(None, is_ok=True)
    return check_ratio(seen, weights)


def _status(experiment: Experiment, sides: Sequence[_Side], srm: RatioCheck, lead: Leader) -> Verdict:
    if not srm.is_ok:
        return Verdict.INVALID
    fewest = min(one.tally.people for one in sides)
    if experiment.status == ExperimentStatus.DRAFT or fewest < experiment.minimum_sample:
        return Verdict.COLLECTING
    return Verdict.RUNNING if lead.key is None else Verdict.DECIDED


def _needed(experiment: Experiment, sides: Sequence[_Side], status: Verdict) -> int | None:
    """Return how many more people the variant that has fewest needs: for the minimum, or for an answer."""
    fewest = min(one.tally.people for one in sides)
    if status == Verdict.COLLECTING:
        return max(0, experiment.minimum_sample - fewest)
    if status != Verdict.RUNNING or experiment.metric == Metric.REVENUE:
        return None
    control = sides[0].arm.rate or 0.0
    rates = [one.arm.rate or 0.0 for one in sides[1:]]
    farthest = max(rates, key=lambda rate: abs(rate - control))
    if not (0 < control < 1 and 0 < farthest < 1) or farthest == control:
        return None
    return max(1, _LOOKING_COSTS * people_needed(control, farthest) - fewest)


def _row(
    experiment: Experiment, side: _Side, control: _Side, compared: _Compared, status: Verdict
) -> VariantResult:
    arm, tally, key = side.arm, side.tally, side.variant.key
    is_control = side is control
    can_tell = status in {Verdict.RUNNING, Verdict.DECIDED}
    always = compared.always.get(key)
    return VariantResult(
        variant_id=key, name=side.variant.name, is_control=is_control, weight=side.variant.weight,
        impressions=tally.people, conversions=tally.conversions, secondary_conversions=tally.secondary,
        conversion_rate=None if arm.rate is None else 100 * arm.rate,
        confidence_level=_sure(always) if can_tell and always is not None else None,
        interval=_percent(interval_of_rate(arm)), lift=None if is_control else _lift(control.arm, arm),
        lift_interval=None if is_control else _percent(interval_of_lift(control.arm, arm)),
        revenue=Money(tally.total, experiment.currency), revenue_per_person=side.basket.amounts.mean,
        revenue_interval=interval_of_mean(side.basket.amounts),
        p_value=compared.by_key.get(key), p_value_always_valid=always,
    )  # fmt: skip


def _lift(control: Arm, arm: Arm) -> float | None:
    if not control.rate or arm.rate is None:
        return None
    return 100 * (arm.rate / control.rate - 1)


def _percent(interval: Interval | None) -> Interval | None:
    return None if interval is None else Interval(100 * interval.low, 100 * interval.high)


def _confidence(compared: _Compared, winner: str | None, control: str) -> float | None:
    if winner is None:
        return None
    # The control wins when it beats every other variant: the least sure of those comparisons counts.
    return _sure(max(compared.always.values()) if winner == control else compared.always[winner])


def _sure(p_value: float) -> float:
    """Return how sure one may be, in percent, rounded down to two digits."""
    return min(_HIGHEST, floor(10_000 * (1 - p_value)) / 100)
