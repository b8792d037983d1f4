"""Sample-ratio mismatch: whether people were divided as the weights say. If not, no figure of the test is sound."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.statistics.library import stats

# Looked at every day for a month, a sound test is called unsound in fewer than 1 of 100 cases.
LEVEL = 0.001


@dataclass(frozen=True, slots=True)
class RatioCheck:
    """The chance of such a division by the weights, and whether it is believable. None: too early to say."""

    p_value: float | None
    is_ok: bool


def check_ratio(seen: Sequence[int], weights: Sequence[int]) -> RatioCheck:
    """Compare how many saw each variant with the weights (chi-square).

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
    return RatioCheck(float(found.pvalue), is_ok=bool(found.pvalue >= LEVEL))
