"""Experiments without a difference, looked at again and again: how many of them name a winner."""

import math
from typing import Any, Final

from analytics.statistics.arms import Arm
from analytics.statistics.means import Amounts
from analytics.statistics.proportions import holm
from analytics.statistics.sequential import ALPHA, Basket, leader, leader_of_means

# Looks at each experiment, and people of each variant between two looks.
_LOOKS: Final = 20
_PEOPLE: Final = 250


def test_looking_early_is_safe() -> None:
    """1,000 experiments without a difference, four variants, looked at 20 times each: at most 5 % name a winner.

    The control: the usual p of each look would have named one in more than 20 %. REQ AN-09.
    """
    import numpy as np

    dice = np.random.default_rng(20)
    seen = dice.binomial(_PEOPLE, 0.1, size=(1_000, _LOOKS, 4)).cumsum(axis=1)
    fooled = fooled_by_looking = 0
    for experiment in seen.tolist():
        arms = [
            [Arm(key, _PEOPLE * look, count) for key, count in zip("abcd", counts, strict=True)]
            for look, counts in enumerate(experiment, start=1)
        ]
        fooled += any(leader(look[0], look[1:]).key is not None for look in arms)
        fooled_by_looking += any(_usual_p(look) <= ALPHA for look in arms)
    assert fooled <= 50
    assert fooled_by_looking > 200


def test_looking_early_at_revenue_is_safe() -> None:
    """The same by what a person brings: one of ten pays, log-normal amounts, four variants alike, 20 looks.

    At most 5 % name a winner; the usual p of each look would have named one in more than 20 %. REQ AN-09.
    """
    import numpy as np

    fooled = fooled_by_looking = 0
    for experiment in _paid(np.random.default_rng(21)):
        baskets = [
            [
                Basket(key, Amounts(_PEOPLE * look, total, squares), count)
                for key, (count, total, squares) in zip("abcd", arms, strict=True)
            ]
            for look, arms in enumerate(experiment, start=1)
        ]
        fooled += any(leader_of_means(look[0], look[1:]).key is not None for look in baskets)
        fooled_by_looking += any(_usual_p_of_means(look) <= ALPHA for look in baskets)
    assert fooled <= 50
    assert fooled_by_looking > 200


def _paid(dice: Any) -> list[Any]:
    """Return 1,000 experiments: payers, sum and sum of squares of each variant at each look."""
    import numpy as np

    most = 60
    payers = dice.binomial(_PEOPLE, 0.1, size=(1_000, _LOOKS, 4)).clip(max=most)
    # Minor units: $20 in the middle, one of six pays more than $54.
    paid = np.rint(dice.lognormal(math.log(2_000), 1, size=(1_000, _LOOKS, 4, most)))
    paid *= np.arange(most) < payers[..., None]
    sums = np.stack([payers, paid.sum(axis=3), (paid * paid).sum(axis=3)], axis=3)
    found: list[Any] = sums.cumsum(axis=1).astype(np.int64).tolist()
    return found


def _usual_p_of_means(baskets: list[Basket]) -> float:
    """The smallest p of each variant against the control by Welch's test, normal by so many people, adjusted."""
    control, *variants = [one.amounts for one in baskets]
    spreads = [
        math.sqrt(one.deviation**2 / one.people + control.deviation**2 / control.people) for one in variants
    ]
    return min(holm([
        math.erfc(abs(one.mean - control.mean) / spread / math.sqrt(2))
        for one, spread in zip(variants, spreads, strict=True)
    ]))  # fmt: skip


def _usual_p(arms: list[Arm]) -> float:
    """The smallest p of each variant against the control as if this were the only look, adjusted for three of them."""
    control, *variants = arms
    return min(holm([_fixed_p(control, variant) for variant in variants]))


def _fixed_p(one: Arm, other: Arm) -> float:
    pooled = (one.successes + other.successes) / (one.trials + other.trials)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / one.trials + 1 / other.trials))
    return math.erfc(abs(one.rate - other.rate) / spread / math.sqrt(2))
