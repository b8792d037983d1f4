"""Real-time processes as they are deployed: uvicorn, one process each, sharing Redis."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from notifications.tests.smtp import free_port

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60


class RealtimeProcess:
    """One uvicorn with the product's ASGI application."""

    def __init__(self, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns when it subscribed to Redis."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1",
             "--port", str(self.port), "--log-level", "warning", "--timeout-graceful-shutdown", "1"],
            cwd=ROOT,
            env={**os.environ, **self._environment},
        )  # fmt: skip
        self.wait_for("connected")

    def wait_for(self, redis: str) -> None:
        """Return when ``/healthz`` says so of Redis."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, "the process ended"
            try:
                if self.health()["redis"] == redis:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"/healthz never said that Redis is {redis}")

    def health(self) -> dict[str, Any]:
        """Return what ``/healthz`` says."""
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 our own address
            assert answer.status == 200
            health: dict[str, Any] = json.loads(answer.read())
            return health

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
