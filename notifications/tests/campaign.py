"""A campaign of thousands of e-mails that are due at once, and the proof of what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from common.outbox import Lane
from common.outbox.queue import encode
from common.outbox.registry import registry
from notifications import addresses
from notifications.models import EmailMessage
from notifications.services.email import BULK_KIND, URGENT_KIND, sending_job

# Written as the product writes them, by two statements however many they are. Those to the busy box come first.
_MESSAGES = """
INSERT INTO notifications_emailmessage (id, organization_id, template, "to", recipient_key, subject, text_body,
    html_body, is_urgent, status, dedupe_key, about_type, provider_message_id, last_error, created_at)
SELECT gen_random_uuid(), (%(organizations)s::uuid[])[1 + n %% 3], 'campaign', given.address,
    left(encode(sha256(given.address::bytea), 'hex'), 32), 'News ' || n, 'Words ' || n, '', %(urgent)s, 'queued',
    %(batch)s || ':' || n, '', '', '',
    %(now)s - CASE WHEN n <= %(busy)s THEN interval '1 ms' ELSE interval '0' END
FROM generate_series(1, %(number)s) n,
    LATERAL (SELECT CASE WHEN n <= %(busy)s THEN 'busy@example.com'
                         ELSE 'p' || n || '@example.com' END) given (address)
"""
_JOBS = """
INSERT INTO common_job (id, kind, lane, pool, payload, status, run_at, attempts, max_attempts, claim, alone, again,
    errors, error_group, note, trace_id, created_at, dedupe_key, organization_id)
SELECT gen_random_uuid(), %(kind)s, %(lane)s, %(pool)s,
    jsonb_build_object('email_id', id, 'recipient', recipient_key), 'pending', created_at, 0, %(attempts)s, 0, false,
    false, '[]', '', '', '', created_at, 'email:' || id, organization_id
FROM notifications_emailmessage WHERE dedupe_key LIKE %(batch)s || ':%%'
"""
# Every window of a minute, [t, t + 60 s), that ends with an attempt.
_MOST = """
SELECT max(everybody), max(one) FROM (
    SELECT count(*) OVER (ORDER BY started_at RANGE BETWEEN '59.999999 s' PRECEDING AND CURRENT ROW) AS everybody,
        count(*) OVER (PARTITION BY recipient_key ORDER BY started_at
            RANGE BETWEEN '59.999999 s' PRECEDING AND CURRENT ROW) AS one
    FROM notifications_emailattempt
) windows
"""
_OPEN_WITHOUT_A_JOB = """
SELECT count(*) FROM notifications_emailmessage m WHERE status = 'queued' AND NOT EXISTS (
    SELECT FROM common_job j WHERE j.dedupe_key = 'email:' || m.id AND j.status IN ('pending', 'running'))
"""


def fill(number: int, *, now: datetime, urgent: bool = False, busy: int = 0) -> None:
    """Let so many e-mails of three organizations be due now, ``busy`` of them to one box."""
    kind = registry.get(URGENT_KIND if urgent else BULK_KIND)
    batch, organizations = uuid4().hex, [UUID(int=one) for one in (1, 2, 3)]
    given = {
        "organizations": organizations,
        "urgent": urgent,
        "batch": batch,
        "now": now,
        "number": number,
        "busy": busy,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MESSAGES, given)
        terms = {"kind": kind.name, "lane": kind.lane.value, "pool": kind.pool, "attempts": kind.max_attempts}
        cursor.execute(_JOBS, {**terms, "batch": batch})
        if number >= 1000:
            # As autovacuum does of a table that grew so.
            cursor.execute("ANALYZE common_job, notifications_emailmessage")
    _is_as_the_product_writes_it(batch)


def _is_as_the_product_writes_it(batch: str) -> None:
    """Hold the statements above to the product's own words."""
    message = EmailMessage.objects.filter(dedupe_key__startswith=batch).earliest("dedupe_key")
    job = sending_job(
        message.id, message.to, is_urgent=message.is_urgent, organization_id=message.organization_id
    )
    assert message.recipient_key == addresses.recipient_key(message.to)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, lane, pool, payload = %s::jsonb, organization_id FROM common_job WHERE dedupe_key = %s",
            [encode(job.payload), job.dedupe_key],
        )
        kind = registry.get(job.kind)
        assert cursor.fetchone() == (kind.name, kind.lane.value, kind.pool, True, job.organization_id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of them. ``most``: attempts in the fullest minute, of everybody and of one box."""

    sent: int
    waiting: int
    lost: int
    most: tuple[int, int]


def outcome() -> Outcome:
    """Count all e-mails; lost is what is neither sent nor waiting with a job that will send it."""
    total, sent = EmailMessage.objects.count(), EmailMessage.objects.filter(status="sent").count()
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_WITHOUT_A_JOB)
        orphans = int(cursor.fetchone()[0])
        cursor.execute(_MOST)
        everybody, one = cursor.fetchone()
    waiting = EmailMessage.objects.filter(status="queued").count() - orphans
    return Outcome(sent, waiting, total - sent - waiting, (everybody or 0, one or 0))


def repeats(requests: list[tuple[str, dict[str, Any]]]) -> int:
    """Count requests of the provider that repeat an e-mail; one under another key or with other words is an error."""
    known: dict[str, tuple[str, dict[str, Any]]] = {}
    repeated = 0
    for key, body in requests:
        email_id = body["tags"][0]["value"]
        before = known.setdefault(email_id, (key, body))
        assert before == (key, body), "an e-mail went out under two keys, or with other words"
        repeated += before is not None and before[1] is not body
    return repeated


LANES = (Lane.URGENT_MAIL, Lane.BULK)
