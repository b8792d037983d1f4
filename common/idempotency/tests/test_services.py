"""The same key, the same answer (REQ OF-06)."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from common import clock
from common.errors import Invalid
from common.idempotency import (
    IdempotencyMismatch,
    InProgress,
    attach,
    begin,
    fingerprint_of,
    finish,
    purge,
    release,
)
from common.idempotency.models import IdempotencyRecord
from common.tasks import purge_idempotency_keys

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
USER = uuid.UUID(int=1)
SECOND = timedelta(seconds=1)


def _begin(key="k", fingerprint="f" * 64, now=NOW, user=USER, operation="offers.purchase"):
    return begin(user_id=user, operation=operation, key=key, fingerprint=fingerprint, now=now)


@pytest.mark.django_db
def test_a_final_answer_is_given_again() -> None:
    """REQ OF-06: same key, same body, same answer."""
    ticket = _begin()
    assert (ticket.replay, ticket.subject_id) == (None, None)
    assert finish(ticket, status=201, body={"id": uuid.UUID(int=2), "at": NOW}, now=NOW)
    again = _begin(now=NOW + 29 * timedelta(days=1))
    assert again.replay is not None
    assert again.replay.status == 201
    assert again.replay.body == {"id": str(uuid.UUID(int=2)), "at": "2026-05-01T12:00:00Z"}


@pytest.mark.django_db
def test_a_refusal_is_final_too() -> None:
    """REQ OF-06: sold out under this key stays sold out."""
    finish(_begin(), status=409, body={"code": "sold_out"}, now=NOW)
    assert _begin().replay.body == {"code": "sold_out"}


@pytest.mark.django_db
def test_another_body_is_refused() -> None:
    """REQ OF-06: 422, in flight as well as when final, and nothing changed."""
    ticket = _begin()
    for _ in range(2):
        before = list(IdempotencyRecord.objects.values())
        with pytest.raises(IdempotencyMismatch):
            _begin(fingerprint="e" * 64)
        assert list(IdempotencyRecord.objects.values()) == before
        finish(ticket, status=201, body={}, now=NOW)


@pytest.mark.django_db
def test_a_duplicate_in_flight_is_told_so() -> None:
    """REQ OF-06: 409 `in_progress`, retryable, until the lease is over."""
    _begin()
    before = list(IdempotencyRecord.objects.values())
    with pytest.raises(InProgress) as caught:
        _begin(now=NOW + 59 * SECOND)
    assert (caught.value.code, caught.value.retryable, caught.value.retry_after) == ("in_progress", True, 1)
    assert list(IdempotencyRecord.objects.values()) == before


@pytest.mark.django_db
def test_an_abandoned_call_is_resumed_with_what_it_began() -> None:
    """REQ OF-13: a process killed between reserve and session; its lease ends after 60 s exactly."""
    subject = uuid.uuid4()
    attach(_begin(), subject)
    resumed = _begin(now=NOW + 60 * SECOND)
    assert (resumed.subject_id, resumed.replay, resumed.attempt) == (subject, None, 2)
    with pytest.raises(InProgress):
        _begin(now=NOW + 61 * SECOND)


@pytest.mark.django_db
def test_a_retryable_failure_frees_the_key_and_keeps_the_subject() -> None:
    """REQ OF-06: it is not stored; the next call resumes at once."""
    subject = uuid.uuid4()
    ticket = _begin()
    attach(ticket, subject)
    release(ticket)
    assert _begin(now=NOW + SECOND).subject_id == subject


@pytest.mark.django_db(transaction=True)
def test_the_slow_first_cannot_undo_the_second() -> None:
    """REQ OF-13: after a take-over the first one's late writes do not count, its transaction is undone."""
    slow = _begin()
    second = _begin(now=NOW + 60 * SECOND)

    @transaction.atomic
    def slow_effect() -> None:
        IdempotencyRecord.objects.create(
            user_id=USER, operation="effect", key="x", fingerprint="", created_at=NOW, expires_at=NOW
        )
        attach(slow, uuid.uuid4())

    with pytest.raises(InProgress):
        slow_effect()
    assert not IdempotencyRecord.objects.filter(operation="effect").exists()
    assert finish(slow, status=201, body={"who": "slow"}, now=NOW) is False
    release(slow)
    with pytest.raises(InProgress):
        _begin(now=NOW + 61 * SECOND)
    assert finish(second, status=201, body={"who": "second"}, now=NOW) is True
    assert finish(second, status=500, body={"who": "twice"}, now=NOW) is False
    assert _begin().replay.body == {"who": "second"}


@pytest.mark.django_db
def test_keys_are_a_users_and_an_operations_own() -> None:
    """REQ OF-06: scoped to user and operation."""
    finish(_begin(), status=201, body={}, now=NOW)
    assert _begin(user=uuid.UUID(int=9)).replay is None
    assert _begin(operation="tickets.checkout").replay is None


