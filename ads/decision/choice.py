"""Weighted choice without repeats."""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

Random = Callable[[], float]


def drawn(cumulative: Sequence[int], rng: Random = random.random) -> Iterator[int]:
    """Yield positions in a random order: each next one with the probability of its weight among those left.

    ``cumulative`` are the running sums of the weights. Equal in distribution to sorting by exponential keys, but
    only what is asked for is drawn: a repeat is drawn again, and when more than half of the weight is gone the rest
    is summed up anew. ``rng`` gives numbers in ``[0, 1)``.
    """
    positions: Sequence[int] = range(len(cumulative))
    while positions:
        total, gone, seen = cumulative[-1], 0, set[int]()
        while 2 * gone <= total and len(seen) < len(positions):
            at = bisect_right(cumulative, int(rng() * total))
            if at not in seen:
                seen.add(at)
                gone += cumulative[at] - (cumulative[at - 1] if at else 0)
                yield positions[at]
        left = [at for at in range(len(positions)) if at not in seen]
        cumulative = list(accumulate(cumulative[at] - (cumulative[at - 1] if at else 0) for at in left))
        positions = [positions[at] for at in left]
