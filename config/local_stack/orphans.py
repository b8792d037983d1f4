"""The record of running children, and the end of those that a killed supervisor left behind."""

import json
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from config.local_stack import processes
from config.local_stack.errors import StackError
from config.local_stack.files import write_private

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Child:
    """Who a child is beyond its pid."""

    name: str
    pid: int
    started: str
    program: str
    tier: int
    stop_signal: int


class ChildRecord:
    """The file of running children, rewritten whole at each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._children: dict[str, Child] = {}

    def add(self, command: processes.Command, process: subprocess.Popen[bytes]) -> None:
        """Note a child right after its start."""
        started = processes.identity(process.pid)
        if started is not None:
            self._children[command.name] = Child(
                command.name,
                process.pid,
                started,
                str(command.argv[0]),
                command.tier,
                int(command.stop_signal),
            )
            self._write()

    def remove(self, name: str) -> None:
        """Forget a child that ended."""
        if self._children.pop(name, None) is not None:
            self._write()

    def _write(self) -> None:
        write_private(self._path, json.dumps([asdict(child) for child in self._children.values()], indent=1))

    def end_orphans(self) -> list[str]:
        """End what the file names and is still alive, in the order of the tiers; give their names."""
        left = [child for child in self._read() if _is_left(child)]
        for tier in sorted({child.tier for child in left}):
            _end([child for child in left if child.tier == tier])
        self._children.clear()
        self._write()
        return [child.name for child in left]

    def _read(self) -> list[Child]:
        try:
            return [Child(**entry) for entry in json.loads(self._path.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            raise StackError(f"{self._path} is damaged; end left processes by hand and delete it") from error


def _members(child: Child) -> list[int]:
    """List the child's process group; a group id is never given to another while the group has members."""
    return [
        pid
        for pid in processes.group_members(child.pid)
        if processes.command_line(pid).startswith(child.program)
    ]


def _is_left(child: Child) -> bool:
    now = processes.identity(child.pid)
    if now is None:
        return bool(_members(child))
    return now == child.started


def _end(children: list[Child]) -> None:
    for child in children:
        processes.signal_group(child.pid, signal.Signals(child.stop_signal))
    if not processes.wait_until(lambda: not any(map(_is_left, children)), seconds=_STOP_SECONDS):
        for child in filter(_is_left, children):
            processes.signal_group(child.pid, signal.SIGKILL)
        processes.wait_until(lambda: not any(map(_is_left, children)), seconds=_STOP_SECONDS)
