"""The weighted choice, measured."""

import random
from collections import Counter
from fractions import Fraction
from itertools import accumulate, islice, permutations

import pytest

from ads.decision.choice import drawn


def _orders(weights: list[int], times: int, length: int) -> Counter[tuple[int, ...]]:
    rng = random.Random(20961121).random
    cumulative = list(accumulate(weights))
    return Counter(tuple(islice(drawn(cumulative, rng), length)) for _ in range(times))


def test_weights_are_shares() -> None:
    """20,000 draws at weights 1:3 give 25 % within 1.5 points (REQ AD-02).

    Of the draw alone, which is where the weights are: ``test_a_whole_decision_keeps_the_weights`` proves of fewer that
    nothing behind it distorts them.
    """
    counted = _orders([1, 3], 20_000, 1)
    assert abs(counted[(0,)] / 20_000 - 0.25) < 0.015


@pytest.mark.parametrize("weights", [[1, 2, 3], [1, 1, 98]])
def test_three_without_repeats_have_their_exact_probabilities(weights: list[int]) -> None:
    """Each order of three ads comes as often as drawing from an urn says, within 1.5 points (REQ AD-02)."""
    counted = _orders(weights, 20_000, 3)
    for order in permutations(range(3)):
        left, exact = sum(weights), Fraction(1)
        for at in order:
            exact *= Fraction(weights[at], left)
            left -= weights[at]
        assert abs(counted[order] / 20_000 - float(exact)) < 0.015
    assert sum(counted.values()) == 20_000


@pytest.mark.parametrize(
    "weights", [[7], [1] * 100, [1000, *[1] * 99], list(range(1, 101)), [1000] * 500 + [1] * 500]
)
def test_each_comes_once_and_none_is_left_out(weights: list[int]) -> None:
    """To the end of the order there is neither a repeat nor a gap, however uneven the weights are (REQ AD-02)."""
    order = list(drawn(list(accumulate(weights)), random.Random(7).random))
    assert sorted(order) == list(range(len(weights)))


def test_nothing_to_choose_from_is_no_choice() -> None:
    """Without ads the order is empty (REQ AD-02)."""
    assert list(drawn([])) == []
