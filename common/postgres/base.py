"""The database backend of the settings (``ENGINE``): Django's own, but for how its pool tries connections.

Django's pool asks the server before each use: a round trip in front of every request. Here a connection that
answered a moment ago is only looked at, which waits for nobody; all others are asked as ever.
"""

import select
import time
from typing import Any

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

__all__ = ["DatabaseWrapper"]

# For so long after an answer a connection is only looked at. What a look cannot see, a server that vanished without
# a word, takes longer than this to be back under its address.
TRUSTED_SECONDS = 1.0


class TimedConnection(psycopg.Connection[TupleRow]):
    """A connection that knows when the server last answered (monotonic seconds)."""

    answered_at = float("-inf")

    def wait(self, *args: Any, **options: Any) -> Any:
        """Wait for the server, as the driver does for each answer."""
        answer = super().wait(*args, **options)
        self.answered_at = time.monotonic()
        return answer


class LookingPool(ConnectionPool[TimedConnection]):
    """A pool that looks at a connection before it asks it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(connection_class=TimedConnection, check=self._try, **options)

    def _try(self, connection: TimedConnection) -> None:
        """Return for a connection that works; raise ``psycopg.OperationalError`` for one that is broken.

        A broken one is seldom alone: after a restart all are. The library would find them one by one and sleep
        in between, longer each time, so all are replaced at once.
        """
        if time.monotonic() - connection.answered_at < TRUSTED_SECONDS and is_quiet(connection):
            return
        try:
            self.check_connection(connection)
        except psycopg.OperationalError:
            self.drain()
            raise


def is_quiet(connection: psycopg.Connection[Any]) -> bool:
    """Say whether the server said nothing since its last answer. Takes no time.

    A server that ends a connection says so, and a system that was told that nobody is there any more lets its
    socket be read as well. Messages that end nothing (a notice, a changed setting) are no quiet either.
    """
    socket = select.poll()
    socket.register(connection.pgconn.socket, select.POLLIN)
    return not socket.poll(0)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, on a ``LookingPool`` where the settings ask for a pool and for health checks."""

    @property
    def pool(self) -> Any:
        """Return this alias's pool, made on first use; it opens when it is first asked for a connection."""
        pools: dict[str, Any] = self._connection_pools  # type: ignore[attr-defined]
        options = self.settings_dict["OPTIONS"].get("pool")
        is_checked = bool(options) and self.settings_dict["CONN_HEALTH_CHECKS"]
        if is_checked and self.alias not in {NO_DB_ALIAS, *pools}:
            pool = LookingPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,
                configure=self._configure_connection,  # type: ignore[attr-defined]
                **options,
            )
            # Of threads that make one at the same time the first wins; what the others made was never opened.
            pools.setdefault(self.alias, pool)
        return super().pool
