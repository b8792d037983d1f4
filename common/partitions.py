"""Tables partitioned by day: a partition for each UTC day, made ahead of time.

What comes for a day without one is kept by the default partition. Few such rows are moved when their day is made; many
stay where they are: that table becomes the partition of all their days, and a new, empty one the default. So whoever
inserts is never kept from it by how many rows there are. Locks are asked for briefly and again: others wait for half a
second at most until we have one, then they go first, and no statement under it lasts longer than two.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

import structlog
from django.db import OperationalError, connection, transaction
from psycopg import sql

from common.db import lost_race
from common.errors import Busy

DAYS_AHEAD: Final = 14
_A_DAY: Final = timedelta(days=1)
# So many rows are moved within a part of a second.
_FEW: Final = 10_000
_LOCK_MILLISECONDS: Final = 500
# Who inserts waits for three seconds (settings, lock_timeout), and what takes longer is given up before.
_WORK_MILLISECONDS: Final = 2_000
# Reading all of the default partition, beside whom everybody may write.
_READ_MILLISECONDS: Final = 60_000
_ATTEMPTS: Final = 40
_log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DayPartitions:
    """The partitions of a table by a date column; the table has a default one, named ``<table>_default``."""

    table: str
    column: str

    def ensure_ahead(self, *, now: datetime) -> list[str]:
        """Make the partitions of yesterday to two weeks ahead, and of days of which the default partition has rows.

        Those rows are moved, or become a partition of several days, without loss while others insert. Returns the
        names of the new ones; made ones are left alone, so it may run at any time and twice at once. Raises ``Busy``
        when the table stays taken for seconds.
        """
        today = now.astimezone(UTC).date()
        wanted = {today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD + 1)}
        made: list[str] = []
        if self._has_caught_many():
            made = self._keep_where_they_are(today)
            wanted -= self._caught()
        else:
            wanted |= self._caught()
        missing = sorted(wanted - self._covered().keys())
        return made + [
            self.name_of(day)
            for day in missing
            if patiently(lambda day=day: self._make(day))  # type: ignore[misc]
        ]

    def existing(self) -> dict[date, str]:
        """Return the partitions that there are, by their (last) day, without the default one."""
        return {last: name for name, (_, last) in self._bounds().items()}

    def days(self) -> list[date]:
        """Return the days of which there may be rows, in whichever partition, the first one first."""
        return sorted(self._covered().keys() | self._caught())

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

    def _bounds(self) -> dict[str, tuple[date, date]]:
        """Return the first and last day of each partition, as its name has them."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
                " WHERE inhparent = to_regclass(%s) AND child.relname <> %s ORDER BY 1",
                [self.table, self._default],
            )
            names = [name for (name,) in cursor.fetchall()]
        days = {name: name.removeprefix(f"{self.table}_").split("_") for name in names}
        return {
            name: (date.fromisoformat(found[0]), date.fromisoformat(found[-1]))
            for name, found in days.items()
        }

    def _covered(self) -> dict[date, str]:
        """Return each day that has a partition, with its name."""
        return {
            day: name for name, (first, last) in self._bounds().items() for day in _days_between(first, last)
        }

    def _has_caught_many(self) -> bool:
        default = sql.Identifier(self._default)
        few = sql.SQL("SELECT count(*) > {few} FROM (SELECT FROM {default} LIMIT {few} + 1) AS found")
        with connection.cursor() as cursor:
            cursor.execute(few.format(default=default, few=sql.Literal(_FEW)))
            return bool(cursor.fetchone() == (True,))

    def _keep_where_they_are(self, today: date) -> list[str]:
        """Let the default partition's table be that of all days it has rows of; return its new name.

        Days that are now are of it as well: rows come for them until the very end. Where partitions of other days lie
        between, the rows stay in the default partition, can be read there, and somebody is called.
        """
        covered = self._covered()
        days = self._caught() | ({today, today + _A_DAY} - covered.keys())
        first, last = min(days), max(days)
        if covered.keys() & set(_days_between(first, last)):
            _log.error("rows of the default partition cannot be given a partition", table=self.table)
            return []
        words = self._words(f"{self.table}_{first:%Y%m%d}_{last:%Y%m%d}", first, last)
        try:
            # The proof that all rows are of these days is read before the table is locked, and then known.
            patiently(lambda: _run(_BOUND, words))
            patiently(lambda: _run(_PROVE, words), milliseconds=_READ_MILLISECONDS)
            is_mine = patiently(lambda: self._swap(words, first))
        finally:
            patiently(lambda: _run(_UNBOUND, words))
        return [f"{self.table}_{first:%Y%m%d}_{last:%Y%m%d}"] if is_mine else []

    def _swap(self, words: "_Words", first: date) -> bool:
        _run(_ALONE, words)
        if first in self._covered():
            return False
        _run(_SWAP, words)
        return True

    def _words(self, part: str, first: date, last: date) -> "_Words":
        return {
            "table": sql.Identifier(self.table),
            "default": sql.Identifier(self._default),
            "bound": sql.Identifier(f"{self._default}_bound"),
            "column": sql.Identifier(self.column),
            "part": sql.Identifier(part),
            "start": sql.Literal(first),
            "end": sql.Literal(last + _A_DAY),
        }

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
        words = self._words(self.name_of(day), day, day)
        # Taken on the whole table, so that who inserts waits before they choose a partition, not after: one who
        # has chosen the default one would be refused when the rows of its day may no longer be there.
        _run(("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE",), words)
        if day in self._covered():
            return False
        _run(_MAKE, words)
        return True


_Words = dict[str, sql.Composable]
_MAKE: Final = (
    "CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
    """
    WITH moved AS (DELETE FROM {default} WHERE {column} = {start} RETURNING *)
    INSERT INTO {part} SELECT * FROM moved
    """,
    "ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({start}) TO ({end})",
)


_BOUND: Final = (
    # One may be left from who was ended on the way.
    "ALTER TABLE {default} DROP CONSTRAINT IF EXISTS {bound}",
    "ALTER TABLE {default} ADD CONSTRAINT {bound} CHECK ({column} >= {start} AND {column} < {end}) NOT VALID",
)
_PROVE: Final = ("ALTER TABLE {default} VALIDATE CONSTRAINT {bound}",)
_UNBOUND: Final = ("ALTER TABLE {default} DROP CONSTRAINT IF EXISTS {bound}",)
_ALONE: Final = ("LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE",)
_SWAP: Final = (
    "ALTER TABLE {table} DETACH PARTITION {default}",
    "ALTER TABLE {default} RENAME TO {part}",
    "CREATE TABLE {default} PARTITION OF {table} DEFAULT",
    "ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({start}) TO ({end})",
    "ALTER TABLE {part} DROP CONSTRAINT {bound}",
)


def _run(texts: Iterable[str], words: _Words) -> None:
    with connection.cursor() as cursor:
        for text in texts:
            cursor.execute(sql.SQL(text).format(**words))


def _days_between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def patiently(act: Callable[[], T], *, milliseconds: int | None = None) -> T:
    """Run an act that locks a whole table until it gets its locks in time; raises ``Busy`` when it never does.

    Its statements have two seconds each, or so many ``milliseconds``.
    """
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                _be_brief(milliseconds or _WORK_MILLISECONDS)
                return act()
        except OperationalError as error:
            if not lost_race(error) or connection.in_atomic_block:
                raise
            # Those who waited behind us go first.
            time.sleep(random.uniform(0.02, 0.2))
    raise Busy


def _be_brief(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
        cursor.execute(f"SET LOCAL statement_timeout = {milliseconds}")
