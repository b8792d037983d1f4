"""The connection pool's check: a connection that a database restart broke is replaced before it is used."""

from typing import Any

from psycopg_pool import ConnectionPool


def check(connection: Any) -> None:
    """Raise when the connection is dead, so that the pool opens another."""
    ConnectionPool.check_connection(connection)
