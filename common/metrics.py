"""What ``/metrics`` says: figures that the processes count, and figures that are read when it is asked.

Counters live in each process. Where several share ``PROMETHEUS_MULTIPROC_DIR`` they write them into files of that
folder, and whichever is asked adds them up.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.db import connection
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE_LATEST", "exposition", "register_at_scrape", "serve"]

_TRY_AGAIN_SECONDS: Final = 5.0
_at_scrape = CollectorRegistry()


def register_at_scrape(collector: Collector) -> None:
    """Ask this collector each time that somebody reads the metrics; from ``apps.py ready()``, once."""
    _at_scrape.register(collector)


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    return generate_latest(_counted()) + generate_latest(_at_scrape)


def serve(port: int) -> None:
    """Answer Prometheus at a port of this process's own, in a thread, for as long as the process lives.

    Inside a private network: there is no password. Of several processes at one address (the workers of a web
    server, a command beside them) the first has the port; another takes it when that one is gone.
    """
    threading.Thread(target=_serve, args=(port,), name="metrics", daemon=True).start()


def _serve(port: int) -> None:
    registry = CollectorRegistry()
    registry.register(_Everything())
    while True:
        try:
            start_http_server(port, registry=registry)
        except OSError:
            time.sleep(_TRY_AGAIN_SECONDS)
        else:
            return


class _Everything(Collector):
    """Both kinds of figures, read by a thread that is gone afterwards."""

    def collect(self) -> Iterator[Metric]:
        """Yield what is counted and what is read now, and give the connection back."""
        try:
            yield from _counted().collect()
            yield from _at_scrape.collect()
        finally:
            connection.close()


def _counted() -> CollectorRegistry:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return REGISTRY
    registry = CollectorRegistry()
    _forget_the_dead(Path(folder))
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of the living that processes left who are gone: counts stay, states do not."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:
            continue  # it lives, as another user
