"""What ``/metrics`` says: figures that the processes count, and figures that are read when it is asked.

Counters live in each process. Where several share ``PROMETHEUS_MULTIPROC_DIR`` they write them into files of that
folder, and whichever is asked adds them up.
"""

import os
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE_LATEST", "exposition", "register_at_scrape"]

_at_scrape = CollectorRegistry()


def register_at_scrape(collector: Collector) -> None:
    """Ask this collector each time that somebody reads the metrics; from ``apps.py ready()``, once."""
    _at_scrape.register(collector)


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    return generate_latest(_counted()) + generate_latest(_at_scrape)


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
