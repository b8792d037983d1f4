"""Contenders for one scarce thing: threads that begin at the same moment, each with its own connection."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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
