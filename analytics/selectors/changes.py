"""How a figure changed against the one before."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """The difference, in the figure's own unit, and as a share of the one before; None with nothing below it."""

    absolute: float
    relative: float | None


def change(now: float | None, before: float | None) -> Change | None:
    """Compare two figures; None where one of them is missing. A share of nothing, or of a debt, says nothing."""
    if now is None or before is None:
        return None
    return Change(now - before, (now - before) / before if before > 0 else None)
