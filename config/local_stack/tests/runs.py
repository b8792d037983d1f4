"""`make run` as a process of its own, for tests."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from config.local_stack import processes
from config.local_stack.environment import ROOT

PORTS = ("PORT", "STRIPE_SANDBOX_PORT", "REALTIME_PORT", "MAIL_PORT", "MAIL_SMTP_PORT")
STOP_SECONDS = 20.0
_START_SECONDS = 120.0
# What the test session set for itself; a person's shell has none of it.
_NOT_OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "DJANGO_SETTINGS_MODULE",
    "ENVIRONMENT",
    "OUTBOX_WAKE",
    "STATIC_ROOT",
)
_TEST_VALUES = ("SECRET_KEY", "JWT_SECRET", "FRONTEND_URL")


class Supervised:
    """A supervisor in a process of its own: what it said, its children, its end."""

    data_dir: Path
    output: Path
    process: "subprocess.Popen[bytes]"

    @property
    def said(self) -> str:
        return self.output.read_text()

    def children(self) -> dict[str, int]:
        entries = json.loads((self.data_dir / "children.json").read_text())
        return {entry["name"]: entry["pid"] for entry in entries}

    def family(self) -> set[int]:
        """Return every living process of the children's groups."""
        return {
            pid for leader in self.children().values() for pid in (leader, *processes.group_members(leader))
        }

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


class Run(Supervised):
    """One `make run`, without make: its process and what it said."""

    def __init__(self, data_dir: Path, port_settings: dict[str, str]) -> None:
        hidden = {*_NOT_OURS, *_TEST_VALUES}
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in hidden and not name.startswith(("STRIPE_", "PYTEST_"))
        }
        self.data_dir = data_dir
        data_dir.mkdir(parents=True, exist_ok=True)
        self.output = data_dir / f"output-{time.monotonic_ns()}.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.local_stack", "run"],
                cwd=ROOT,
                env={**inherited, **port_settings, "DATA_DIR": str(data_dir)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self) -> None:
        ended_or_ready = lambda: "ready: " in self.said or self.process.poll() is not None  # noqa: E731
        assert processes.wait_until(ended_or_ready, seconds=_START_SECONDS), self.said
        assert self.process.poll() is None, self.said

    def has_ended(self, family: set[int]) -> bool:
        """Wait until none of these processes lives."""
        return processes.wait_until(
            lambda: not any(processes.identity(pid) for pid in family), seconds=STOP_SECONDS
        )
