"""A small stack for tests: the real supervisor, lock and record over children that only sleep.

`python -m config.local_stack.tests.dummy_stack DATA_DIR [stubborn] [crashing] [servers]`
"""

import contextlib
import sys
from pathlib import Path

from config.local_stack.errors import StackError
from config.local_stack.lock import exclusive
from config.local_stack.orphans import ChildRecord
from config.local_stack.postgres import EmbeddedPostgres
from config.local_stack.processes import Command
from config.local_stack.progress import Progress
from config.local_stack.signals import Signals
from config.local_stack.supervisor import StopRequested, Supervisor
from config.local_stack.valkey import EmbeddedValkey

# Each child has a child of its own, of the same program, as a web server has workers. It may be struck before it
# listens: then the grandchild is left, and known by its group and its program.
_SLEEPER = """
import signal, subprocess, sys, time
if "stubborn" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
if "stubborn" not in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: (grandchild.kill(), sys.exit(0)))
time.sleep(600)
"""


def main() -> int:
    data_dir, wishes = Path(sys.argv[1]), set(sys.argv[2:])
    progress = Progress()
    try:
        with exclusive(data_dir):
            _run(data_dir, wishes, progress)
    except StackError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _run(data_dir: Path, wishes: set[str], progress: Progress) -> None:
    record = ChildRecord(data_dir / "children.json")
    for name in record.end_orphans():
        progress.say(f"ended {name}")
    supervisor = Supervisor(record=record, signals=Signals(), say=progress.say)
    try:
        with contextlib.suppress(StopRequested):
            _start(supervisor, data_dir, wishes)
            progress.say("ready")
            supervisor.watch()
    finally:
        supervisor.stop()
        progress.say("stopped")


def _start(supervisor: Supervisor, data_dir: Path, wishes: set[str]) -> None:
    if "servers" in wishes:
        postgres, valkey = EmbeddedPostgres(data_dir), EmbeddedValkey(data_dir)
        for server in (postgres, valkey):
            server.prepare()
            supervisor.start(server.command())
        supervisor.wait_ready(["postgres", "valkey"], seconds=30)
    script = "raise SystemExit(3)" if "crashing" in wishes else _SLEEPER
    stubborn = ["stubborn"] if "stubborn" in wishes else []
    for name in ("web", "worker"):
        supervisor.start(
            Command(
                name=name,
                argv=[sys.executable, "-c", script, *stubborn],
                cwd=data_dir,
                log=data_dir / f"{name}.log",
                stop_seconds=1.0,
            )
        )


if __name__ == "__main__":
    sys.exit(main())
