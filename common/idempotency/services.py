"""Begin, attach, finish, release: the life of a call that may be repeated.

The row, not a lock, is what contenders meet: one statement takes it when it is new, given up, or abandoned,
and its row count is the verdict.
"""

import hashlib
import json
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import QuerySet

from common.errors import Invalid
from common.idempotency.errors import IdempotencyMismatch, InProgress
from common.idempotency.models import IdempotencyRecord

# Longer than any answer takes (Stripe's whole call: 15 s); after it a killed process's work is resumed.
LEASE = timedelta(seconds=60)
KEPT = timedelta(days=30)

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)

# Takes the row when it is new, expired, given up or abandoned; anything else returns no row. An expired one
# begins anew: its answer, body and subject are forgotten.
_TAKE = """
INSERT INTO common_idempotencyrecord AS r
    (id, user_id, operation, key, fingerprint, attempt, lease_until, created_at, expires_at)
VALUES (%(id)s, %(user)s, %(operation)s, %(key)s, %(fingerprint)s, 1, %(lease)s, %(now)s, %(expires)s)
ON CONFLICT (user_id, operation, key) DO UPDATE SET
    attempt = r.attempt + 1,
    lease_until = excluded.lease_until,
    fingerprint = excluded.fingerprint,
    subject_id = CASE WHEN r.expires_at <= %(now)s THEN NULL ELSE r.subject_id END,
    status = NULL,
    body = NULL,
    created_at = CASE WHEN r.expires_at <= %(now)s THEN excluded.created_at ELSE r.created_at END,
    expires_at = excluded.expires_at
WHERE r.expires_at <= %(now)s
   OR (r.fingerprint = excluded.fingerprint AND r.status IS NULL
       AND (r.lease_until IS NULL OR r.lease_until <= %(now)s))
RETURNING r.id, r.attempt, r.subject_id
"""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A final answer, as it was given the first time."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to work on a call, or the answer it already has.

    ``subject_id`` is what an earlier attempt had begun (a purchase), to be resumed instead of begun again.
    Without a key all is None: nothing is remembered.
    """

    record_id: UUID | None
    replay: StoredAnswer | None
    subject_id: UUID | None
    attempt: int = 0


def fingerprint_of(request: Mapping[str, Any]) -> str:
    """Return the hash that tells two bodies apart.

    It is of the parsed values, so spacing and the order of names do not count.
    """
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)
    return hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()


def check_key(key: str, field: str) -> None:
    """Raise ``Invalid``, naming the field that the caller gave the key in, unless it is 1 to 255 printable ASCII
    characters."""
    if _KEY.fullmatch(key) is None or not key.strip():
        raise Invalid.field(field, "invalid_key", "Give 1 to 255 printable ASCII characters.")


def begin(*, user_id: UUID, operation: str, key: str | None, fingerprint: str, now: datetime) -> Ticket:
    """Take a call's key, or learn what became of it.

    Outside of a transaction, so that duplicates see it at once. A final answer is replayed. Raises
    ``IdempotencyMismatch`` for another body under the same key, ``InProgress`` while the first call is at
    work (its lease: 60 s), ``Invalid`` for a key that is not 1 to 255 printable ASCII characters. One
    statement for a new key.
    """
    if key is None:
        return Ticket(None, None, None)
    check_key(key, HEADER)
    taken = _take(user_id, operation, key, fingerprint, now)
    while taken is None:
        record = IdempotencyRecord.objects.filter(user_id=user_id, operation=operation, key=key).first()
        if record is not None and not _is_free(record, fingerprint, now):
            return _answered(record, fingerprint, now)
        # It was purged or given up between the two statements.
        taken = _take(user_id, operation, key, fingerprint, now)
    return taken


def attach(ticket: Ticket, subject_id: UUID) -> None:
    """Remember what the call began, in the transaction that creates it.

    Raises ``InProgress``, and so undoes that transaction, when another call has taken the key over meanwhile.
    """
    if ticket.record_id is None:
        return
    if not _mine(ticket.record_id, ticket).update(subject_id=subject_id):
        raise InProgress(retry_after=1)


# The same for a service that writes by one statement: no row says that another call has the key now.
ATTACH = """
UPDATE common_idempotencyrecord SET subject_id = %(key_subject_id)s
WHERE id = %(key_id)s AND attempt = %(key_attempt)s AND status IS NULL
"""


def attachment(ticket: Ticket, subject_id: UUID) -> dict[str, UUID | int | None]:
    """Return the parameters of ``ATTACH``; without a key ``key_id`` is None and no row answers."""
    return {"key_id": ticket.record_id, "key_attempt": ticket.attempt, "key_subject_id": subject_id}


def finish(
    ticket: Ticket, *, status: int, body: dict[str, Any], now: datetime, kept: timedelta = KEPT
) -> bool:
    """Keep a final answer, for 30 days unless said otherwise.

    Returns False when another call holds the key now, whose answer will stand.
    """
    if ticket.record_id is None:
        return False
    plain = json.loads(json.dumps(body, cls=DjangoJSONEncoder))
    answered = _mine(ticket.record_id, ticket).update(
        status=status, body=plain, lease_until=None, expires_at=now + kept
    )
    return bool(answered)


def release(ticket: Ticket) -> None:
    """Give the key up after a retryable failure: nothing is stored, the next call resumes what was begun."""
    if ticket.record_id is not None:
        _mine(ticket.record_id, ticket).update(lease_until=None)


def purge(*, now: datetime, limit: int = 5000) -> int:
    """Delete up to ``limit`` records past their 30 days; returns how many.

    Call again while it is ``limit``.
    """
    old = IdempotencyRecord.objects.filter(expires_at__lte=now).order_by("expires_at").values("pk")[:limit]
    deleted, _ = IdempotencyRecord.objects.filter(pk__in=old, expires_at__lte=now).delete()
    return deleted


def _take(user_id: UUID, operation: str, key: str, fingerprint: str, now: datetime) -> Ticket | None:
    values: dict[str, UUID | str | datetime] = {
        "id": uuid.uuid4(),
        "user": user_id,
        "operation": operation,
        "key": key,
        "fingerprint": fingerprint,
        "lease": now + LEASE,
        "now": now,
        "expires": now + KEPT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
    return None if row is None else Ticket(record_id=row[0], replay=None, subject_id=row[2], attempt=row[1])


def _is_free(record: IdempotencyRecord, fingerprint: str, now: datetime) -> bool:
    if record.expires_at <= now:
        return True
    over = record.lease_until is None or record.lease_until <= now
    return record.fingerprint == fingerprint and record.status is None and over


def _answered(record: IdempotencyRecord, fingerprint: str, now: datetime) -> Ticket:
    if record.fingerprint != fingerprint:
        raise IdempotencyMismatch
    if record.status is None or record.body is None:
        _refuse_in_progress(record, now)
    return Ticket(record.pk, StoredAnswer(record.status, record.body), record.subject_id, record.attempt)


def _refuse_in_progress(record: IdempotencyRecord, now: datetime) -> NoReturn:
    left = (record.lease_until - now).total_seconds() if record.lease_until else 0
    raise InProgress(retry_after=max(1, min(2, math.ceil(left))))


def _mine(record_id: UUID, ticket: Ticket) -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(pk=record_id, attempt=ticket.attempt, status__isnull=True)
