"""The running product: what an operator knows of it, and what an accident does to it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from config.local_stack import ports, processes
from config.local_stack.environment import ROOT, STACK_ENV
from config.local_stack.files import read_env
from config.local_stack.postgres import discard

_PORTS = ("PORT", "STRIPE_SANDBOX_PORT", "REALTIME_PORT", "MAIL_PORT", "MAIL_SMTP_PORT")
_START_SECONDS, _STOP_SECONDS, _COMMAND_SECONDS = 600.0, 60.0, 300.0
# Of a shell that works beside another stack: this one makes its own servers.
_NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
# Holds and seat offers end within the campaign, and nobody waits for a limit that is another test's.
SETTINGS = {
    "RESERVATION_TTL_SECONDS": "20",
    "WAITLIST_OFFER_TTL_SECONDS": "30",
    "PURCHASE_RATE_LIMIT": "100000",
    "PURCHASE_ADDRESS_RATE_LIMIT": "100000",
    "LOGIN_RATE_LIMIT": "100000",
    "WAITLIST_JOIN_RATE_LIMIT": "100000",
    "SCAN_RATE_LIMIT": "100000",
    "SCAN_INVALID_RATE_LIMIT": "100000",
    "AD_CLICK_NETWORK_RATE_LIMIT": "100000",
    "EMAIL_RATE_PER_MINUTE": "6000",
    "EMAIL_RECIPIENT_RATE_PER_MINUTE": "6000",
}


class Refused(OSError):
    """A stand-in's control answered, and said no; the message is its answer."""


class StackFailed(Exception):
    """The product did not start, or its supervisor gave up; the message says what it said."""


class Stack:
    """A running product on the data folder that its supervisor was given."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str]) -> None:
        told = read_env(data_dir / STACK_ENV)
        self.data_dir = data_dir
        # Whether somebody will want to look into it when it has ended.
        self.keeps_data = False
        self.environment = {**os.environ, **told, **settings, "DATA_DIR": str(data_dir)}
        self.web = f"http://127.0.0.1:{told['PORT']}"
        self.realtime = f"http://127.0.0.1:{told['REALTIME_PORT']}"
        self.sandbox = f"http://127.0.0.1:{told['STRIPE_SANDBOX_PORT']}"
        self.mail = f"http://127.0.0.1:{told['MAIL_PORT']}"

    def children(self) -> dict[str, int]:
        """Return the running children by name."""
        entries = json.loads((self.data_dir / "children.json").read_text(encoding="utf-8"))
        return {entry["name"]: entry["pid"] for entry in entries}

    def signal(self, name: str, number: signal.Signals, *, alone: bool = False) -> bool:
        """Send a signal to a child and to its own children, or to it alone; False when it does not run just now."""
        pid = self.children().get(name)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number) if alone else os.killpg(pid, number)
            return True
        return False

    def is_ready(self) -> bool:
        """Say whether the web answers that all it needs is there."""
        try:
            with urllib.request.urlopen(f"{self.web}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as refused:
            refused.close()
            return False
        except OSError:
            return False

    def rows(self, query: str, **params: Any) -> list[tuple[Any, ...]]:
        """Ask the database. Raises ``psycopg.Error`` when it is away."""
        url = self.environment["DATABASE_URL"]
        with psycopg.connect(url, connect_timeout=5, options="-c statement_timeout=30s") as database:
            return database.execute(query, params).fetchall()

    def operate(self, commands: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[int, str]]:
        """Run the operator's commands; for each its exit code and what it said. Raises ``StackFailed``."""
        done = subprocess.run(
            [sys.executable, "-m", "chaos.operator", json.dumps(commands)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )
        if done.returncode != 0:
            raise StackFailed(done.stderr)
        # The product's log goes to the same place; the answer is the last line.
        outcomes = json.loads(done.stdout.splitlines()[-1])
        return {command: (code, said) for command, (code, said) in zip(commands, outcomes, strict=True)}

    def control(self, url: str, body: Mapping[str, object] | None = None) -> Any:
        """Call a control of a stand-in (GET without a body); raises ``Refused``, or ``OSError`` when it is away."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            with refused:
                raise Refused(refused.read().decode(errors="replace")) from None

    def stripe(self, path: str) -> list[dict[str, Any]]:
        """Read a whole list of Stripe's, page by page."""
        found: list[dict[str, Any]] = []
        key = self.environment["STRIPE_SECRET_KEY"]
        after = ""
        while True:
            request = urllib.request.Request(
                f"{self.sandbox}/v1/{path}&limit=100{after}", headers={"Authorization": f"Bearer {key}"}
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                page = json.loads(answer.read())
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&starting_after={page['data'][-1]['id']}"


def wait_until(stack: Stack, names: Sequence[str], *, seconds: float) -> bool:
    """Wait until the web is ready and these children run; False when they do not in time."""
    return processes.wait_until(
        lambda: stack.is_ready() and set(names) <= set(stack.children()), seconds=seconds
    )


@contextlib.contextmanager
def own_stack(data_dir: Path, output: Path) -> Iterator[Stack]:
    """Run `make run` on a folder and ports of its own; its data is taken away after, unless it ``keeps_data``.

    What it says goes to ``output``. Raises ``StackFailed``.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    own_ports = {name: str(ports.free_port()) for name in _PORTS}
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    stack: Stack | None = None
    with output.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.local_stack", "run"],
            cwd=ROOT,
            env={**inherited, **SETTINGS, **own_ports, "DATA_DIR": str(data_dir)},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for_start(process, output)
        stack = Stack(data_dir, SETTINGS)
        yield stack
        if process.poll() is not None:
            raise StackFailed(f"the supervisor gave up:\n{output.read_text()[-3000:]}")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_SECONDS)
        if stack is None or not stack.keeps_data:
            discard(data_dir)


def _wait_for_start(process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while "ready: " not in output.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StackFailed(output.read_text()[-3000:])
        time.sleep(0.2)
