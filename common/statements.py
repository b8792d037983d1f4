"""Statements of the hot paths: planned once a connection, and sent together where none waits for another.

The ORM writes a statement anew each time and PostgreSQL plans it anew; under the lock of a row that everybody
wants, that time is everybody's. Here SQL keeps its plan, and ``together`` saves the waiting between statements.
"""

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper

from common.pipeline import Batch


class _Planned(psycopg.Cursor[Any]):
    """Binds parameters on the server and keeps the statement's plan in the connection."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, **(options | {"prepare": True}))


class _Logged(CursorDebugWrapper):
    """Logs the text as it is kept: what was bound to it stays apart."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        with self.debug_sql(sql, params):
            return CursorWrapper.execute(self, sql, params)


def one_line(sql: str) -> str:
    """Return a statement of constant text without its line breaks and margins.

    The driver remembers how it read a text of at most 4,096 characters; a longer one it reads again each time.
    """
    return " ".join(sql.split())


class Rows(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int:
        """How many rows it wrote or found."""

    def fetchone(self) -> Any:
        """Return the next row, None after the last."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""


class _Here(threading.local):
    batch: Batch | None = None


_here = _Here()


def run(sql: str, params: Sequence[Any] | Mapping[str, Any]) -> Rows:
    """Send a statement of constant text and return its rows; it counts and is logged as Django's own.

    Inside of ``together`` it has its rows when that block has ended. Raises Django's database errors.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if _here.batch is not None:
        if database.queries_logged:
            database.queries_log.append({"sql": sql, "time": "0.000"})
        return _here.batch.add(sql, params)
    cursor = (_Logged if database.queries_logged else CursorWrapper)(_Planned(_raw(database)), database)
    cursor.execute(sql, params)
    return cursor


def _raw(database: BaseDatabaseWrapper) -> psycopg.Connection[Any]:
    database.ensure_connection()
    raw: psycopg.Connection[Any] = database.connection
    if raw.prepare_threshold is None:
        # Django switches plans off; this keeps them off for all statements but those that ask for it.
        raw.prepare_threshold = sys.maxsize
    return raw


# Frames of a transaction, as BEGIN and COMMIT are: it ends without waiting for the disk, then another's end waits. The
# log is written in order, so what was committed before is on disk when this one is.
COMMIT_EARLY = "SELECT set_config('synchronous_commit', 'off', true)"
WAIT_FOR_DISK = "SELECT pg_logical_emit_message(true, 'marquee.committed', '')"


@contextmanager
def together(*, commits: bool = False, unlocks_early: bool = False) -> Iterator[None]:
    """Send what ``run`` is told in this block as one packet at its end, and wait once for all answers.

    Each statement still begins after the one before has ended, with a snapshot of its own. Outside of a
    transaction the block is one by itself, committed at its end (PostgreSQL: "Pipeline Mode"): its locks are held
    while the server works, and never while it waits for us. Only ``run`` may be used in here: the ORM would be
    ahead of it. Raises Django's database errors; then nothing of the block has happened.

    ``commits``: it is the last of an ``atomic`` block, whose COMMIT goes along; that block's end then finds nothing
    left to send. In a block inside of another it changes nothing. A statement that must not be committed has to fail.

    ``unlocks_early``: its locks are let go before it is on disk, and the block ends when it is, and wherever else the
    server's ``synchronous_commit`` wants it (docs/decisions/0014-unlocking-before-the-disk.md). Inside of a
    transaction it changes nothing. An error that is not the block's own, such as a connection lost behind it, may
    leave it done.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.validate_no_broken_transaction()
    batch = _here.batch = Batch(_raw(database))
    is_last = commits and database.in_atomic_block and not database.savepoint_ids
    is_early = unlocks_early and database.get_autocommit()
    # Where nothing was sent before, the packet is the whole transaction and needs neither BEGIN nor COMMIT.
    if not database.get_autocommit() and not is_last:
        batch.begin()
    try:
        if is_early:
            run(COMMIT_EARLY, ())
        yield
        if is_early:
            batch.sync()
            run(WAIT_FOR_DISK, ())
    except BaseException:
        batch.discard()
        raise
    finally:
        _here.batch = None
    if is_last:
        batch.commit()
    with database.wrap_database_errors:
        batch.send()
