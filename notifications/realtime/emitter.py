"""Telling sockets from any process: through Redis to the real-time processes, with failures raised."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

if TYPE_CHECKING:
    from notifications.realtime.writer import StrictManager

_CONNECT_SECONDS = 0.3
_ANSWER_SECONDS = 1.0

log = structlog.get_logger(__name__)


class NotEmitted(Exception):
    """Redis did not take it: no socket was told."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event for the sockets of one room."""

    room: str
    event: str
    data: Mapping[str, object]


class Emitter:
    """Opens its connection when first used, one a process, and again when the settings name another server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._terms: tuple[str, str] | None = None
        self._manager: StrictManager | None = None

    def manager(self) -> "StrictManager":
        """Return the writer; ``NotEmitted`` when no Redis is configured."""
        terms = (settings.REDIS_URL, settings.REALTIME_CHANNEL)
        if not settings.REDIS_URL:
            raise NotEmitted("No REDIS_URL is configured")
        with self._lock:
            if self._manager is None or self._terms != terms:
                self._terms, self._manager = terms, _new_manager(*terms)
            return self._manager


_emitter = Emitter()


def emit(event: str, data: Mapping[str, object], *, room: str) -> None:
    """Tell every socket in the room; see ``emit_many``."""
    emit_many([Message(room, event, data)])


def emit_many(messages: Sequence[Message]) -> None:
    """Tell the sockets of several rooms, in order; at most once, and only sockets that are connected now.

    Raises ``ValueError`` without a room (that would tell everybody), ``TypeError`` for anything that is not made of
    JSON's own types (nothing was sent then), and ``NotEmitted`` when Redis is away (within about a second; some may
    have been sent).
    """
    for message in messages:
        if not message.room:
            raise ValueError("A room must be named: without one every socket would be told")
        json.dumps(message.data, allow_nan=False)
    try:
        manager = _emitter.manager()
        with manager.together():
            for message in messages:
                manager.emit(message.event, dict(message.data), room=message.room)
    except NotEmitted as error:
        log.warning("realtime_not_emitted", messages=len(messages), error=str(error))
        raise


def _new_manager(url: str, channel: str) -> "StrictManager":
    # Most processes never tell sockets anything, and the library loads a whole HTTP client.
    from notifications.realtime.writer import StrictManager

    return StrictManager(
        url,
        channel,
        {
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_timeout": _ANSWER_SECONDS,
            "retry_on_timeout": False,
        },
    )
