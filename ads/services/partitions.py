"""The partitions of raw ad events: one for each UTC day on which tokens were issued, made ahead of time.

What comes for a day without one is kept by the default partition and moved when the day is made. Locks are asked for
briefly and again: those who insert wait half a second at most, then they go first.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg import sql

from common.db import lost_race
from common.errors import Busy

TABLE: Final = "ads_adevent"
DEFAULT: Final = "ads_adevent_default"
DAYS_AHEAD: Final = 14
_PREFIX: Final = f"{TABLE}_"
_LOCK_MILLISECONDS: Final = 500
_WORK_MILLISECONDS: Final = 300_000
_ATTEMPTS: Final = 40

T = TypeVar("T")


def ensure_ahead(*, now: datetime) -> list[str]:
    """Make the partitions of yesterday to two weeks ahead, and of days of which the default partition has rows.

    Those rows are moved without loss while others insert. Returns the names of the new ones; made ones are left
    alone, so it may run at any time and twice at once. Raises ``Busy`` when the table stays taken for seconds.
    """
    today = now.astimezone(UTC).date()
    wanted = {today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD + 1)} | _caught()
    missing = sorted(wanted - existing().keys())
    return [name_of(day) for day in missing if patiently(lambda day=day: _make(day))]  # type: ignore[misc]


def existing() -> dict[date, str]:
    """Return the partitions that there are, by their day, without the default one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
            " WHERE inhparent = to_regclass(%s) AND child.relname <> %s ORDER BY 1",
            [TABLE, DEFAULT],
        )
        names = [name for (name,) in cursor.fetchall()]
    return {date.fromisoformat(name.removeprefix(_PREFIX)): name for name in names}


def is_there() -> bool:
    """Say whether the table of raw events exists: not after migrating back to before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [DEFAULT])
        return bool(cursor.fetchone() == (True,))


def name_of(day: date) -> str:
    """Return the name of a day's partition."""
    return f"{_PREFIX}{day:%Y%m%d}"


def patiently(act: Callable[[], T]) -> T:
    """Run an act that locks the table until it gets its locks in time; raises ``Busy`` when it never does."""
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


def _caught() -> set[date]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT issue_day FROM ads_adevent_default")
        return {day for (day,) in cursor.fetchall()}


def _make(day: date) -> bool:
    """Make one partition, in the caller's transaction; False when somebody else just did."""
    name = name_of(day)
    with connection.cursor() as cursor:
        # Taken on the whole table, so that who inserts waits before they choose a partition, not after: one who has
        # chosen the default one would be refused when the rows of its day may no longer be there.
        cursor.execute("LOCK TABLE ads_adevent IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone() == (True,):
            return False
        words = {
            "part": sql.Identifier(name),
            "start": sql.Literal(day),
            "end": sql.Literal(day + timedelta(days=1)),
        }
        for statement in _MAKE:
            cursor.execute(sql.SQL(statement).format(**words))
    return True


_MAKE: Final = (
    "CREATE TABLE {part} (LIKE ads_adevent INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
    """
    WITH moved AS (DELETE FROM ads_adevent_default WHERE issue_day = {start} RETURNING *)
    INSERT INTO {part} SELECT * FROM moved
    """,
    "ALTER TABLE ads_adevent ATTACH PARTITION {part} FOR VALUES FROM ({start}) TO ({end})",
)
