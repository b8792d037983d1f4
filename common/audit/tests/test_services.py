"""The audit history (REQ EV-04)."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from common.audit import changes_between, history_of, record, snapshot
from common.audit.models import AuditEntry
from common.idempotency.models import IdempotencyRecord
from common.logging import MASK
from common.requests import tracing
from common.types import SYSTEM, Actor

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ORGANIZATION = uuid.UUID(int=7)
ANN = Actor(user_id=uuid.UUID(int=1), label="ann@demo.test")


def _subject(**fields):
    # Any row with a UUID will do; rooms above have the interesting ones.
    return IdempotencyRecord(pk=uuid.UUID(int=5), key="k", user_id=uuid.UUID(int=1), created_at=NOW, **fields)


@pytest.mark.django_db
def test_an_entry_says_who_what_when_and_why(django_assert_num_queries) -> None:
    """REQ EV-04: one statement, with the request's id."""
    subject = _subject()
    with tracing("request-1"), django_assert_num_queries(1):
        record(
            actor=ANN,
            action="offers.edit",
            subject=subject,
            organization_id=ORGANIZATION,
            reason="typo",
            changes={"price": [Decimal("1.50"), Decimal("2.00")], "starts_at": [None, NOW]},
            now=NOW,
        )
    entry = history_of(subject).get()
    assert (entry.at, entry.actor_id, entry.actor_label) == (NOW, ANN.user_id, "ann@demo.test")
    assert (entry.action, entry.reason, entry.request_id) == ("offers.edit", "typo", "request-1")
    assert (entry.subject_type, entry.subject_id) == ("common.idempotencyrecord", str(subject.pk))
    assert entry.organization_id == ORGANIZATION
    assert entry.changes == {"price": ["1.50", "2.00"], "starts_at": [None, "2026-05-01T12:00:00Z"]}


@pytest.mark.django_db
def test_the_system_acts_under_its_name() -> None:
    """REQ EV-04: what nobody clicked is told as such."""
    record(actor=SYSTEM, action="a.b", subject=_subject(), organization_id=None, now=NOW)
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.actor_label, entry.changes, entry.request_id) == (None, "system", {}, "")


@pytest.mark.django_db
def test_secrets_among_the_changes_are_masked() -> None:
    """REQ EV-04: the history outlives every secret."""
    changes = {"password": ["old-hash", "new-hash"], "note": ["", "key sk_live_abcdef"]}
    record(actor=ANN, action="a.b", subject=_subject(), organization_id=None, changes=changes, now=NOW)
    assert AuditEntry.objects.get().changes == {"password": [MASK, MASK], "note": ["", f"key {MASK}"]}


@pytest.mark.django_db
def test_history_is_of_one_object_and_newest_first() -> None:
    """REQ EV-04: other objects' entries stay out."""
    subject = _subject()
    for action in ("a.first", "a.second"):
        record(actor=ANN, action=action, subject=subject, organization_id=None, now=NOW)
    other = IdempotencyRecord(pk=uuid.UUID(int=6), created_at=NOW)
    record(actor=ANN, action="a.other", subject=other, organization_id=None, now=NOW)
    assert [entry.action for entry in history_of(subject)] == ["a.second", "a.first"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE common_auditentry SET reason = 'x'",
        "DELETE FROM common_auditentry",
        "TRUNCATE common_auditentry",
    ],
)
def test_entries_cannot_be_changed_or_deleted(statement) -> None:
    """REQ EV-04: append-only, held by the database whatever the code does."""
    record(actor=ANN, action="a.b", subject=_subject(), organization_id=None, reason="r", now=NOW)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert [entry.reason for entry in AuditEntry.objects.all()] == ["r"]


@pytest.mark.django_db
def test_an_entry_falls_with_its_act() -> None:
    """REQ EV-04: what was rolled back is not told as done."""
    with transaction.atomic():
        record(actor=ANN, action="a.b", subject=_subject(), organization_id=None, now=NOW)
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


def test_changes_are_what_differs() -> None:
    """REQ EV-04: before and after, from objects or plain dicts."""
    subject = _subject(operation="a")
    before = snapshot(subject)
    subject.operation = "b"
    assert changes_between(before, subject) == {"operation": ["a", "b"]}
    assert changes_between({"x": 1, "gone": 2}, {"x": 1, "new": None, "more": 3}) == {
        "gone": [2, None],
        "more": [None, 3],
    }
