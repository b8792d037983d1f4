"""How many of a kind of work may be under way at once, over all processes: places that are taken and left again.

Counted in Redis. A process that dies leaves no place taken for longer than a lease; whoever is slow renews theirs as
they go on. While Redis is away each process counts its own, as rate limits do.
"""

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from redis import ConnectionPool, Redis
from redis.commands.core import Script

from common.errors import RateLimited
from common.redis import client, connection_pool, guarded
from common.streams import Stream, take_stream

_PREFIX: Final = "marquee:atonce"
# A place is a member of a sorted set, "key:token", by when its lease ends on Redis's own clock.
_TAKE: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local places = redis.call('ZRANGE', KEYS[1], 0, -1)
local own = 0
for _, place in ipairs(places) do
    if string.sub(place, 1, #ARGV[1]) == ARGV[1] then own = own + 1 end
end
if #places >= tonumber(ARGV[3]) or own >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[5]), ARGV[1] .. ARGV[2])
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[5]))
return 1
"""
_RENEW: Final = """
redis.call('ZADD', KEYS[1], tonumber(redis.call('TIME')[1]) + tonumber(ARGV[2]), ARGV[1])
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[2]))
"""
_lock = threading.Lock()
_local: dict[str, set[str]] = {}


@dataclass(frozen=True, slots=True)
class AtOnce:
    """At most ``in_all`` at once, and ``of_one`` for one key; ``lease`` is how many seconds a place lasts unrenewed.

    ``retry_after``: what is told to who finds no place, in seconds. ``is_stream``: the work is an answer sent piece by
    piece, so each place is one of this process's streams as well (``common.streams``).
    """

    name: str
    of_one: int
    in_all: int
    lease: int
    retry_after: int
    is_stream: bool = False

    @property
    def set_name(self) -> str:
        """Where its places are."""
        return f"{_PREFIX}:{self.name}"


@dataclass(slots=True)
class Place:
    """A place that was taken. Leave it whatever happens."""

    limit: AtOnce
    member: str
    stream: Stream | None = None
    _renewed: float = field(default_factory=time.monotonic)

    def renew(self) -> None:
        """Keep it for another lease; asks nobody before a third of the lease is over."""
        if time.monotonic() - self._renewed < self.limit.lease / 3:
            return
        self._renewed = time.monotonic()
        arguments: list[str | int] = [self.member, self.limit.lease]
        guarded(lambda: _script(connection_pool(), _RENEW)([self.limit.set_name], arguments), lambda: None)

    def leave(self) -> None:
        """Let others have it. Harmless a second time."""
        if self.stream is not None:
            self.stream.leave()
        with _lock:
            _local.get(self.limit.name, set()).discard(self.member)
        guarded(lambda: client().zrem(self.limit.set_name, self.member), lambda: None)


def take(limit: AtOnce, key: str) -> Place:
    """Take a place for a key (an organization's id). Raises ``RateLimited`` when all that it may have are taken."""
    stream = take_stream() if limit.is_stream else None
    whose, token = hashlib.sha256(key.encode()).hexdigest()[:32] + ":", secrets.token_hex(8)
    arguments: list[str | int] = [whose, token, limit.in_all, limit.of_one, limit.lease]
    has_place = guarded(
        lambda: bool(_script(connection_pool(), _TAKE)([limit.set_name], arguments)),
        lambda: _take_here(limit, whose, token),
    )
    if not has_place:
        if stream is not None:
            stream.leave()
        raise RateLimited(
            "Too many of these are under way: wait until one is done.", retry_after=limit.retry_after
        )
    return Place(limit, whose + token, stream)


def _take_here(limit: AtOnce, whose: str, token: str) -> bool:
    with _lock:
        places = _local.setdefault(limit.name, set())
        if len(places) >= limit.in_all or sum(one.startswith(whose) for one in places) >= limit.of_one:
            return False
        places.add(whose + token)
        return True


@lru_cache(maxsize=16)
def _script(pool: ConnectionPool, source: str) -> Script:
    return Redis(connection_pool=pool).register_script(source)


def forget_local() -> None:
    """Leave all places that this process counted by itself, between tests."""
    with _lock:
        _local.clear()
