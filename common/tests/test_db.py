"""Transactions that lose a race for locks, and constraints by name."""

import os
import threading

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from common.db import lost_race, retrying, violated
from common.errors import Busy


def _raise(state: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["40P01", "55P03", "40001"])
def test_a_lost_race_is_tried_three_times(state) -> None:
    """Deadlock, lock time-out, serialization failure: the whole service again, then `Busy`."""
    tries: list[int] = []

    @retrying
    def service(lucky: int) -> str:
        tries.append(1)
        if len(tries) < lucky:
            _raise(state)
        return "done"

    assert service(3) == "done"
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(Busy) as caught:
        service(4)
    assert len(tries) == 3
    assert isinstance(caught.value.__cause__, OperationalError)


@pytest.mark.django_db(transaction=True)
def test_other_errors_are_not_tried_again() -> None:
    """A defect or an outage shows at once."""
    tries: list[int] = []

    @retrying
    def service() -> None:
        tries.append(1)
        _raise("57014")

    with pytest.raises(OperationalError):
        service()
    assert len(tries) == 1


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_its_owner_decides() -> None:
    """The caller's transaction is lost already: retrying inside of it would only fail again."""
    tries: list[int] = []

    @retrying
    def service() -> None:
        tries.append(1)
        _raise("40P01")

    with pytest.raises(OperationalError) as caught, transaction.atomic():
        service()
    assert len(tries) == 1
    assert lost_race(caught.value)


@pytest.mark.django_db(transaction=True)
def test_a_real_deadlock_ends_with_both_done() -> None:
    """Two services that lock two rows in opposite orders: one is chosen, retried, and passes."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE deadlock_probe (id int PRIMARY KEY, n int NOT NULL)")
        cursor.execute("INSERT INTO deadlock_probe VALUES (1, 0), (2, 0)")
    both_hold_one = threading.Barrier(2)
    tries: list[int] = []

    @retrying
    def service(first: int, second: int) -> None:
        tries.append(first)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE deadlock_probe SET n = n + 1 WHERE id = %s", [first])
            if tries.count(first) == 1:
                both_hold_one.wait(10)
            cursor.execute("UPDATE deadlock_probe SET n = n + 1 WHERE id = %s", [second])

    def work(first: int, second: int) -> None:
        try:
            service(first, second)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(n) FROM deadlock_probe")
            assert cursor.fetchone() == (4,)
        assert len(tries) >= 3
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE deadlock_probe")


@pytest.mark.django_db
def test_a_violated_constraint_is_known_by_its_name() -> None:
    """A service turns the one it expects into its own failure, and no other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE probe (n int CONSTRAINT probe_positive CHECK (n > 0)) ON COMMIT DROP"
        )
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            cursor.execute("INSERT INTO probe VALUES (0)")
    assert violated(caught.value, "probe_positive")
    assert not violated(caught.value, "probe_other")
    assert not violated(IntegrityError("no cause"), "probe_positive")


@pytest.mark.django_db
def test_a_nul_is_a_data_error() -> None:
    """The net under the serializers answers 400 to what the driver itself refuses."""
    with pytest.raises((DataError, ValueError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT %s::text", ["a\0"])


@pytest.mark.django_db(transaction=True)
def test_the_pool_replaces_a_connection_that_the_server_ended() -> None:
    """REQ OP-03: after a database restart the next request works; nobody meets the dead connection."""

    def backend() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    connection.close()
    usual = connection.settings_dict["OPTIONS"]
    pool = {"min_size": 1, "max_size": 1, "timeout": 5}
    connection.settings_dict["OPTIONS"] = {**usual, "pool": pool}
    assert connection.settings_dict["CONN_HEALTH_CHECKS"], "the settings ask the pool to try connections"
    try:
        first = backend()
        connection.close()
        assert backend() == first, "the pool hands the same connection out again"
        connection.close()
        with psycopg.connect(os.environ["DATABASE_URL"]) as other:
            # With a patience, in ms: it is over when this answers, not some time later.
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [first])
        assert backend() != first
    finally:
        connection.close()
        connection.close_pool()
        connection.settings_dict["OPTIONS"] = usual
