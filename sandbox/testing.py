"""Starting a real sandbox process for tests and for the local stack. Standard library only."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

START_SECONDS = 15.0
STOP_SECONDS = 5.0
CONTROL_SECONDS = 60.0
ROOT = Path(__file__).resolve().parent.parent


class SandboxFailed(Exception):
    """The process did not start, or the control refused; the message carries what it said."""


class SandboxProcess:
    """A sandbox in a process of its own, as a context manager.

    `port` 0 takes a free one and keeps it over restarts; without `data_dir` the state lives in a temporary
    folder until the end. `base_url` is what `STRIPE_API_BASE` takes. What the process complains about is in
    `data_dir/sandbox.log`.
    """

    def __init__(
        self,
        port: int = 0,
        data_dir: str | Path | None = None,
        webhook_urls: Sequence[str] = (),
        webhook_secret: str = "whsec_sandbox",  # noqa: S107 - signs test events of a loopback process
    ) -> None:
        self.port = port
        self.webhook_urls = tuple(webhook_urls)
        self.webhook_secret = webhook_secret
        self._temporary = tempfile.TemporaryDirectory(prefix="sandbox-") if data_dir is None else None
        self.data_dir = Path(self._temporary.name if self._temporary else str(data_dir))
        self._process: subprocess.Popen[str] | None = None

    @property
    def base_url(self) -> str:
        """Address of the API, the pages and the control."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id, or None while it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> Self:
        """Start the process and wait until it answers; raises `SandboxFailed`."""
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "--port",
            str(self.port),
            "--data-dir",
            str(self.data_dir),
        ]
        environment = {
            **os.environ,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "STRIPE_SANDBOX_WEBHOOK_URLS": ",".join(self.webhook_urls),
        }
        self.data_dir.mkdir(parents=True, exist_ok=True)
        log = self.data_dir / "sandbox.log"
        with log.open("w") as complaints:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=complaints, text=True
            )
        line = self._first_line(self._process)
        if not line.startswith("stripe sandbox ready: "):
            self.kill()
            raise SandboxFailed(f"The sandbox did not start: {log.read_text().strip() or 'it said nothing'}")
        self.port = int(line.rsplit(":", 1)[1])
        self.control("health")
        return self

    @staticmethod
    def _first_line(process: subprocess.Popen[str]) -> str:
        # The timer turns a process that says nothing into one that ended, so that reading cannot hang.
        watchdog = threading.Timer(START_SECONDS, process.kill)
        watchdog.start()
        try:
            return process.stdout.readline() if process.stdout else ""
        finally:
            watchdog.cancel()

    def control(self, path: str, /, **body: Any) -> dict[str, Any]:
        """Call `/_sandbox/<path>` and return its JSON; raises `SandboxFailed` when it refuses.

        GET for health, requests, deliveries and signed events, else POST with `body`.
        """
        reads = path in {"health", "requests", "deliveries"} or path.endswith("/signed")
        request = urllib.request.Request(  # noqa: S310 - always our own loopback address
            f"{self.base_url}/_sandbox/{path}",
            data=None if reads else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="GET" if reads else "POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=CONTROL_SECONDS) as answer:  # noqa: S310 - as above
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxFailed(
                    f"{path}: {error.code} {error.read().decode(errors='replace')}"
                ) from error

    def set_webhook_urls(self, *urls: str) -> None:
        """Send webhooks of later events to these addresses, also after a restart."""
        self.webhook_urls = urls
        self.control("webhooks", urls=list(urls))

    def stop(self) -> int | None:
        """SIGTERM and wait; the exit code (0 when it stopped cleanly)."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int | None:
        """SIGKILL, as when the machine takes the process away."""
        return self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(number)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if process.stdout:
            process.stdout.close()
        return code

    def restart(self) -> Self:
        """Stop if it still runs, then start again with the same port and state."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._temporary:
            self._temporary.cleanup()
