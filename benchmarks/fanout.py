"""From an announcement to a thousand sockets: milliseconds, beside the same message handed to Redis alone."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import quantiles
from typing import Any

from benchmarks.world import Row, World
from config.local_stack import ports
from config.local_stack.environment import ROOT

_SOCKETS = 1_000
_LISTENERS = 2
_ROUNDS = 20
_START_SECONDS = 60


def measure(world: World) -> list[Row]:
    """Return p50 and p99 over all sockets and rounds; one real-time process, one worker, two client processes."""
    port = ports.free_port()
    url = f"http://{ports.LOOPBACK}:{port}"
    server = ("-m", "uvicorn", "config.asgi:application", "--host", ports.LOOPBACK, "--port", str(port),
              "--log-level", "warning", "--no-access-log")  # fmt: skip
    worker = ("-m", "celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", "2",
              "--queues", "realtime", "--without-gossip", "--without-mingle", "--loglevel", "ERROR")  # fmt: skip
    announcing = (*_HAND, "announce")
    with (
        _child(world, *server, quiet=True),
        _child(world, *worker, quiet=True),
        _child(world, *announcing) as announcer,
    ):
        ready = _ask(announcer)
        _wait_for(url)
        share = str(_SOCKETS // _LISTENERS)
        arguments = (*_HAND, "listen", url, ready["token"], ready["room"], share)
        with _child(world, *arguments) as first, _child(world, *arguments) as second:
            listeners = [first, second]
            for listener in listeners:
                _ask(listener)
            _round(announcer, listeners, "announce")  # the first opens connections
            ours = [one for _ in range(_ROUNDS) for one in _round(announcer, listeners, "announce")]
            bare = [one for _ in range(_ROUNDS) for one in _round(announcer, listeners, "emit")]
    rows = []
    for name, percent in (("p50", 50), ("p99", 99)):
        row = Row(
            f"fan-out to {_SOCKETS:,} sockets, {name}", _percentile(ours, percent),
            "handed to Redis, no row", _percentile(bare, percent), None, unit="ms",
        )  # fmt: skip
        rows.append(row)
    return rows


_HAND = ("-m", "benchmarks.fanout_hand")


@contextmanager
def _child(world: World, *arguments: str, quiet: bool = False) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=world.environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _ask(process: "subprocess.Popen[str]", order: dict[str, Any] | None = None) -> Any:
    """Give an order, if there is one, and return the answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    if order is not None:
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("a process of the benchmark ended; its error is above")
    return json.loads(line)


def _round(
    announcer: "subprocess.Popen[str]", listeners: list["subprocess.Popen[str]"], how: str
) -> list[float]:
    """Announce once; return what it took to each socket, in milliseconds."""
    number = _ask(announcer, {"how": how})["number"]
    return [one for listener in listeners for one in _ask(listener, {"number": number})["milliseconds"]]


def _percentile(figures: list[float], percent: int) -> float:
    return quantiles(figures, n=100)[percent - 1]


def _wait_for(url: str) -> None:
    end = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < end:
        with suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:  # noqa: S310 ours
            if json.loads(answer.read())["redis"] == "connected":
                return
        time.sleep(0.1)
    raise RuntimeError("the real-time process did not start")
