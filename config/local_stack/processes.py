"""Processes we start: who they are beyond a reused pid, how they begin and how they end."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.local_stack.unprivileged import Account

LINUX = sys.platform == "linux"
_POLL_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if LINUX else None


@dataclass(frozen=True, kw_only=True)
class Command:
    """How a child is started and stopped."""

    name: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] | None = None
    log: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 8.0
    niceness: int = 0
    tier: int = 0  # lower tiers are stopped first
    is_ready: Callable[[], bool] | None = field(default=None, compare=False)


def identity(pid: int) -> str | None:
    """Tell when the process began, in the system's own words; None when it is gone or a zombie.

    A pid alone names nobody: the system gives it to another process later.
    """
    return _linux_identity(pid) if LINUX else _ps_identity(pid)


def _linux_identity(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The name in brackets may itself hold spaces and brackets: fields count from the last one.
    fields = stat.rpartition(")")[2].split()
    state, started_ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}:{started_ticks}"


def _ps_identity(pid: int) -> str | None:
    result = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = result.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()


def command_line(pid: int) -> str:
    """Show the command of a process; empty when it is gone or not ours to read."""
    if LINUX:
        with contextlib.suppress(OSError):
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
            return raw.replace(b"\0", b" ").decode(errors="replace").strip()
        return ""
    result = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return result.stdout.strip()


def group_members(pgid: int) -> list[int]:
    """List the living processes of a process group."""
    result = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=False
    )
    rows = (line.split() for line in result.stdout.splitlines())
    return [int(row[0]) for row in rows if int(row[1]) == pgid and not row[2].startswith("Z")]


def _before_exec(stop_signal: signal.Signals, niceness: int) -> Callable[[], None]:
    def prepare() -> None:
        if niceness:
            os.nice(niceness)
        if _libc is not None:
            # Only extra protection: where the system has it, a child ends with its parent.
            _libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))

    return prepare


def spawn(command: Command) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C at the terminal reaches only us."""
    account = command.account
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(command.log.open("ab")) if command.log else subprocess.DEVNULL
        return subprocess.Popen(
            list(command.argv),
            cwd=command.cwd,
            env=dict(command.env) if command.env is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_before_exec(command.stop_signal, command.niceness),  # noqa: PLW1509 the parent has one thread here
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def signal_group(pgid: int, number: signal.Signals) -> None:
    """Send a signal to a whole process group; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, number)


def stop(process: subprocess.Popen[bytes], command: Command) -> None:
    """End a child and what it started: its own stop signal first, SIGKILL after `stop_seconds`."""
    request_stop(process, command)
    finish_stop(process, deadline=time.monotonic() + command.stop_seconds)


def request_stop(process: subprocess.Popen[bytes], command: Command) -> None:
    """Ask a child to end; does not wait."""
    if process.poll() is None:
        process.send_signal(command.stop_signal)


def finish_stop(process: subprocess.Popen[bytes], *, deadline: float) -> None:
    """Wait until `deadline` (monotonic seconds) for a child that was asked to end, then kill its group."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=max(0.0, deadline - time.monotonic()))
    # The leader may be gone and its workers not: the group is killed in any case.
    signal_group(process.pid, signal.SIGKILL)
    process.wait()


def stop_stranger(pid: int, *, started: str, stop_signal: signal.Signals, seconds: float) -> None:
    """End a process that is not our child (an orphan of an earlier run), if it still is the one meant."""
    if identity(pid) != started:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, stop_signal)
    if not wait_until(lambda: identity(pid) != started, seconds=seconds):
        signal_group(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: identity(pid) != started, seconds=seconds)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until the condition holds; False when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
