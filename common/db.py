"""What every transaction in the house shares: the retry after a lost race for a lock."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

from django.db import Error, IntegrityError, OperationalError, connection, transaction

from common.errors import Busy

P = ParamSpec("P")
R = TypeVar("R")

# PostgreSQL: deadlock_detected, lock_not_available (lock_timeout), serialization_failure.
_LOST_RACES = frozenset({"40P01", "55P03", "40001"})

# PostgreSQL: query_canceled, by statement_timeout.
_OVERTIME: Final = "57014"


def sqlstate_of(error: Error) -> str:
    """Return PostgreSQL's five-letter code, or an empty string when the driver itself refused."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def violated(error: IntegrityError, constraint: str) -> bool:
    """Say whether it was this named constraint that refused the row."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) == constraint


def lost_race(error: OperationalError) -> bool:
    """Say whether the database refused because of another transaction, so that a second try may pass."""
    return sqlstate_of(error) in _LOST_RACES


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Read in a transaction whose statements may take so many seconds each. Raises ``Busy`` when one took longer."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
            yield
    except OperationalError as error:
        if is_overtime(error):
            raise Busy(
                "This takes too long just now. Ask for fewer days, or try again in a while."
            ) from error
        raise


def is_overtime(error: OperationalError) -> bool:
    """Say whether a statement was ended because its time was over."""
    return sqlstate_of(error) == _OVERTIME


def in_batches(batch: Callable[[], int]) -> int:
    """Do a batch again and again until one finds nothing to do; return how many rows were done in all."""
    total = 0
    while done := batch():
        total += done
    return total


def retrying(service: Callable[P, R]) -> Callable[P, R]:
    """Run a whole service up to three times when it loses a race for locks, then raise ``Busy``.

    Inside a transaction of a caller it runs once: that transaction is already lost, only its owner can retry.
    """

    @functools.wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        attempts = 1 if connection.in_atomic_block else 3
        for attempt in range(1, attempts + 1):
            try:
                return service(*args, **kwargs)
            except OperationalError as error:
                if not lost_race(error):
                    raise
                if attempt == attempts:
                    if connection.in_atomic_block:
                        raise
                    raise Busy from error
        raise AssertionError("unreachable")

    return run
