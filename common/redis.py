"""Redis, which only makes things fast: short time-outs, and a breaker so that its absence costs nothing.

Whoever uses it has another way (``guarded``'s second argument): slower, and said so, but never wrong.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from django.conf import settings
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from common.breaker import Breaker

CONNECT_TIMEOUT = 0.2
ANSWER_TIMEOUT = 0.5
# A second after three failures in a row: one caller in a second finds out whether Redis is back.
_FAILURES = 3
_PAUSE = 1.0

R = TypeVar("R")


@lru_cache(maxsize=8)
def _pool(url: str) -> ConnectionPool:
    pool: ConnectionPool = ConnectionPool.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT,
        socket_timeout=ANSWER_TIMEOUT,
        # The breaker decides when to try again; the library's own three tries would cost three time-outs.
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
    )
    return pool


def connection_pool() -> ConnectionPool:
    """Return this process's connections to ``settings.REDIS_URL``; nothing is connected yet."""
    return _pool(settings.REDIS_URL)


def client() -> Redis:
    """Return a client on the shared connections, answering bytes. Calls raise ``RedisError`` within 0.7 s."""
    return Redis(connection_pool=connection_pool())


breaker = Breaker(name="redis", failures=_FAILURES, pause=_PAUSE, counts=(RedisError,))


def guarded(call: Callable[[], R], otherwise: Callable[[], R]) -> R:
    """Return what ``call`` says through Redis, or what ``otherwise`` says when Redis is away.

    While the breaker is open ``call`` is not tried at all. Only Redis's own errors lead to ``otherwise``.
    """
    return breaker.call(call, otherwise)
