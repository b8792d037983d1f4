"""Contenders for one scarce thing: threads that begin at the same moment, each with its own connection."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from django.db.models import QuerySet

T = TypeVar("T")
_START_SECONDS = 30.0


class Race:
    """`race(50, act)` calls `act(0)` .. `act(49)` at once; `race.each([pay, expire])` calls each, at once.

    Both return what the calls returned, or the exception each raised, in the order of the contenders.
    Use it with `@pytest.mark.django_db(transaction=True)`: other connections see only what is committed.
    """

    def __call__(self, contenders: int, act: Callable[[int], T]) -> list[T | BaseException]:
        """Run `act(number)` in as many threads as there are contenders."""
        return self.each([lambda number=number: act(number) for number in range(contenders)])  # type: ignore[misc]

    def each(self, acts: Sequence[Callable[[], T]]) -> list[T | BaseException]:
        """Run different acts against each other."""
        barrier = threading.Barrier(len(acts))
        with ThreadPoolExecutor(max_workers=len(acts)) as pool:
            return list(pool.map(lambda act: _contend(barrier, act), acts))

    def behind(self, rows: "QuerySet[Any]", acts: Sequence[Callable[[], T]]) -> list[T | BaseException]:
        """Run acts that all come to wait for locked rows in the middle of their work, then let the rows go."""
        from django.db import transaction

        holding = threading.Event()

        def hold() -> None:
            with transaction.atomic():
                list(rows.select_for_update())
                holding.set()
                until_waiting(len(acts))

        def begin(act: Callable[[], T]) -> T:
            if not holding.wait(_START_SECONDS):
                raise AssertionError("The rows were not locked")
            return act()

        contenders: list[Callable[[], Any]] = [hold, *(partial(begin, act) for act in acts)]
        held, *outcomes = self.each(contenders)
        if isinstance(held, BaseException):
            raise held
        return outcomes


class Follower(Generic[T]):
    """Somebody who comes to wait for what the caller's transaction has locked, on a connection of their own."""

    def __init__(self, act: Callable[[], T]) -> None:
        self._act = act
        self._pool = ThreadPoolExecutor(max_workers=1)

    def start(self) -> None:
        """Begin the act, and return when it waits."""
        self._outcome = self._pool.submit(self._run)
        until_waiting()

    def result(self) -> T:
        """Return what the act returned, or raise what it raised; call it when the transaction is over."""
        with self._pool:
            return self._outcome.result(_START_SECONDS)

    def _run(self) -> T:
        from django.db import connections

        try:
            return self._act()
        finally:
            connections.close_all()


def until_waiting(count: int = 1, *, or_done: threading.Event | None = None) -> None:
    """Return when so many of this database's sessions wait for a lock, or the other one is through.

    Of this database alone: the suite's other processes wait for locks in theirs, on the same server.
    """
    from django.db import connection

    end = time.monotonic() + _START_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            # Its figures stand still within a transaction unless told otherwise.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                " AND backend_type = 'client backend'"
            )
            if cursor.fetchone()[0] >= count or (or_done is not None and or_done.is_set()):
                return
            # Not at once again: those it waits for need the processor.
            time.sleep(0.002)
    raise AssertionError("They did not all wait")


def _contend(barrier: threading.Barrier, act: Callable[[], T]) -> T | BaseException:
    from django.db import connection, connections

    try:
        # Connected before the start: who connects faster must not decide the race.
        connection.ensure_connection()
        barrier.wait(_START_SECONDS)
        return act()
    except BaseException as error:  # noqa: BLE001 the verdict of this contender, whatever it is
        return error
    finally:
        connections.close_all()