@pytest.mark.django_db
def test_without_a_key_both_go_through(django_assert_num_queries) -> None:
    """REQ OF-06: nothing is remembered, nothing is asked."""
    with django_assert_num_queries(0):
        ticket = _begin(key=None)
        attach(ticket, uuid.uuid4())
        finish(ticket, status=201, body={}, now=NOW)
        release(ticket)
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\nb", "ü", "a\0", "\x7f", "\ud800"])
def test_keys_out_of_bounds_are_refused(key) -> None:
    """REQ OF-06: 1 to 255 printable ASCII characters, else a field error that names the header."""
    with pytest.raises(Invalid) as caught:
        _begin(key=key)
    assert [error.field for error in caught.value.errors] == ["Idempotency-Key"]


@pytest.mark.django_db
def test_statements(django_assert_num_queries) -> None:
    """One statement for a new key, two to learn of an old one, one for each further step."""
    with django_assert_num_queries(1):
        ticket = _begin()
    with django_assert_num_queries(1):
        attach(ticket, uuid.uuid4())
    with django_assert_num_queries(1):
        finish(ticket, status=201, body={}, now=NOW)
    with django_assert_num_queries(2):
        _begin()


@pytest.mark.django_db
def test_after_thirty_days_a_key_is_new() -> None:
    """REQ OF-06: forgotten to the second, whether or not it was purged; with another body as well."""
    attached = _begin()
    attach(attached, uuid.uuid4())
    finish(attached, status=201, body={"old": 1}, now=NOW)
    late = NOW + timedelta(days=30)
    assert _begin(now=late - SECOND).replay is not None
    fresh = _begin(now=late, fingerprint="e" * 64)
    assert (fresh.replay, fresh.subject_id) == (None, None)
    record = IdempotencyRecord.objects.get()
    assert (record.fingerprint, record.created_at, record.status) == ("e" * 64, late, None)


@pytest.mark.django_db
def test_purge_deletes_the_old_in_batches() -> None:
    """REQ OF-06: beat calls it until nothing is left."""
    for number in range(5):
        _begin(key=f"old-{number}")
    _begin(key="young", now=NOW + SECOND)
    late = NOW + timedelta(days=30)
    assert [purge(now=late, limit=3) for _ in range(3)] == [3, 2, 0]
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["young"]


@pytest.mark.django_db
def test_beat_leaves_no_old_key_however_many_there_are() -> None:
    """REQ OF-06: more keys in an hour than one batch takes do not pile up."""
    begun, over = clock.now() - timedelta(days=31), clock.now() - timedelta(days=1)
    IdempotencyRecord.objects.bulk_create(
        IdempotencyRecord(
            user_id=USER, operation="offers.purchase", key=f"old-{number}", fingerprint="f" * 64,
            attempt=1, created_at=begun, expires_at=over,
        )
        for number in range(5_001)
    )  # fmt: skip
    _begin(key="young", now=clock.now())
    assert purge_idempotency_keys() == 5_001
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["young"]


def test_fingerprints_are_of_values() -> None:
    """The order of names does not count; everything else does."""
    one = fingerprint_of({"offer": uuid.UUID(int=1), "quantity": 1})
    assert one == fingerprint_of({"quantity": 1, "offer": uuid.UUID(int=1)})
    assert len(one) == 64
    others = [{"quantity": "1"}, {"quantity": 1.0}, {"quantity": 2}, {"Quantity": 1}, {"quantity": "\ud800"}]
    assert len({fingerprint_of(body) for body in others} | {fingerprint_of({"quantity": 1})}) == 6


CONTENDERS = 24


def _race(enter) -> list[str]:
    start = threading.Barrier(CONTENDERS)

    def contend(_: int) -> str:
        try:
            start.wait(10)
            return enter()
        finally:
            connection.close()

    with ThreadPoolExecutor(CONTENDERS) as pool:
        return sorted(pool.map(contend, range(CONTENDERS)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["new", "abandoned", "released"])
def test_of_many_at_once_one_works(state) -> None:
    """REQ OF-06, OF-13: double clicks and tabs in one instant: one works, the others are `in_progress`."""
    if state != "new":
        first = _begin(now=NOW - 60 * SECOND)
        if state == "released":
            release(first)

    def enter() -> str:
        try:
            _begin()
        except InProgress:
            return "in_progress"
        return "worked"

    assert _race(enter) == ["in_progress"] * (CONTENDERS - 1) + ["worked"]
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_reading_first_lets_several_work() -> None:
    """Control: the same contenders with look-then-write, without the single statement, overlap."""
    looked = threading.Barrier(CONTENDERS)

    def enter() -> str:
        free = not IdempotencyRecord.objects.filter(user_id=USER, key="k", status__isnull=True).exists()
        looked.wait(10)
        if not free:
            return "in_progress"
        IdempotencyRecord.objects.bulk_create(
            [
                IdempotencyRecord(
                    user_id=USER, operation="o", key="k", fingerprint="", created_at=NOW, expires_at=NOW
                )
            ],
            ignore_conflicts=True,
        )
        return "worked"

    assert _race(enter).count("worked") > 1
