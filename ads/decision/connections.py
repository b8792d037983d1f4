"""Scripts run on connections kept for them.

A decision is one question to Redis, so what surrounds the question counts: the library's client spends several
times as long in Python as the script does in Redis. Here its connection is used alone, ready command in, answer
out. Connections belong to the process: after a fork the child opens its own.
"""

import hashlib
import os
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from redis import ConnectionPool
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as TookTooLong

from common.redis import connection_pool

_FOLDER: Final = Path(__file__).parent / "lua"


def bulk(value: bytes) -> bytes:
    """Return a value as a command carries it (RESP: bulk string)."""
    return b"$%d\r\n%s\r\n" % (len(value), value)


class Script:
    """A script of the ``lua`` folder, with ``shared.lua`` before it."""

    def __init__(self, name: str) -> None:
        parts = ("shared", name)
        self.source = "\n".join((_FOLDER / f"{part}.lua").read_text(encoding="utf-8") for part in parts)
        sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        self._head = bulk(b"EVALSHA") + bulk(sha.encode())

    def command(
        self, keys: Sequence[bytes], arguments: Sequence[bytes], ready: Sequence[bytes] = ()
    ) -> bytes:
        """Return the call with these keys and arguments; ``ready`` ones went through ``bulk`` already."""
        count = 3 + len(keys) + len(arguments) + len(ready)
        parts = [
            b"*%d\r\n" % count,
            self._head,
            bulk(b"%d" % len(keys)),
            *map(bulk, keys),
            *map(bulk, arguments),
        ]
        return b"".join([*parts, *ready])

    def __call__(self, keys: Sequence[bytes], arguments: Sequence[bytes], ready: Sequence[bytes] = ()) -> Any:
        """Run it and return the answer. Raises ``RedisError`` within 0.7 s (a lost connection is tried once more)."""
        return self.all([self.command(keys, arguments, ready)])[0]

    def all(self, commands: Sequence[bytes]) -> list[Any]:
        """Run several calls in one round trip. Raises ``RedisError``."""
        idle = _idle(connection_pool())
        while True:
            connection, is_kept = idle.take()
            try:
                answers = self._asked(connection, commands)
            except (Lost, TookTooLong) as error:
                connection.disconnect()
                # The server was started again since this connection was used: the next one, or a new one, tells.
                if is_kept and not isinstance(error, TookTooLong):
                    continue
                raise
            except BaseException:
                connection.disconnect()
                raise
            idle.give_back(connection)
            return answers

    def _asked(self, connection: Any, commands: Sequence[bytes]) -> list[Any]:
        answers = _exchange(connection, commands)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            connection.send_command("SCRIPT LOAD", self.source)
            connection.read_response()
            answers = _exchange(connection, commands)
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        return answers


class _Idle:
    """Connections that nobody uses just now, the last used first: a few are busy, the others fall asleep."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._waiting: deque[Any] = deque(maxlen=64)

    def take(self) -> tuple[Any, bool]:
        """Return a connection for the caller alone, and whether it was used before."""
        try:
            return self._waiting.pop(), True
        except IndexError:
            # Not one of those that the pool counts and hands out.
            return self._pool.connection_class(**self._pool.connection_kwargs), False

    def give_back(self, connection: Any) -> None:
        """Keep it for the next."""
        self._waiting.append(connection)


@lru_cache(maxsize=8)
def _idle(pool: ConnectionPool) -> _Idle:
    return _Idle(pool)


os.register_at_fork(after_in_child=_idle.cache_clear)


def _exchange(connection: Any, commands: Sequence[bytes]) -> list[Any]:
    """Send ready commands together and return their answers; an error that Redis answers is one of them."""
    connection.send_packed_command(commands)
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(connection.read_response())
        except (Lost, TookTooLong):
            raise
        except RedisError as error:
            answers.append(error)
    return answers
