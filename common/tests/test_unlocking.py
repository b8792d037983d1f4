"""Locks that go before the disk has answered: nobody else waits for it, and whoever wrote does not go on without it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common import statements
from common.db import lost_race
from config.local_stack.testing.patience import SECONDS
from config.local_stack.testing.servers import session_folder, session_postgres

pytestmark = pytest.mark.django_db(transaction=True)

_ADD = "UPDATE unlocking_probe SET n = n + 1 WHERE id = 1"


@pytest.fixture(autouse=True)
def _probe() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE unlocking_probe (id int PRIMARY KEY, n int NOT NULL)")
        cursor.execute("INSERT INTO unlocking_probe VALUES (1, 0)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE unlocking_probe")


def _asked(sql: str, *values: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        (answer,) = cursor.fetchone()
        return answer


def _commit_durably() -> None:
    """Have this connection wait for the disk, as in production; the tests' server does not."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")


class _Writer(threading.Thread):
    """Adds one, and ends when that is durable; ``again``: adds until told to end."""

    def __init__(self, *, unlocks_early: bool = False, again: bool = False) -> None:
        super().__init__(daemon=True)
        self._unlocks_early = unlocks_early
        self._connected = threading.Event()
        self._pid: object = None
        self.again = again

    def run(self) -> None:
        try:
            _commit_durably()
            self._pid = _asked("SELECT pg_backend_pid()")
            self._connected.set()
            self._add()
            while self.again:
                self._add()
        finally:
            connection.close()

    def _add(self) -> None:
        with statements.together(unlocks_early=self._unlocks_early):
            statements.run(_ADD, ())

    def until_it_waits(self) -> None:
        """Return when it waits for the disk."""
        assert self._connected.wait(SECONDS)
        end = time.monotonic() + SECONDS
        while _asked("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", self._pid) != "SyncRep":
            assert time.monotonic() < end
            time.sleep(0.002)

    def until_it_ends(self) -> None:
        """Return when it was told that all is durable."""
        self.again = False
        self.join(SECONDS)
        assert not self.is_alive()


@contextmanager
def _a_disk_that_does_not_answer() -> Iterator[None]:
    """Let no durable commit come to an end: each waits for the answer of a standby that does not exist."""
    if session_folder() is None:
        pytest.skip("only the tests' own PostgreSQL can be told to wait for a standby")
    # The server learns of a setting when it has the time.
    first = _Writer(unlocks_early=True, again=True)
    with session_postgres().connect() as server:
        # The suite's other processes have the same server.
        server.execute("SELECT pg_advisory_lock(hashtext('standby'))")
        try:
            server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            server.execute("SELECT pg_reload_conf()")
            first.start()
            first.until_it_waits()
            first.again = False
            with connection.cursor() as cursor:
                cursor.execute("UPDATE unlocking_probe SET n = 0")
            yield
        finally:
            server.execute("ALTER SYSTEM RESET synchronous_standby_names")
            server.execute("SELECT pg_reload_conf()")
            first.until_it_ends()


def _locked() -> int:
    with transaction.atomic():
        return int(str(_asked("SELECT n FROM unlocking_probe WHERE id = 1 FOR UPDATE NOWAIT")))


def test_the_lock_goes_while_its_writer_waits_for_the_disk() -> None:
    """Another one has the row, with what was written, and the writer has still not been told that it is done.

    REQ OF-04.
    """
    writer = _Writer(unlocks_early=True)
    with _a_disk_that_does_not_answer():
        writer.start()
        writer.until_it_waits()
        assert _locked() == 1
        assert writer.is_alive()
    writer.until_it_ends()


def test_control_without_it_the_lock_waits_for_the_disk() -> None:
    """The same by the block as it is otherwise: nobody gets the row."""
    writer = _Writer(unlocks_early=False)
    with _a_disk_that_does_not_answer():
        writer.start()
        writer.until_it_waits()
        with pytest.raises(OperationalError) as refused:
            _locked()
        assert lost_race(refused.value)
    writer.until_it_ends()
    assert _locked() == 1


def _on_disk(rounds: int) -> list[bool]:
    """Say of each round whether the log was on disk to behind what was written, when the block had ended."""
    _commit_durably()
    found = []
    for _ in range(rounds):
        with statements.together(unlocks_early=True):
            statements.run(_ADD, ())
            # The commit's record comes behind this.
            place = statements.run("SELECT pg_current_wal_insert_lsn()::text", ())
        behind = place.fetchone()[0]
        found.append(bool(_asked("SELECT pg_current_wal_flush_lsn() > %s::pg_lsn", behind)))
    return found


def test_who_is_told_is_told_of_what_is_on_disk() -> None:
    """When the block has ended, a crash of the server takes nothing of it away. REQ OF-04."""
    assert _on_disk(20) == [True] * 20


def test_control_without_the_wait_it_is_not_yet_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the second transaction somebody would be told of what a crash takes away."""
    monkeypatch.setattr(statements, "WAIT_FOR_DISK", "SELECT 1")
    assert not all(_on_disk(20))


def test_later_transactions_wait_for_the_disk_as_before() -> None:
    """It is said for one transaction only."""
    _commit_durably()
    with statements.together(unlocks_early=True):
        within = statements.run("SELECT current_setting('synchronous_commit')", ())
    assert within.fetchone()[0] == "off"
    assert _asked("SHOW synchronous_commit") == "on"


def test_what_fails_has_not_happened_and_the_connection_goes_on() -> None:
    """The wait behind a failure is no harm; the error is the failure's."""

    def fail() -> None:
        with statements.together(unlocks_early=True):
            statements.run(_ADD, ())
            statements.run("INSERT INTO unlocking_probe VALUES (%s, 0)", [1])

    _commit_durably()
    for _ in range(2):
        with pytest.raises(IntegrityError):
            fail()
    assert _locked() == 0
    assert _asked("SHOW synchronous_commit") == "on"
    assert _on_disk(1) == [True]


def test_a_wait_that_fails_is_told_and_leaves_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told that it is durable when that is not known; the connection goes on."""
    monkeypatch.setattr(statements, "WAIT_FOR_DISK", "SELECT 1 / 0")
    for number in (1, 2):
        with pytest.raises(DataError), statements.together(unlocks_early=True):
            statements.run(_ADD, ())
        assert _locked() == number


def test_inside_of_a_transaction_it_changes_nothing() -> None:
    """That transaction's end is its owner's, and so is the disk."""
    _commit_durably()
    with transaction.atomic():
        with CaptureQueriesContext(connection) as captured, statements.together(unlocks_early=True):
            statements.run(_ADD, ())
        assert len(captured) == 1
        assert _asked("SHOW synchronous_commit") == "on"
    assert _locked() == 1
