"""Queueing e-mail: one row with frozen words, and one job, in the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from common.outbox import NewJob, enqueue_many
from common.outbox.ids import new_id
from notifications import addresses, templates
from notifications.models import EmailStatus
from notifications.services.rendering import Rendered, render

URGENT_KIND = "notifications.send_email"
BULK_KIND = "notifications.send_bulk_email"

_INSERT = """
INSERT INTO notifications_emailmessage (id, organization_id, user_id, template, "to", recipient_key, subject,
    text_body, html_body, is_urgent, status, dedupe_key, about_type, about_id, provider_message_id, last_error,
    created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '', %s)
ON CONFLICT (dedupe_key) DO NOTHING
RETURNING id
"""


def queue_email(
    *,
    template: str,
    to: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    now: datetime,
    urgent: bool | None = None,
    user_id: UUID | None = None,
    organization_id: UUID | None = None,
    subject_ref: tuple[str, UUID] | None = None,
) -> UUID:
    """Queue one e-mail in the caller's transaction and return its id; it goes out after the commit.

    The words are rendered now and kept. A ``dedupe_key`` (200 characters at most) that was used before gives the
    id of that e-mail, and nothing new is sent. ``urgent`` none: as the template was registered. ``subject_ref``
    is what it is about, for timelines: ``("order", its id)``.

    Raises, before anything is written: ``UnknownTemplate``, ``MissingVariables``, ``UnknownVariables``,
    ``BrokenTemplate`` (all ``TemplateFailure``) and ``InvalidRecipient``.
    """
    known = templates.registry.get(template)
    recipient = addresses.checked(to)
    words = render(known, context)
    is_urgent = known.urgent if urgent is None else urgent
    about_type, about_id = subject_ref or ("", None)
    email_id = new_id()
    row: list[Any] = [
        *(email_id, organization_id, user_id, template, recipient, addresses.recipient_key(recipient)),
        *(*_columns(words), is_urgent, EmailStatus.QUEUED.value, dedupe_key, about_type, about_id, now),
    ]
    with transaction.atomic(savepoint=False):
        if not _insert(row):
            return _id_of(dedupe_key)
        job = sending_job(email_id, recipient, is_urgent=is_urgent, organization_id=organization_id)
        enqueue_many([job], now=now)
    return email_id


def sending_job(email_id: UUID, recipient: str, *, is_urgent: bool, organization_id: UUID | None) -> NewJob:
    """Return the job that sends the e-mail; while one is pending or running a second is not written."""
    return NewJob(
        URGENT_KIND if is_urgent else BULK_KIND,
        {"email_id": str(email_id), "recipient": addresses.recipient_key(recipient)},
        dedupe_key=job_key(email_id),
        organization_id=organization_id,
    )


def job_key(email_id: UUID) -> str:
    """Return the dedupe key of the job that sends this e-mail."""
    return f"email:{email_id}"


def _columns(words: Rendered) -> tuple[str, str, str]:
    return words.subject, words.text, words.html


def _insert(row: list[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row)
        return cursor.fetchone() is not None


def _id_of(dedupe_key: str) -> UUID:
    # A rival's row, which the insert waited for: committed, so this statement sees it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM notifications_emailmessage WHERE dedupe_key = %s", [dedupe_key])
        found: UUID = cursor.fetchone()[0]
    return found
