"""The durable queue's no-op jobs a second, against Celery's and procrastinate's no-op tasks on the same servers."""

import json
import subprocess
import sys
import time

from benchmarks.world import Hands, Row, World, middle, run
from config.local_stack.environment import ROOT

_JOBS = 6_000
_PEER_JOBS = 1_500
_ROUNDS = 3


def measure(world: World) -> list[Row]:
    """Return jobs a second, one commit a job, of one and two worker processes, beside the better peer."""
    one, two, fill = _ours(world)
    celery = middle([_celery(world) for _ in range(_ROUNDS)])
    run("-m", "benchmarks.procrastinate_peer", "prepare", environment=world.environment)
    procrastinate = middle([_procrastinate(world) for _ in range(_ROUNDS)])
    peers = ((celery, "Celery, 2 processes"), (procrastinate, "procrastinate, 10 at once"))
    (better, name), (other, other_name) = sorted(peers, reverse=True)
    return [
        Row("queue, no-op jobs, 2 processes", two, name, better, 3.0),
        Row("the same", two, other_name, other, None),
        Row("queue, no-op jobs, 1 process", one, name, better, None),
        Row("queue, jobs written, 1,000 a statement", fill, "no-op jobs, 2 processes", two, None),
    ]


def _ours(world: World) -> tuple[float, float, float]:
    figures: dict[int, list[float]] = {1: [], 2: []}
    fills: list[float] = []
    for count in (1, 2):
        with Hands(world, "worker", count) as workers:
            for _ in range(_ROUNDS):
                filled = workers.each(fill=_JOBS)[0]
                fills.append(filled["count"] / filled["seconds"])
                start = time.perf_counter()
                done = sum(one["count"] for one in workers.each(drain=True))
                if done != _JOBS:
                    raise RuntimeError(f"{done} of {_JOBS} jobs were worked")
                figures[count].append(_JOBS / (time.perf_counter() - start))
    return middle(figures[1]), middle(figures[2]), middle(fills)


def _procrastinate(world: World) -> float:
    answer = run("-m", "benchmarks.procrastinate_peer", str(_PEER_JOBS), environment=world.environment)
    return float(json.loads(answer.splitlines()[-1])["per_second"])


def _celery(world: World) -> float:
    """Queue the tasks first, then let a worker of two processes take them: its producing is not counted."""
    client = world.valkey.client(5)
    client.flushdb()
    environment = {**world.environment, "BENCH_BROKER": world.valkey.url(5)}
    run("-m", "benchmarks.celery_peer", str(_PEER_JOBS), environment=environment)
    worker = subprocess.Popen(
        [
            sys.executable, "-m", "celery", "-A", "benchmarks.celery_peer", "worker", "--pool", "prefork",
            "--concurrency", "2", "--queues", "bench", "--without-gossip", "--without-mingle", "--loglevel", "ERROR",
        ],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        # The worker's start is not its work: the clock runs from a tenth of the tasks to the last.
        first = _when_left(client, _PEER_JOBS * 9 // 10, 60)
        last = _when_left(client, 0, 120)
    finally:
        worker.terminate()
        worker.wait(30)
    return (_PEER_JOBS * 9 // 10) / (last - first)


def _when_left(client: object, tasks: int, seconds: float) -> float:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        left = client.llen("bench") + client.hlen("unacked")  # type: ignore[attr-defined]
        if left <= tasks:
            return time.perf_counter()
        time.sleep(0.01)
    raise RuntimeError("Celery did not work its tasks in time")
