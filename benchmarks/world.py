"""The servers of a run, and processes that work on command."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import cost
from config.local_stack.environment import ROOT
from config.local_stack.postgres import EmbeddedPostgres, discard
from config.local_stack.valkey import EmbeddedValkey

WEBHOOK_SECRET = "whsec_benchmark_only_0123456789"  # noqa: S105  (signs the benchmark's own events)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``goal`` is the least ratio wanted; None: told for information."""

    what: str
    ours: float
    peer_name: str
    peer: float
    goal: float | None
    unit: str = "/s"

    @property
    def ratio(self) -> float:
        """Ours over the peer's."""
        return self.ours / self.peer if self.peer else 0.0


@dataclass(frozen=True, slots=True)
class World:
    """Where a run's servers are."""

    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    folder: Path
    environment: dict[str, str]


@contextmanager
def servers() -> Iterator[World]:
    """Start PostgreSQL (durable, as in production) and Valkey in a folder of their own; take all away after."""
    parent = Path(os.environ.get("DATA_DIR", ROOT / ".local")).absolute()
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=parent))
    # A checkpoint in the middle of one side's round would decide the comparison.
    postgres = EmbeddedPostgres(
        folder, settings={"max_wal_size": "4GB", "checkpoint_timeout": "30min", "max_connections": "100"}
    )
    valkey = EmbeddedValkey(folder)
    try:
        postgres.start()
        postgres.ensure_role()
        postgres.ensure_database()
        valkey.start()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "ENVIRONMENT": "development",
            "DATA_DIR": str(folder),
            "DATABASE_URL": postgres.url(),
            "REDIS_URL": valkey.url(),
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PYTHONPATH": str(ROOT),
        }
        run("-m", "config.local_stack.prepare", environment=environment)
        yield World(postgres, valkey, folder, environment)
    finally:
        valkey.stop()
        postgres.stop()
        discard(folder)
        subprocess.run(["rm", "-rf", str(folder)], check=False)


def run(*arguments: str, environment: dict[str, str], accept: tuple[int, ...] = (0,)) -> str:
    """Run Python with these arguments and return what it printed. Raises ``RuntimeError`` for other exit codes."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in accept:
        raise RuntimeError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Hands:
    """Processes of ``benchmarks.hand``: started once, each told by a line what to do, all at the same moment."""

    def __init__(self, world: World, kind: str, count: int) -> None:
        self._kind = kind
        # What they log is work of theirs, and nothing that belongs between the figures.
        self._log = world.folder / f"{kind}.log"
        with self._log.open("w") as log:
            self._processes = [
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.hand", kind, str(number), str(count)],
                    cwd=ROOT,
                    env=world.environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
                for number in range(count)
            ]
        for process in self._processes:
            self._answer(process)

    def __enter__(self) -> "Hands":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)

    def each(self, **order: object) -> list[dict[str, float]]:
        """Give all the same order and return their answers."""
        act = order.get("act", "")
        with cost.counted(f"{self._kind} {act}, {len(self._processes)} processes") as this:
            for process in self._processes:
                assert process.stdin is not None
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
            answers = [self._answer(process) for process in self._processes]
            # Writing jobs is what a round is prepared with, as ``prepare`` is; it is not what is measured.
            this.count = 0 if "fill" in order else sum(one.get("count", 0) for one in answers)
        return answers

    def _answer(self, process: "subprocess.Popen[str]") -> dict[str, float]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the benchmark ended:\n{self._log.read_text()[-4000:]}")
        answer: dict[str, float] = json.loads(line)
        return answer


def middle(figures: list[float]) -> float:
    """Return the median of the rounds."""
    return median(figures)
