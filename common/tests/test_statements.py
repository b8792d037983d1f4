"""Statements sent together: one transaction, a snapshot each."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import IntegrityError, connection, transaction

from common import statements

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _probe() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE together_probe (id int PRIMARY KEY, n int NOT NULL)")
        cursor.execute("INSERT INTO together_probe VALUES (1, 0)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE together_probe")


def _add(number: int) -> None:
    statements.run("UPDATE together_probe SET n = n + %(number)s WHERE id = 1", {"number": number})


def _n() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM together_probe WHERE id = 1")
        return int(cursor.fetchone()[0])


def test_together_is_a_transaction_by_itself() -> None:
    """Outside of a transaction it is all or nothing: what came before the error has not happened."""

    def add_and_fail() -> None:
        with statements.together():
            _add(4)
            statements.run("INSERT INTO together_probe VALUES (%(id)s, 0)", {"id": 1})

    with statements.together():
        _add(1)
        _add(2)
    assert _n() == 3
    with pytest.raises(IntegrityError):
        add_and_fail()
    assert _n() == 3
    _add(5)
    assert _n() == 8


def test_together_belongs_to_the_transaction_round_it() -> None:
    """Inside of a transaction its end is that one's."""
    with transaction.atomic():
        with statements.together():
            _add(1)
        assert _n() == 1
        transaction.set_rollback(True)
    assert _n() == 0


def test_each_statement_sees_what_was_committed_while_the_one_before_waited() -> None:
    """A lock, then a count: the count begins when the lock was had, and the lock is kept until the end."""
    locked = threading.Event()

    def hold_and_change() -> None:
        try:
            with transaction.atomic():
                _add(10)
                locked.set()
                _until_one_waits()
        finally:
            connection.close()

    other = threading.Thread(target=hold_and_change)
    other.start()
    assert locked.wait(10)
    with statements.together():
        statements.run("SELECT n FROM together_probe WHERE id = %(id)s FOR UPDATE", {"id": 1})
        seen = statements.run("SELECT n FROM together_probe WHERE id = %(id)s", {"id": 1})
    other.join(10)
    assert seen.fetchone() == (10,)


def _until_one_waits() -> None:
    end = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("Nobody waited")
