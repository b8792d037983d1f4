"""Telling sockets from any process: through Redis to the real-time processes, with failures raised."""

import json
import threading
from collections.abc import Mapping
from typing import Any

import socketio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

_CONNECT_SECONDS = 0.3
_ANSWER_SECONDS = 1.0

log = structlog.get_logger(__name__)


class NotEmitted(Exception):
    """Redis did not take it: no socket was told."""


class _StrictManager(socketio.RedisManager):  # type: ignore[misc]
    """The library's writer, except that it says when it could not write (it would log and return)."""

    connected: bool

    def _publish(self, data: Any) -> None:
        try:
            if not self.connected:
                self._redis_connect()
            self.redis.publish(self.channel, self.json.dumps(data))
        except (RedisError, OSError) as error:
            self.connected = False
            raise NotEmitted(type(error).__name__) from error


class Emitter:
    """Opens its connection when first used, one a process, and again when the settings name another server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._terms: tuple[str, str] | None = None
        self._manager: _StrictManager | None = None

    def manager(self) -> _StrictManager:
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
    """Tell every socket in the room; at most once, and only sockets that are connected now.

    Raises ``ValueError`` without a room (that would tell everybody), ``TypeError`` for anything that is not made of
    JSON's own types, and ``NotEmitted`` when Redis is away (within about a second).
    """
    if not room:
        raise ValueError("A room must be named: without one every socket would be told")
    json.dumps(data, allow_nan=False)
    try:
        _emitter.manager().emit(event, dict(data), room=room)
    except NotEmitted as error:
        log.warning("realtime_not_emitted", event_name=event, error=str(error))
        raise


def _new_manager(url: str, channel: str) -> _StrictManager:
    return _StrictManager(
        url,
        channel=channel,
        write_only=True,
        redis_options={
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_timeout": _ANSWER_SECONDS,
            "retry_on_timeout": False,
        },
    )
