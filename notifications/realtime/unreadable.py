"""What clients send that nobody can read: refused in silence, told to the log once a minute.

The libraries would log a trace for each such packet, so that a stranger could fill the log.
"""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

# What reading a malformed packet raises.
ERRORS = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
QUIET_SECONDS = 60.0
# What engine.io says when a body by long polling, or a frame, could not be read.
_COMPLAINTS = frozenset({"post request handler error", "Unknown receive error"})

_Scope = MutableMapping[str, Any]
_Application = Callable[[_Scope, Any, Any], Awaitable[None]]

_log = structlog.stdlib.get_logger(__name__)


class Complaints:
    """Counts packets that could not be read; the first is logged, then one line a minute with their number."""

    def __init__(self) -> None:
        self._count = 0
        self._quiet_until = float("-inf")

    def note(self, error: BaseException | None) -> None:
        """Count one."""
        self._count += 1
        now = time.monotonic()
        if now < self._quiet_until:
            return
        _log.warning("unreadable_packets", count=self._count, error=type(error).__name__)
        self._count, self._quiet_until = 0, now + QUIET_SECONDS


complaints = Complaints()


class NoTraces(logging.Filter):
    """Takes the traces of unreadable packets out of engine.io's log and counts them instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line is logged."""
        error = record.exc_info[1] if record.exc_info else None
        if record.msg not in _COMPLAINTS or not isinstance(error, ERRORS):
            return True
        complaints.note(error)
        return False


class EndsUnreadable:
    """Ends a websocket whose frame engine.io could not read, as it would be without an answer."""

    def __init__(self, application: _Application) -> None:
        self._application = application

    async def __call__(self, scope: _Scope, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] != "websocket":
            await self._application(scope, receive, send)
            return
        try:
            await self._application(scope, receive, send)
        except ERRORS as error:
            complaints.note(error)
