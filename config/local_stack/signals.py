"""Waiting for what happens to us and our children without asking again and again."""

import contextlib
import select
import signal
import socket
from types import FrameType

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Turns stop signals into a flag and wakes `wait` for them and for the end of a child.

    Only one may exist in a process, in its main thread.
    """

    def __init__(self) -> None:
        self.stop_requested = False
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._request_stop)
        # A handler of our own, because ignored signals (the default here) do not wake anybody.
        signal.signal(signal.SIGCHLD, _ignore)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requested = True

    def wait(self, seconds: float) -> None:
        """Sleep until a signal comes or the seconds are over."""
        select.select([self._read], [], [], max(0.0, seconds))
        with contextlib.suppress(BlockingIOError):
            while self._read.recv(1024):
                pass


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the wake-up is what counts."""
