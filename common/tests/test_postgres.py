"""REQ OP-03: the pool hands out connections that work, without asking the server each time."""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client

from common.postgres import base

pytestmark = pytest.mark.django_db(transaction=True)

SIZE = 4


@pytest.fixture
def pooled() -> Iterator[None]:
    """Let this thread's connection come from a pool of some, as in production."""
    connection.close()
    usual = connection.settings_dict["OPTIONS"]
    connection.settings_dict["OPTIONS"] = {
        **usual,
        "pool": {"min_size": SIZE, "max_size": SIZE, "timeout": 5},
    }
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()
        connection.settings_dict["OPTIONS"] = usual


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _used_at_once(count: int) -> set[int]:
    """Use so many connections at the same time and give them back; return their backends."""
    all_have_one, found = Barrier(count), set()

    def use() -> None:
        found.add(_backend())
        all_have_one.wait(10)
        connection.close()

    threads = [Thread(target=use) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == count
    return found


@contextmanager
def _server() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        yield other


def _end(backends: set[int]) -> None:
    with _server() as other:
        other.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s) AS pid", [list(backends)])


def _last_words(backend: int) -> str:
    """Return what this backend was told last."""
    with _server() as other:
        [told] = other.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [backend]).fetchone() or [
            ""
        ]
        return str(told)


def _hand_out() -> int:
    """Take a connection from the pool, give it back unused, and return its backend."""
    connection.ensure_connection()
    backend = int(connection.connection.info.backend_pid)
    connection.close()
    return backend


def _all_handed_out(check: Callable[[int], None]) -> None:
    for _ in range(SIZE):
        check(_hand_out())


def _let_time_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.monotonic
    monkeypatch.setattr(base.time, "monotonic", lambda: now() + seconds)


@pytest.mark.usefixtures("pooled")
def test_a_restart_of_the_server_is_met_by_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ OP-03: all connections ended by the server at once: each request after it is answered, without a pause."""
    ended = _used_at_once(SIZE)
    _end(ended)
    slept: list[float] = []
    monkeypatch.setattr("psycopg_pool.pool.sleep", slept.append)
    for _ in range(SIZE + 1):
        answer = Client().get("/api/v1/events")
        assert answer.status_code == 200
        assert _backend() not in ended
        connection.close()
    # The library, finding them one by one, sleeps a second, then two.
    assert not any(slept)


@pytest.mark.usefixtures("pooled")
def test_without_the_look_the_dead_are_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: it is the look that finds them."""
    monkeypatch.setattr(base, "is_quiet", lambda _: True)
    _end(_used_at_once(SIZE))
    with pytest.raises(OperationalError):
        _backend()


@pytest.mark.usefixtures("pooled")
def test_a_connection_that_answered_just_now_is_not_asked() -> None:
    """A round trip less for each request: the server hears nothing until there is something to say."""
    _used_at_once(SIZE)

    def check(backend: int) -> None:
        assert _last_words(backend) == "SELECT pg_backend_pid()"

    _all_handed_out(check)


@pytest.mark.usefixtures("pooled")
def test_a_connection_that_answered_long_ago_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ OP-03: a look is trusted for a second."""
    _used_at_once(SIZE)
    _let_time_pass(monkeypatch, base.TRUSTED_SECONDS)

    def check(backend: int) -> None:
        assert _last_words(backend) == ""

    _all_handed_out(check)


@pytest.mark.usefixtures("pooled")
def test_a_server_that_vanished_without_a_word_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ OP-03: its socket looks as ever, and whoever writes to it fails: after a second the pool finds out."""
    _used_at_once(SIZE)
    connection.ensure_connection()
    lost = connection.connection.info.backend_pid
    with _vanished(connection.connection):
        assert base.is_quiet(connection.connection)
        connection.close()
        _let_time_pass(monkeypatch, base.TRUSTED_SECONDS)
        for _ in range(SIZE):
            assert _backend() != lost
            connection.close()


@contextmanager
def _vanished(lost: psycopg.Connection[Any]) -> Iterator[None]:
    """Put a stranger in the server's place, as when its machine began anew: silent, and at the first word that it
    hears it says that it knows of no such connection."""

    def answer() -> None:
        stranger.recv(1)
        # Closed with no time for what is left, and with words unread: TCP's reset.
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stranger.close()

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as here,
    ):
        stranger, _ = listener.accept()
        here.setblocking(False)
        os.dup2(here.fileno(), lost.fileno())
        answering = Thread(target=answer, daemon=True)
        answering.start()
        here.close()
        yield
        answering.join(10)
        assert not answering.is_alive()


@pytest.mark.usefixtures("pooled")
def test_a_server_that_only_says_something_is_kept() -> None:
    """A message in the socket is read, not taken for the end of the connection."""
    with connection.cursor() as cursor:
        cursor.execute("LISTEN postgres_probe")
    told = connection.connection
    backend = told.info.backend_pid
    connection.close()
    with _server() as other:
        other.execute("NOTIFY postgres_probe")
    end = time.monotonic() + 10
    while base.is_quiet(told) and time.monotonic() < end:
        time.sleep(0.01)
    assert not base.is_quiet(told)
    assert backend in {_hand_out() for _ in range(SIZE)}
    assert base.is_quiet(told)


@pytest.mark.usefixtures("pooled")
def test_the_pool_is_made_once_and_closed() -> None:
    """One pool for all threads; after ``close_pool`` the next use makes another."""
    pool = connection.pool
    assert isinstance(pool, base.LookingPool)
    assert connection.pool is pool
    connection.close_pool()
    assert pool.closed
    assert connection.pool is not pool


def test_without_a_pool_it_is_djangos_own_connection() -> None:
    """Commands and tests that ask for no pool get none."""
    assert connection.pool is None
    assert type(connection.connection) is psycopg.Connection or connection.connection is None
