"""Keeping a long job: its lease is prolonged for as long as its worker lives and its time-out lasts.

Without it the work of a lost worker would wait for the job's whole time-out before somebody took it over.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, connection

from common.outbox.claim import LEASE_MARGIN, LONGEST_LEASE, Claimed, renew

BEAT_SECONDS = 20.0

log = structlog.get_logger(__name__)


@contextmanager
def keeping(
    jobs: Iterable[Claimed], timeout: timedelta, read_clock: Callable[[], datetime]
) -> Iterator[None]:
    """Hold the leases while the block runs, though it takes longer than a lease; for as long as ``timeout``.

    Costs nothing when the time-out is within a lease.
    """
    if timeout <= LONGEST_LEASE:
        yield
        return
    ended = threading.Event()
    beat = threading.Thread(
        target=_beat, args=(tuple(jobs), timeout, read_clock, ended), name="heartbeat", daemon=True
    )
    beat.start()
    try:
        yield
    finally:
        ended.set()
        beat.join()


def _beat(
    jobs: Collection[Claimed], timeout: timedelta, read_clock: Callable[[], datetime], ended: threading.Event
) -> None:
    """Renew from a connection of its own: the handler may be in a transaction, or in a call out."""
    last = time.monotonic() + timeout.total_seconds()
    try:
        while not ended.wait(BEAT_SECONDS) and time.monotonic() < last:
            try:
                if not renew(jobs, read_clock() + LONGEST_LEASE + LEASE_MARGIN):
                    return
            except (OperationalError, InterfaceError) as error:
                # The next one may find the database back; if none does, the lease runs out, as it should.
                log.warning("heartbeat_missed", error=type(error).__name__)
                connection.close()
    finally:
        connection.close()
