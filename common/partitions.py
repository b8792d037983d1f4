"""Tables partitioned by day: a partition for each UTC day, made ahead of time.

What comes for a day without one is kept by the default partition and moved when the day is made. Locks are asked for
briefly and again: those who insert wait half a second at most, then they go first.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg import sql

from common.db import lost_race
from common.errors import Busy

DAYS_AHEAD: Final = 14
_LOCK_MILLISECONDS: Final = 500
_WORK_MILLISECONDS: Final = 300_000
_ATTEMPTS: Final = 40

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DayPartitions:
    """The partitions of a table by a date column; the table has a default one, named ``<table>_default``."""

    table: str
    column: str

    def ensure_ahead(self, *, now: datetime) -> list[str]:
        """Make the partitions of yesterday to two weeks ahead, and of days of which the default partition has rows.

        Those rows are moved without loss while others insert. Returns the names of the new ones; made ones are left
        alone, so it may run at any time and twice at once. Raises ``Busy`` when the table stays taken for seconds.
        """
        today = now.astimezone(UTC).date()
        wanted = {today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD + 1)} | self._caught()
        missing = sorted(wanted - self.existing().keys())
        return [self.name_of(day) for day in missing if patiently(lambda day=day: self._make(day))]  # type: ignore[misc]

    def existing(self) -> dict[date, str]:
        """Return the partitions that there are, by their day, without the default one."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
                " WHERE inhparent = to_regclass(%s) AND child.relname <> %s ORDER BY 1",
                [self.table, self._default],
            )
            names = [name for (name,) in cursor.fetchall()]
        return {date.fromisoformat(name.removeprefix(f"{self.table}_")): name for name in names}

    def is_there(self) -> bool:
        """Say whether the table exists: not after migrating back to before it."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [self._default])
            return bool(cursor.fetchone() == (True,))

    def name_of(self, day: date) -> str:
        """Return the name of a day's partition."""
        return f"{self.table}_{day:%Y%m%d}"

    def drop_before(self, day: date) -> list[str]:
        """Drop the partitions of earlier days and return their names. Raises ``Busy`` as above."""
        old = [name for its_day, name in self.existing().items() if its_day < day]
        for name in old:
            patiently(lambda name=name: self._drop(name))  # type: ignore[misc]
        return old

    @property
    def _default(self) -> str:
        return f"{self.table}_default"

    def _caught(self) -> set[date]:
        words = {"column": sql.Identifier(self.column), "default": sql.Identifier(self._default)}
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT DISTINCT {column} FROM {default}").format(**words))
            return {day for (day,) in cursor.fetchall()}

    def _drop(self, name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {part}").format(part=sql.Identifier(name)))

    def _make(self, day: date) -> bool:
        """Make one partition, in the caller's transaction; False when somebody else just did."""
        words = {
            "table": sql.Identifier(self.table),
            "default": sql.Identifier(self._default),
            "column": sql.Identifier(self.column),
            "part": sql.Identifier(self.name_of(day)),
            "start": sql.Literal(day),
            "end": sql.Literal(day + timedelta(days=1)),
        }
        with connection.cursor() as cursor:
            # Taken on the whole table, so that who inserts waits before they choose a partition, not after: one who
            # has chosen the default one would be refused when the rows of its day may no longer be there.
            cursor.execute(sql.SQL("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE").format(**words))
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [self.name_of(day)])
            if cursor.fetchone() == (True,):
                return False
            for statement in _MAKE:
                cursor.execute(sql.SQL(statement).format(**words))
        return True


_MAKE: Final = (
    "CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
    """
    WITH moved AS (DELETE FROM {default} WHERE {column} = {start} RETURNING *)
    INSERT INTO {part} SELECT * FROM moved
    """,
    "ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({start}) TO ({end})",
)


def patiently(act: Callable[[], T]) -> T:
    """Run an act that locks a whole table until it gets its locks in time; raises ``Busy`` when it never does."""
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                _be_brief()
                return act()
        except OperationalError as error:
            if not lost_race(error) or connection.in_atomic_block:
                raise
            # Those who waited behind us go first.
            time.sleep(random.uniform(0.02, 0.2))
    raise Busy


def _be_brief() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
        cursor.execute(f"SET LOCAL statement_timeout = {_WORK_MILLISECONDS}")
