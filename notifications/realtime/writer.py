"""The library's writer to the real-time processes, made to say when it could not write."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import socketio
from redis.exceptions import RedisError

from notifications.realtime.emitter import NotEmitted


class StrictManager(socketio.RedisManager):  # type: ignore[misc]
    """The library's writer, except that it says when it could not write (it would log and return)."""

    connected: bool

    def __init__(self, url: str, channel: str, options: Mapping[str, object]) -> None:
        super().__init__(url, channel=channel, write_only=True, redis_options=dict(options))
        self._local = threading.local()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what this thread emits in the block at its end, in order and in one round trip."""
        waiting: list[str] = []
        self._local.waiting = waiting
        try:
            yield
        finally:
            self._local.waiting = None
        self._send(waiting)

    def _publish(self, data: Any) -> None:
        waiting: list[str] | None = getattr(self._local, "waiting", None)
        encoded = self.json.dumps(data)
        if waiting is None:
            self._send([encoded])
        else:
            waiting.append(encoded)

    def _send(self, encoded: Sequence[str]) -> None:
        try:
            if not self.connected:
                self._redis_connect()
            with self.redis.pipeline(transaction=False) as pipeline:
                for one in encoded:
                    pipeline.publish(self.channel, one)
                pipeline.execute()
        except (RedisError, OSError) as error:
            self.connected = False
            raise NotEmitted(type(error).__name__) from error
