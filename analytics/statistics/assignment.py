"""Which variant somebody sees, by the rule that browsers follow as well, so that both agree without asking."""

from collections.abc import Sequence
from itertools import accumulate

_SEED = 5381
_BITS = 0xFFFFFFFF
_PARTS = 10_000


def djb2(text: str, *, start: int = _SEED) -> int:
    """Return D. J. Bernstein's hash (h = h * 33 + c) over UTF-16 code units, as an unsigned 32-bit number.

    ``start``: the hash of what stands before, to go on from there. JavaScript strings are UTF-16, so a letter outside
    the basic plane counts as its two halves.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    value = start
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (value * 33 + low + (high << 8)) & _BITS
    return value


def assigned(session_token: str, slug: str, weights: Sequence[int]) -> int:
    """Return the place of the variant for a session, in the stored order.

    Equal weights: the hash modulo the number of variants. Else the cumulative weights over the hash modulo 10,000.
    Raises ``ValueError`` without a variant that anybody may see.
    """
    return place_of(djb2(session_token + slug), weights)


def place_of(value: int, weights: Sequence[int]) -> int:
    """Return the place of the variant for a hash. Raises ``ValueError`` as ``assigned``."""
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("an experiment needs a variant with a weight")
    if len(set(weights)) == 1:
        return value % len(weights)
    part = value % _PARTS
    # Multiplied, not divided: whole numbers are the same in every language.
    return next(place for place, until in enumerate(accumulate(weights)) if part * total < until * _PARTS)
