"""Sample-ratio mismatch: whether people were divided as the weights say. If not, no figure of the test is sound.

The verdict is looked at all the time, so it rests on a sequential multinomial test (Lindon, Malek, "Anytime-Valid
Inference for Multinomial Count Data", 2022): how much better the counts fit shares that are spread around the weights
(a Dirichlet distribution) than the weights themselves. Where people are divided by the weights, the chance that this
Bayes factor ever reaches 1 / LEVEL is at most LEVEL (Ville's inequality).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.statistics.library import stats

# Of sound tests at most so many are ever called unsound, however often somebody looks.
LEVEL = 0.001
# How close to the weights the other shares lie: as an experience of so many people would leave them.
_CONCENTRATION = 100


@dataclass(frozen=True, slots=True)
class RatioCheck:
    """Whether the division is believable, at any look; and its chance by the weights, for one planned look.

    ``p_value`` None: too early to say.
    """

    p_value: float | None
    is_ok: bool


def check_ratio(seen: Sequence[int], weights: Sequence[int]) -> RatioCheck:
    """Compare how many saw each variant with the weights: chi-square for the p, the sequential test for the verdict.

    A variant without weight takes no part; if somebody saw it all the same, the division is wrong.
    """
    if any(count and not weight for count, weight in zip(seen, weights, strict=True)):
        return RatioCheck(0.0, is_ok=False)
    counted = [(count, weight) for count, weight in zip(seen, weights, strict=True) if weight]
    total, whole = sum(seen), sum(weights)
    if not total or len(counted) < 2:
        return RatioCheck(None, is_ok=True)
    found = stats().chisquare(
        [count for count, _ in counted], [total * weight / whole for _, weight in counted]
    )
    return RatioCheck(float(found.pvalue), is_ok=evidence(counted) < -math.log(LEVEL))


def evidence(counted: Sequence[tuple[int, int]]) -> float:
    """Return the natural logarithm of the Bayes factor against the weights, of (people, weight) of each variant."""
    total, whole = sum(count for count, _ in counted), sum(weight for _, weight in counted)
    found = math.lgamma(_CONCENTRATION) - math.lgamma(_CONCENTRATION + total)
    for count, weight in counted:
        share = weight / whole
        prior = _CONCENTRATION * share
        found += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return found
