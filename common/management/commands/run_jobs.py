"""``manage.py run_jobs``: work the durable queue by polling PostgreSQL, with no broker."""

import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection

from common import clock
from common.commands import NOT_DONE
from common.outbox.types import Drained, Lane
from common.outbox.worker import Worker, pause
from common.schedules.services import watch

_POLL_SECONDS = 1.0
_WATCH_SECONDS = 60.0
_log = structlog.stdlib.get_logger(__name__)


class Command(BaseCommand):
    """The net under the Celery workers, and the only worker where there is no broker."""

    help = (
        "Work the durable queue, each lane in a thread, looking once a second. "
        "SIGTERM ends it after the jobs at hand. --once empties what is due and exits: 1 when something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --once and --lanes."""
        parser.add_argument("--once", action="store_true", help="empty what is due, print a table, exit")
        parser.add_argument(
            "--lanes", default=",".join(Lane.values), help="comma-separated: money,realtime,urgent_mail,bulk"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped, or once."""
        lanes = self._lanes(options["lanes"])
        if options["once"]:
            self._once(lanes)
            return
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        threads = [
            threading.Thread(target=_keep_working, args=(lane, stopping), name=lane.value) for lane in lanes
        ]
        threads.append(threading.Thread(target=_keep_watching, args=(stopping,), name="watch"))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _lanes(self, text: str) -> list[Lane]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = sorted(set(names) - set(Lane.values))
        if unknown or not names:
            raise CommandError(
                f"--lanes: unknown {', '.join(unknown) or 'lane'}; there are {', '.join(Lane.values)}",
                returncode=NOT_DONE,
            )
        return [Lane(name) for name in names]

    def _once(self, lanes: list[Lane]) -> None:
        self.stdout.write(f"{'lane':<12}{'done':>8}{'failed':>8}{'dead':>8}{'postponed':>11}")
        trouble = 0
        for lane in lanes:
            drained: Drained = Worker(lane).drain()
            trouble += drained.failed + drained.dead
            self.stdout.write(
                f"{lane.value:<12}{drained.done:>8}{drained.failed:>8}{drained.dead:>8}{drained.postponed:>11}"
            )
        if trouble:
            raise SystemExit(1)


def _keep_working(lane: Lane, stopping: threading.Event) -> None:
    """Drain a lane again and again; a database that goes away and comes back is waited for."""
    worker = Worker(lane, should_stop=stopping.is_set)
    while not stopping.is_set():
        worker.drain_on(stopping.is_set)
        # The pool takes the connection back between looks, so that an idle net holds none.
        connection.close()
        pause(_POLL_SECONDS, stopping.is_set)


def _keep_watching(stopping: threading.Event) -> None:
    """Report each minute what should have run by the clock and did not; neither beat nor a broker is needed."""
    while not stopping.is_set():
        try:
            watch(now=clock.now())
        except Error as error:
            _log.warning("schedules_unreadable", error=type(error).__name__)
        connection.close()
        stopping.wait(_WATCH_SECONDS)
