"""Statements sent together: one transaction, a snapshot each."""

import threading
from collections.abc import Iterator

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common import statements
from config.local_stack.testing.race import until_waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _probe() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE together_probe (id int PRIMARY KEY, n int NOT NULL)")
        cursor.execute("INSERT INTO together_probe VALUES (1, 0)")
        cursor.execute(
            "CREATE TABLE together_child (id int REFERENCES together_probe DEFERRABLE INITIALLY DEFERRED)"
        )
    yield
    # A test that failed may leave a broken one.
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE together_probe, together_child")


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


def _commits_in_a_block(*, fails: bool = False, before: bool = True) -> list[str]:
    """Send the last statement of a block with its COMMIT; say what was committed when, and which hooks ran."""
    told: list[str] = []
    with transaction.atomic():
        transaction.on_commit(lambda: told.append("hook"))
        if before:
            _add(1)
        with statements.together(commits=True):
            statements.run("UPDATE together_probe SET n = n + 10 / %(by)s", {"by": 0 if fails else 1})
        told.append(f"now {connection.connection.info.transaction_status.name}")
    return told


@pytest.mark.parametrize(("before", "n"), [(True, 11), (False, 10)])
def test_the_commit_goes_along_with_the_last(before: bool, n: int) -> None:
    """Sent, the transaction is over, whether it had begun before or is that packet alone; hooks run at its end."""
    assert _commits_in_a_block(before=before) == ["now IDLE", "hook"]
    assert _n() == n


def test_what_fails_is_not_committed() -> None:
    """Neither the statement nor what came before it in the block; no hook runs, and the connection goes on."""
    with pytest.raises(DataError):
        _commits_in_a_block(fails=True)
    with pytest.raises(DataError):
        _commits_in_a_block(fails=True, before=False)
    assert _n() == 0
    assert _commits_in_a_block() == ["now IDLE", "hook"]


def test_in_a_block_inside_of_another_nothing_is_committed() -> None:
    """The outer block's end decides."""
    with transaction.atomic():
        assert _commits_in_a_block() == ["now INTRANS"]
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
                until_waiting()
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


def test_what_a_rollback_and_an_error_forgot_is_told_again() -> None:
    """A rollback empties what the connection keeps of statements; an error stops what was to be kept."""
    sql = "SELECT n + %(more)s FROM together_probe WHERE id = %(id)s"

    def ask() -> int:
        with statements.together():
            answer = statements.run(sql, {"more": 1, "id": 1})
        return int(answer.fetchone()[0])

    def fail() -> None:
        with statements.together():
            statements.run("INSERT INTO together_probe VALUES (%(id)s, 0)", {"id": 1})
            statements.run("SELECT id FROM together_probe WHERE n = %(n)s", {"n": 0})

    assert ask() == 1
    with transaction.atomic():
        _add(1)
        transaction.set_rollback(True)
    assert ask() == 1
    for _ in range(2):
        with pytest.raises(IntegrityError):
            fail()
    assert [ask(), ask()] == [1, 1]


def test_they_go_out_at_the_end_and_answer_then() -> None:
    """Rows and counts are there when the block has ended; each statement counts as one of Django's own."""
    with CaptureQueriesContext(connection) as captured, statements.together():
        wrote = statements.run("UPDATE together_probe SET n = 7 WHERE id = %s", [1])
        read = statements.run("SELECT id, n FROM together_probe WHERE id >= %s", [0])
        assert (wrote.rowcount, read.fetchone()) == (-1, None)
    assert (wrote.rowcount, read.rowcount, read.fetchall(), read.fetchone()) == (1, 1, [(1, 7)], None)
    assert len(captured) == 2


def test_a_block_that_fails_sends_nothing() -> None:
    """What was told before the error of ours has not happened, and the connection goes on with the same statement."""

    def stumble() -> None:
        with statements.together():
            _add(1)
            raise LookupError

    for told in range(2):
        with pytest.raises(LookupError):
            stumble()
        assert _n() == told
        with statements.together():
            _add(1)


@pytest.mark.parametrize("unlocks_early", [False, True])
def test_what_a_commit_refuses_is_the_database_s_own_error(unlocks_early: bool) -> None:
    """A constraint that is looked at when the transaction ends: its error, nothing written, the connection goes on."""

    def orphan() -> None:
        with statements.together(unlocks_early=unlocks_early):
            _add(1)
            statements.run("INSERT INTO together_child VALUES (%s)", [7])

    for _ in range(2):
        with pytest.raises(IntegrityError, match="foreign key"):
            orphan()
    assert _n() == 0
    with statements.together():
        _add(1)
    assert _n() == 1


def test_a_copy_is_refused() -> None:
    """What waits for rows or streams them has no place in a packet; the connection is given up."""
    with pytest.raises(OperationalError), statements.together():
        statements.run("COPY together_probe TO STDOUT", [])
    connection.close_if_unusable_or_obsolete()
    assert _n() == 0


def test_a_connection_that_is_cut_is_an_error_and_replaced() -> None:
    """The server ends the connection in the middle: a database error, and the next one works."""

    def be_cut() -> None:
        with statements.together():
            statements.run("SELECT pg_terminate_backend(pg_backend_pid())", [])
            _add(1)

    with pytest.raises(OperationalError):
        be_cut()
    # As a request's end does.
    connection.close_if_unusable_or_obsolete()
    assert _n() == 0
