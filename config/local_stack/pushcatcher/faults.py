"""Failures ordered for the next messages, and every request that came."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, get_args

# gone: unknown to FCM, 410 to a browser. cut: it was taken, and the line ends before the answer does.
FaultKind = Literal[
    "gone", "invalid", "mismatch", "apns_auth", "unauthorized", "not_found", "too_large", "quota", "internal",
    "unavailable", "redirect", "timeout", "cut",
]  # fmt: skip
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)


@dataclass(frozen=True)
class Fault:
    """One failure; ``retry_after`` in seconds where the answer names it."""

    kind: str
    retry_after: int | None = None


@dataclass
class Faults:
    """A queue of failures; ``token``: those of the address where service accounts fetch theirs."""

    _ordered: deque[Fault] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # Method and path of what came, in order: also what was refused.
    requests: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    # Set when a request hangs (timeout); those that do go on when this was cleared since.
    hanging: threading.Event = field(default_factory=threading.Event)
    cleared: int = 0
    tokens_issued: int = 0

    def order(self, kind: str, times: int = 1, *, retry_after: int | None = None) -> None:
        """Let the next messages fail in this way, after what was ordered before."""
        with self._lock:
            self._ordered.extend([Fault(kind, retry_after)] * times)

    def take(self) -> Fault | None:
        """Use up one failure; None when none is ordered."""
        with self._lock:
            return self._ordered.popleft() if self._ordered else None

    def clear(self) -> None:
        """Forget what was ordered and what came."""
        with self._lock:
            self._ordered.clear()
            self.requests.clear()
            self.hanging.clear()
            self.cleared += 1
