"""Rate limits: a moving window in Redis, shared by all processes; of large limits two counters, which are exact enough.

While Redis is away the window is the process's own, so a limit is looser by the number of processes: never
unlimited, never closed.
"""

import hashlib
import math
import time
from dataclasses import dataclass
from functools import lru_cache

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter
from redis import ConnectionPool

from common.errors import RateLimited
from common.redis import connection_pool, guarded

_PREFIX = "marquee:rate"
# A moving window keeps an entry for each hit: too much for limits of thousands.
_LARGE = 1_000
_local = MemoryStorage()


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``limit`` in any ``seconds`` for one key; ``name`` keeps the counts of several limits apart."""

    name: str
    limit: int
    seconds: int

    def __post_init__(self) -> None:
        if self.limit < 1 or self.seconds < 1:
            raise ValueError(f"rate limit {self.name}: limit and seconds are 1 or more")

    @property
    def item(self) -> RateLimitItem:
        """The limit in the library's words."""
        return RateLimitItemPerSecond(self.limit, self.seconds, namespace=self.name)


def hit(limit: RateLimit, key: str, cost: int = 1) -> None:
    """Count ``cost`` for a key (a user's id, a network).

    Raises ``RateLimited`` with ``retry_after`` in seconds; a refused call counts nothing. Keys are hashed:
    Redis holds no addresses.
    """
    hashed = _hashed(key)
    wait = guarded(
        lambda: _wait(_limiter(limit, _shared(connection_pool())), limit.item, hashed, cost),
        lambda: _wait(_limiter(limit, _local), limit.item, hashed, cost),
    )
    if wait is not None:
        raise RateLimited(retry_after=wait)


def require_room(limit: RateLimit, key: str) -> None:
    """Raise ``RateLimited`` when nothing more may be counted for a key. Counts nothing itself.

    For what is counted only once it is known how it ended, such as wrong codes.
    """
    hashed = _hashed(key)
    wait = guarded(
        lambda: _left(_limiter(limit, _shared(connection_pool())), limit.item, hashed),
        lambda: _left(_limiter(limit, _local), limit.item, hashed),
    )
    if wait is not None:
        raise RateLimited(retry_after=wait)


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _limiter(limit: RateLimit, storage: MemoryStorage | RedisStorage) -> RateLimiter:
    kind = SlidingWindowCounterRateLimiter if limit.limit > _LARGE else MovingWindowRateLimiter
    return kind(storage)


def _wait(limiter: RateLimiter, item: RateLimitItem, key: str, cost: int) -> int | None:
    """Count it and return None, or return how many whole seconds to wait."""
    if limiter.hit(item, key, cost=cost):
        return None
    return _until_room(limiter, item, key)


def _left(limiter: RateLimiter, item: RateLimitItem, key: str) -> int | None:
    """Return None while there is room, else how many whole seconds to wait."""
    return None if limiter.test(item, key) else _until_room(limiter, item, key)


def _until_room(limiter: RateLimiter, item: RateLimitItem, key: str) -> int:
    # The window's oldest entry leaves first, and makes the first room.
    reset = limiter.get_window_stats(item, key).reset_time
    return min(item.get_expiry(), max(1, math.ceil(reset - time.time())))


@lru_cache(maxsize=8)
def _shared(pool: ConnectionPool) -> RedisStorage:
    return RedisStorage("redis://", connection_pool=pool, key_prefix=_PREFIX)


def forget_local() -> None:
    """Empty this process's own counts, between tests."""
    _local.reset()
