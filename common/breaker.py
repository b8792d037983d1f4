"""A circuit breaker: after some failures in a row a remote part is left alone for a while.

Our own, because pybreaker holds its lock during the guarded call, which makes all threads of a process wait
in one line for the network.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from prometheus_client import Gauge

R = TypeVar("R")

_log = structlog.stdlib.get_logger(__name__)
# An instant, not a state: it is over by itself in a process that met the outage and calls no more.
_OPEN_UNTIL = Gauge(
    "marquee_breaker_open_until_timestamp_seconds",
    "Until when a circuit breaker keeps calls away; an instant that is past, or 0: it does not.",
    ["breaker"],
    multiprocess_mode="livemax",
)


class Breaker:
    """Counts failures in a row; at ``failures`` it opens for ``pause`` seconds, then lets one call try.

    ``counts`` are the exceptions that mean the remote part is away; all others pass through and count as an
    answer. Time is the process's monotonic clock: this is about waiting, not about what happened when.
    """

    def __init__(
        self,
        *,
        name: str,
        failures: int,
        pause: float,
        counts: tuple[type[Exception], ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._limit = failures
        self._pause = pause
        self._counts = counts
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_again_at = 0.0

    @property
    def is_open(self) -> bool:
        """Say whether calls are kept away just now."""
        with self._lock:
            return self._failures >= self._limit and self._clock() < self._closed_again_at

    def call(self, call: Callable[[], R], otherwise: Callable[[], R]) -> R:
        """Return the call's answer, or ``otherwise()`` when it fails by ``counts`` or the breaker is open."""
        if not self.admit():
            return otherwise()
        try:
            answer = call()
        except self._counts as error:
            self.failed(error)
            return otherwise()
        except BaseException:
            self.succeeded()
            raise
        self.succeeded()
        return answer

    def admit(self) -> bool:
        """Say whether a call may be tried. Whoever asks first after the pause is the trial.

        The others wait on.
        """
        with self._lock:
            if self._failures < self._limit:
                return True
            if self._clock() < self._closed_again_at:
                return False
            self._keep_away()
            return True

    def failed(self, error: Exception) -> None:
        """Count a failure; the one that opens the breaker is logged."""
        with self._lock:
            self._failures += 1
            opened = self._failures == self._limit
            if self._failures >= self._limit:
                self._keep_away()
        if opened:
            _log.warning("breaker opened", breaker=self.name, error=type(error).__name__)

    def succeeded(self) -> None:
        """Forget the failures; closing is logged."""
        if not self._failures:
            return
        with self._lock:
            closed = self._failures >= self._limit
            self._failures = 0
        if closed:
            _OPEN_UNTIL.labels(self.name).set(0)
            _log.warning("breaker closed", breaker=self.name)

    def _keep_away(self) -> None:
        """Begin a pause, under the lock."""
        self._closed_again_at = self._clock() + self._pause
        _OPEN_UNTIL.labels(self.name).set(time.time() + self._pause)

    def reset(self) -> None:
        """Close it, for tests and for operators who know that the remote part is back."""
        self.succeeded()
