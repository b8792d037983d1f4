"""Partitions of days: rows that the default one caught get a partition, and nobody who inserts is kept from it."""

import threading
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from accounts.tests.factories import NOW
from common import partitions
from common.partitions import DAYS_AHEAD, DayPartitions
from config.local_stack.testing.race import Race

pytestmark = pytest.mark.django_db(transaction=True)

PARTS = DayPartitions(table="test_parted", column="day")
DAY = NOW.date()
AHEAD = {DAY + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD + 1)}


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    """A table of its own, with a key and an index that each partition has to have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE test_parted (day date NOT NULL, id int NOT NULL, said text NOT NULL DEFAULT '',"
            " PRIMARY KEY (day, id), CONSTRAINT id_is_none_below CHECK (id >= 0)) PARTITION BY RANGE (day);"
            " CREATE INDEX test_parted_said ON test_parted (said);"
            " CREATE TABLE test_parted_default PARTITION OF test_parted DEFAULT"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_parted")


def insert(day: date, first: int, count: int) -> None:
    """Write rows of a day, by one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO test_parted (day, id) SELECT %s, n FROM generate_series(%s, %s) n",
            [day, first, first + count - 1],
        )


def asked(statement: str) -> object:
    """Return the one value of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def places() -> dict[str, int]:
    """Return how many rows each partition has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, count(*) FROM test_parted GROUP BY 1")
        return dict(cursor.fetchall())


def made_while_others_write(race: Race) -> tuple[list[str], int]:
    """Make partitions while two write rows of today and tomorrow; return their names, and how many were written."""
    is_over, written = threading.Event(), [0, 0]

    def write(number: int) -> None:
        while not is_over.is_set():
            insert(DAY + timedelta(days=number), 10_000 + written[number], 1)
            written[number] += 1

    def make() -> list[str]:
        try:
            return PARTS.ensure_ahead(now=NOW)
        finally:
            is_over.set()

    made, *others = race.each([make, lambda: write(0), lambda: write(1)])
    assert others == [None, None], "nobody was refused"
    assert isinstance(made, list), made
    return made, sum(written)


def test_many_rows_stay_where_they_are_while_others_insert(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ AN-01, OP-07: no row is moved, lost, doubled or refused; their table becomes the partition of their days."""
    monkeypatch.setattr(partitions, "_FEW", 100)
    days = [DAY - timedelta(days=ago) for ago in (3, 2, 0)]
    for number, day in enumerate(days):
        insert(day, number * 1_000, 1_000)
    table = asked("SELECT 'test_parted_default'::regclass::oid")
    made, written = made_while_others_write(race)
    name = f"test_parted_{days[0]:%Y%m%d}_{DAY + timedelta(days=1):%Y%m%d}"
    assert made[0] == name
    assert asked(f"SELECT '{name}'::regclass::oid") == table, "the rows are where they were"
    assert places() == {name: 3_000 + written}
    assert PARTS.days()[0] == days[0]
    assert set(PARTS.days()) >= AHEAD
    assert PARTS.ensure_ahead(now=NOW) == []
    assert asked("SELECT count(*) FROM pg_constraint WHERE conname = 'test_parted_default_bound'") == 0
    # The new default takes what comes; each partition has the key, and the index.
    insert(DAY + timedelta(days=60), 1, 1)
    assert places()["test_parted_default"] == 1
    assert asked("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    assert asked(f"SELECT count(*) FROM pg_indexes WHERE tablename = '{name}'") == 2  # noqa: S608 (a date)


def test_a_partition_of_days_goes_with_its_last_one() -> None:
    """REQ AN-10: dropped when all of its days are over, never before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE test_parted_20961101_20961103 PARTITION OF test_parted"
            " FOR VALUES FROM ('2096-11-01') TO ('2096-11-04')"
        )
    insert(date(2096, 11, 2), 1, 5)
    assert PARTS.existing() == {date(2096, 11, 3): "test_parted_20961101_20961103"}
    assert PARTS.drop_before(date(2096, 11, 3)) == []
    assert sum(places().values()) == 5
    assert PARTS.drop_before(date(2096, 11, 4)) == ["test_parted_20961101_20961103"]
    assert places() == {}


def test_few_rows_are_moved_to_their_days() -> None:
    """REQ AN-01: each day by itself, as if its partition had been there."""
    insert(DAY, 1, 3)
    insert(DAY + timedelta(days=40), 1, 2)
    PARTS.ensure_ahead(now=NOW)
    assert places() == {PARTS.name_of(DAY): 3, PARTS.name_of(DAY + timedelta(days=40)): 2}


def test_a_move_that_takes_too_long_is_given_up_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-01: before anybody who inserts is refused; everything is as it was, and the next run goes on."""
    monkeypatch.setattr(partitions, "_WORK_MILLISECONDS", 40)
    insert(DAY, 1, 5)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION test_slowly() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(0.02); RETURN OLD; END $$;"
            " CREATE TRIGGER slowly BEFORE DELETE ON test_parted_default FOR EACH ROW EXECUTE FUNCTION test_slowly()"
        )
    try:
        with pytest.raises(OperationalError, match="statement timeout"):
            PARTS.ensure_ahead(now=NOW)
        assert places() == {"test_parted_default": 5}
        assert DAY not in PARTS.existing()
        assert partitions._WORK_MILLISECONDS < 3_000, "what who inserts waits for (settings, lock_timeout)"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION test_slowly() CASCADE")
    monkeypatch.undo()
    PARTS.ensure_ahead(now=NOW)
    assert places() == {PARTS.name_of(DAY): 5}


def test_days_between_others_keep_their_rows_and_call_for_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-01: where partitions lie between nothing is moved or lost, days to come are made, and it is logged."""
    monkeypatch.setattr(partitions, "_FEW", 2)
    PARTS.ensure_ahead(now=NOW - timedelta(days=30))
    insert(DAY - timedelta(days=60), 1, 2)
    insert(DAY, 1, 2)
    with capture_logs() as logs:
        made = PARTS.ensure_ahead(now=NOW)
    assert [one["log_level"] for one in logs] == ["error"]
    assert places() == {"test_parted_default": 4}
    assert {PARTS.name_of(day) for day in AHEAD - {DAY}} == set(made)
