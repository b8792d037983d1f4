"""`make run` as a person starts it. CONTRACT "Commands", REQ OP-02, OP-06."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.local_stack import ports, processes
from config.local_stack.environment import ROOT
from config.local_stack.files import read_env
from config.local_stack.postgres import discard

pytestmark = pytest.mark.whole_stack

_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_PORTS = ("PORT", "STRIPE_SANDBOX_PORT", "REALTIME_PORT", "MAIL_PORT", "MAIL_SMTP_PORT")
_BACKGROUND = ("worker", "worker-bulk", "run_jobs", "beat")
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


class Run:
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

    @property
    def said(self) -> str:
        return self.output.read_text()

    def ready(self) -> None:
        ended_or_ready = lambda: "ready: " in self.said or self.process.poll() is not None  # noqa: E731
        assert processes.wait_until(ended_or_ready, seconds=_START_SECONDS), self.said
        assert self.process.poll() is None, self.said

    def children(self) -> dict[str, int]:
        entries = json.loads((self.data_dir / "children.json").read_text())
        return {entry["name"]: entry["pid"] for entry in entries}

    def family(self) -> set[int]:
        return {
            pid for leader in self.children().values() for pid in (leader, *processes.group_members(leader))
        }

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(_STOP_SECONDS)


StartRun = Callable[[], Run]


@pytest.fixture
def port_settings() -> dict[str, str]:
    return {name: str(ports.free_port()) for name in _PORTS}


@pytest.fixture
def start_run(tmp_path: Path, port_settings: dict[str, str]) -> Iterator[StartRun]:
    runs: list[Run] = []
    data_dir = tmp_path / "my data"

    def start() -> Run:
        runs.append(Run(data_dir, port_settings))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end()
    discard(data_dir)


def _status(port: str, path: str) -> int:
    connection = http.client.HTTPConnection(ports.LOOPBACK, int(port), timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _gone(pids: set[int]) -> bool:
    return processes.wait_until(
        lambda: not any(processes.identity(pid) for pid in pids), seconds=_STOP_SECONDS
    )


def test_a_taken_port_is_named_before_anything_starts(
    start_run: StartRun, port_settings: dict[str, str]
) -> None:
    """The port and the setting to change are said; nothing was started. CONTRACT `make run`."""
    with socket.create_server((ports.LOOPBACK, int(port_settings["MAIL_PORT"]))):
        run = start_run()
        assert run.process.wait(_STOP_SECONDS) == 1
    assert f"port {port_settings['MAIL_PORT']} is in use; choose another with MAIL_PORT=<port>" in run.said
    assert not (run.data_dir / "postgres").exists()
    assert run.children() == {}


def test_the_whole_stack_starts_survives_a_kill_and_stops(
    start_run: StartRun, port_settings: dict[str, str]
) -> None:
    """First start with demo data, `kill -9`, second start on the same data, SIGTERM. CONTRACT `make run`."""
    first = start_run()
    first.ready()
    assert f"ready: http://127.0.0.1:{port_settings['PORT']}\n" in first.said
    assert "ok migrations and demo data" in first.said
    assert _status(port_settings["PORT"], "/readyz") == 200
    assert _status(port_settings["MAIL_PORT"], "/") == 200
    told = read_env(first.data_dir / "stack.env")
    assert told["STRIPE_API_BASE"] == f"http://127.0.0.1:{port_settings['STRIPE_SANDBOX_PORT']}"
    everyone = {"postgres", "valkey", "sandbox", "mail", "web", "realtime", *_BACKGROUND}
    assert processes.wait_until(lambda: set(first.children()) == everyone, seconds=_STOP_SECONDS)
    family = first.family()
    first.end(signal.SIGKILL)

    second = start_run()
    second.ready()
    assert _gone(family)
    assert "migrations" not in second.said
    assert read_env(second.data_dir / "stack.env") == told
    assert processes.wait_until(lambda: set(second.children()) == everyone, seconds=_STOP_SECONDS)
    family = second.family()
    assert second.end() == 0
    assert _gone(family)
    assert all(ports.is_free(int(port)) for port in port_settings.values())
