"""The product served as it is deployed, and a client that is faster than it."""

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import cost
from benchmarks.world import World
from config.local_stack import ports
from config.local_stack.environment import ROOT

CONNECTIONS = 8
SECONDS = 5
_START_SECONDS = 60


@contextmanager
def serving(world: World, **environment: str) -> Iterator[int]:
    """Serve the product, with an empty view beside it, by two processes; gives the port."""
    port = ports.free_port()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
            "--workers", "2", "--blocking-threads", "4", "--log-level", "error", "config.wsgi:application",
        ],
        cwd=ROOT, env={**world.environment, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def load(world: World, port: int, path: str, lua: str, *arguments: str) -> float:
    """Send what the script says for some seconds over 8 connections and return the answers a second.

    Any answer but 2xx is a ``RuntimeError``: what is refused quickly is no figure.
    """
    script = world.folder / "load.lua"
    script.write_text(lua)
    with cost.counted(path) as this:
        done = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}{path}",
             "--", *arguments],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
        if "Non-2xx" in done.stdout or found is None:
            raise RuntimeError(f"{path}: {done.stdout}")
        this.count = float(found[1]) * SECONDS
    return float(found[1])


def _wait(port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")
