"""Starts, watches, restarts and stops the children of the stack."""

import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from config.local_stack import processes
from config.local_stack.errors import StackError
from config.local_stack.files import tail
from config.local_stack.orphans import ChildRecord
from config.local_stack.signals import Signals

DEATHS_ALLOWED = 5
DEATHS_WINDOW_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 4.0
_LOOK_SECONDS = 1.0
_READY_LOOK_SECONDS = 0.05
_LARGEST_LOG_BYTES = 20_000_000


class StopRequested(Exception):
    """A signal asked the stack to end while something was awaited."""


class Child:
    """One child over all its lives."""

    def __init__(self, command: processes.Command) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: deque[float] = deque()
        self.restart_at: float | None = None

    def died(self, now: float) -> None:
        """Note a death at `now` (monotonic seconds) and when the next life begins; StackError if hopeless."""
        self.process = None
        self.deaths.append(now)
        while self.deaths[0] < now - DEATHS_WINDOW_SECONDS:
            self.deaths.popleft()
        if len(self.deaths) >= DEATHS_ALLOWED:
            log = self.command.log
            said = f"; {log} ends with:\n{tail(log)}" if log else ""
            raise StackError(f"{self.command.name} died {DEATHS_ALLOWED} times in a minute{said}")
        pause = _FIRST_PAUSE_SECONDS * 2 ** (len(self.deaths) - 1)
        self.restart_at = now + min(pause, _LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Keeps children alive until `stop`, which ends them tier by tier: the lowest first."""

    def __init__(self, *, record: ChildRecord, signals: Signals, say: Callable[[str], None]) -> None:
        self._record = record
        self._signals = signals
        self._say = say
        self._children: dict[str, Child] = {}

    def start(self, command: processes.Command) -> None:
        """Start a child and keep it alive from now on."""
        if command.log is not None:
            rotate(command.log)
        child = self._children[command.name] = Child(command)
        self._spawn(child)

    def _spawn(self, child: Child) -> None:
        child.restart_at = None
        child.process = processes.spawn(child.command)
        self._record.add(child.command, child.process)

    def look(self) -> None:
        """Restart what died and whose pause is over; StackError when a child keeps dying."""
        now = time.monotonic()
        for child in self._children.values():
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, child.process, now)
            if child.restart_at is not None and now >= child.restart_at:
                self._spawn(child)

    def _bury(self, child: Child, process: subprocess.Popen[bytes], now: float) -> None:
        # Workers of a dead leader would hold its port against the next one.
        processes.finish_stop(process, deadline=now)
        self._record.remove(child.command.name)
        child.died(now)
        self._say(f"{child.command.name} ended with {process.returncode}; starting it again")

    def wait_ready(self, names: Iterable[str], *, seconds: float) -> None:
        """Watch until each named child is ready; StackError after `seconds`, StopRequested on a signal."""
        waiting = [self._children[name].command for name in names]
        deadline = time.monotonic() + seconds
        while waiting := [command for command in waiting if command.is_ready and not command.is_ready()]:
            if time.monotonic() > deadline:
                raise StackError("; ".join(_not_ready(command, seconds) for command in waiting))
            self._pause(_READY_LOOK_SECONDS)

    def run(self, command: processes.Command) -> None:
        """Run a child to its end, watching the others; StackError unless it succeeds."""
        process = processes.spawn(command)
        self._record.add(command, process)
        try:
            while process.poll() is None:
                self._pause(_LOOK_SECONDS)
        finally:
            processes.stop(process, command)
            self._record.remove(command.name)
        if process.returncode != 0:
            said = tail(command.log, 40) if command.log else ""
            raise StackError(f"{command.name} failed ({process.returncode}):\n{said}")

    def watch(self, *, each_second: Callable[[], None] = lambda: None) -> None:
        """Keep the children alive until a signal asks to stop."""
        while not self._signals.stop_requested:
            each_second()
            self.look()
            self._signals.wait(_LOOK_SECONDS if not self._pausing() else _READY_LOOK_SECONDS)

    def _pausing(self) -> bool:
        return any(child.restart_at is not None for child in self._children.values())

    def _pause(self, seconds: float) -> None:
        if self._signals.stop_requested:
            raise StopRequested
        self._signals.wait(seconds)
        self.look()

    def stop(self) -> None:
        """End every child, each tier together, the lowest tier first; PostgreSQL comes last."""
        running = [child for child in self._children.values() if child.process is not None]
        for tier in sorted({child.command.tier for child in running}):
            now = time.monotonic()
            members = [
                (child, child.process) for child in running if child.command.tier == tier and child.process
            ]
            for child, process in members:
                processes.request_stop(process, child.command)
            for child, process in members:
                processes.finish_stop(process, deadline=now + child.command.stop_seconds)
                self._record.remove(child.command.name)
        self._children.clear()


def _not_ready(command: processes.Command, seconds: float) -> str:
    said = f"; {command.log} ends with:\n{tail(command.log)}" if command.log else ""
    return f"{command.name} was not ready within {seconds:.0f} s{said}"


def rotate(log: Path) -> None:
    """Begin a new log when the old one is large; one old one is kept."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LARGEST_LOG_BYTES:
        log.replace(log.with_suffix(log.suffix + ".1"))
