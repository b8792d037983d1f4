"""The Redis side of a real-time process: rooms shared with its siblings, and patient when Redis is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import socketio
import structlog
from redis.exceptions import RedisError

_CONNECT_SECONDS = 0.5
# Each subscription is watched by a ping, so that a cut line is noticed.
_PING_SECONDS = 15
_AGAIN_SECONDS = 1.0

log = structlog.get_logger(__name__)


class PatientRedisManager(socketio.AsyncRedisManager):  # type: ignore[misc]
    """Subscribes again each second for as long as Redis is away (the library waits up to a minute)."""

    def __init__(self, url: str, channel: str) -> None:
        options = {
            "socket_connect_timeout": _CONNECT_SECONDS,
            "health_check_interval": _PING_SECONDS,
            "socket_keepalive": True,
        }
        super().__init__(url, channel=channel, redis_options=options)
        self.is_subscribed = False

    async def _redis_listen_with_retries(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            try:
                self._redis_connect()
                await self.pubsub.subscribe(self.channel)
                self.is_subscribed = True
                log.info("realtime_subscribed", channel=self.channel)
                async for message in self.pubsub.listen():
                    yield message
            except (RedisError, OSError) as error:
                if self.is_subscribed:
                    log.warning("realtime_redis_gone", error=type(error).__name__)
            self.is_subscribed = False
            await asyncio.sleep(_AGAIN_SECONDS)
