"""Waking the workers after a commit: one message a lane and transaction, and never a failure of the caller.

A lost wake-up costs at most a second: ``manage.py run_jobs`` polls, and beat wakes every lane each 10 s.
"""

import os
import threading
import time
from collections.abc import Iterable
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from kombu import Connection

from common.outbox.types import Lane

DRAIN_TASK = "common.outbox.drain"
_CONNECT_SECONDS = 0.2
_QUIET_SECONDS = 5.0
# A wake-up that waited longer than beat's own is of no use to anybody.
_EXPIRES_SECONDS = 10

log = structlog.get_logger(__name__)


class _Wake:
    """The hook of one transaction for one lane."""

    __slots__ = ("lane",)

    def __init__(self, lane: Lane) -> None:
        self.lane = lane

    def __call__(self) -> None:
        broker.send(self.lane)


class Broker:
    """Sends wake-ups. After a failure it is quiet for 5 s, so that a dead Redis does not slow each commit."""

    def __init__(self) -> None:
        self._quiet_until = 0.0
        self._local = threading.local()

    def send(self, lane: Lane) -> bool:
        """Send one wake-up, without retry; False (and a line in the log) when it could not be sent.

        While one waits in the lane's queue there is no second: who takes it drains what is committed by then. One
        that waits so long that it expires is made up for by beat's.
        """
        if time.monotonic() < self._quiet_until:
            return False
        try:
            opened = self._connection()
            redis: Any = opened.default_channel
            # The length of the list is a fraction of what Celery's sending costs.
            if not redis.client.llen(lane.value):
                current_app.send_task(
                    DRAIN_TASK,
                    args=[lane.value],
                    queue=lane.value,
                    connection=opened,
                    retry=False,
                    ignore_result=True,
                    expires=_EXPIRES_SECONDS,
                )
        except Exception as error:  # noqa: BLE001 - whatever the broker did, the commit has happened
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            self._forget()
            log.warning("wake_up_failed", lane=lane.value, error=type(error).__name__)
            return False
        return True

    def reset(self) -> None:
        """Forget the last failure and this thread's connection."""
        self._quiet_until = 0.0
        self._forget()

    def _connection(self) -> Connection:
        kept: tuple[int, Connection] | None = getattr(self._local, "kept", None)
        if kept is not None and kept[0] == os.getpid():
            return kept[1]
        opened = current_app.connection_for_write(
            connect_timeout=_CONNECT_SECONDS,
            transport_options={
                "socket_connect_timeout": _CONNECT_SECONDS,
                "socket_timeout": _CONNECT_SECONDS,
                "retry_on_timeout": False,
                "max_retries": 0,
            },
        )
        self._local.kept = (os.getpid(), opened)
        return opened

    def _forget(self) -> None:
        kept: tuple[int, Connection] | None = getattr(self._local, "kept", None)
        self._local.kept = None
        if kept is not None and kept[0] == os.getpid():
            kept[1].release()


broker = Broker()


def on_commit(lanes: Iterable[Lane]) -> None:
    """Wake these lanes when the transaction commits (at once without one); each lane once a transaction."""
    if not settings.OUTBOX_WAKE:
        return
    for lane in sorted(lanes):
        if not _is_arranged(lane):
            transaction.on_commit(_Wake(lane), robust=True)


def _is_arranged(lane: Lane) -> bool:
    """Say whether this transaction wakes the lane already, by a hook that outlives the present savepoint."""
    here = set(connection.savepoint_ids)
    hooks: list[Any] = connection.run_on_commit  # the stubs do not know of "robust", the third value
    return any(
        isinstance(hook, _Wake) and hook.lane == lane and savepoints <= here
        for savepoints, hook, _robust in hooks
    )
