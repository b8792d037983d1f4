"""How fast one socket may speak."""

from enum import Enum


class Verdict(Enum):
    """What becomes of an event."""

    FINE = "fine"
    LIMITED = "limited"
    FLOOD = "flood"


class Pace:
    """So many events a second, and as many at once; refused ones count too, so that who goes on runs into debt.

    ``now`` is the process's monotonic clock, in seconds. A debt of ``PATIENCE`` seconds' worth is a flood.
    """

    PATIENCE = 5

    __slots__ = ("_left", "_rate", "_seen")

    def __init__(self, rate: int, *, now: float) -> None:
        self._rate, self._left, self._seen = rate, float(rate), now

    def take(self, now: float) -> Verdict:
        """Count one event and say what becomes of it."""
        self._left = min(float(self._rate), self._left + (now - self._seen) * self._rate) - 1
        self._seen = now
        if self._left >= 0:
            return Verdict.FINE
        return Verdict.FLOOD if self._left < -self.PATIENCE * self._rate else Verdict.LIMITED
