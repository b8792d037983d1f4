"""What `make run` says while it starts: one line a step, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Writes lines as they come, terminal or not."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def say(self, text: str) -> None:
        """Write one line."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce a step when it begins and its seconds when it is done."""
        begun = time.monotonic()
        self.say(f"  .. {name}")
        yield
        self.say(f"  ok {name} ({time.monotonic() - begun:.1f} s)")

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begun
