"""Queueing e-mail: a row with frozen words, and a job, for each, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from common.outbox import NewJob, enqueue_many
from common.outbox.ids import new_id
from notifications import addresses, templates
from notifications.kinds import Channel
from notifications.models import EmailStatus
from notifications.services import files, unsubscribing, unwanted
from notifications.services.metrics import count_suppressed
from notifications.services.rendering import Rendered, render
from notifications.services.suppression import HELD_BACK

URGENT_KIND = "notifications.send_email"
BULK_KIND = "notifications.send_bulk_email"

# One row a message; those whose key was used before are left out, those whose box is on the list are held back.
_INSERT = """
INSERT INTO notifications_emailmessage (id, organization_id, user_id, template, "to", recipient_key, subject,
    text_body, html_body, unsubscribe_url, is_urgent, status, dedupe_key, about_type, about_id, provider_message_id,
    last_error, created_at)
SELECT given.id, given.organization_id, given.user_id, given.template, given.recipient, given.recipient_key,
    given.subject, given.text_body, given.html_body, given.unsubscribe_url, given.is_urgent,
    CASE WHEN held.id IS NULL THEN given.status ELSE %(held_back)s END, given.dedupe_key, given.about_type,
    given.about_id, '', CASE WHEN held.id IS NULL THEN given.last_error ELSE %(why)s END, %(now)s
FROM unnest(%(ids)s::uuid[], %(organizations)s::uuid[], %(users)s::uuid[], %(templates)s::text[],
    %(recipients)s::text[], %(keys)s::text[], %(subjects)s::text[], %(texts)s::text[], %(htmls)s::text[],
    %(links)s::text[], %(urgents)s::boolean[], %(dedupe_keys)s::text[], %(about_types)s::text[], %(abouts)s::uuid[],
    %(statuses)s::text[], %(last_errors)s::text[])
    AS given (id, organization_id, user_id, template, recipient, recipient_key, subject, text_body, html_body,
        unsubscribe_url, is_urgent, dedupe_key, about_type, about_id, status, last_error)
LEFT JOIN notifications_emailsuppression held
    ON held.recipient_key = given.recipient_key AND held.lifted_at IS NULL
ON CONFLICT (dedupe_key) DO NOTHING
RETURNING id, status
"""
_HELD_BACK = {"held_back": EmailStatus.SUPPRESSED.value, "why": HELD_BACK}


@dataclass(frozen=True, slots=True)
class NewEmail:
    """One e-mail to queue.

    A ``dedupe_key`` (200 characters at most) that was used before gives nothing new. ``urgent`` none: as the
    template was registered. ``subject_ref`` is what it is about, for timelines: ``("order", its id)``.
    ``file_ids``: what goes along, in this order, as ``files.keep_files`` returned it.
    """

    template: str
    to: str
    context: Mapping[str, Any]
    dedupe_key: str
    urgent: bool | None = None
    user_id: UUID | None = None
    organization_id: UUID | None = None
    subject_ref: tuple[str, UUID] | None = None
    file_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ready:
    """An e-mail with its words rendered and its address checked."""

    id: UUID
    email: NewEmail
    recipient: str
    words: Rendered
    is_urgent: bool
    # Whose choice it is whether it comes; None: it always does.
    choice: unwanted.Choice | None
    unsubscribe_url: str


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
    file_ids: tuple[UUID, ...] = (),
) -> UUID:
    """Queue one e-mail in the caller's transaction and return its id; it goes out after the commit.

    The words are rendered now and kept. With a ``dedupe_key`` that was used before the id is that e-mail's, and
    nothing new is sent; see ``NewEmail``. What its person does without,
    and what is for a box that is not written to any more, is kept as suppressed, and not sent.

    Raises, before anything is written: ``UnknownTemplate``, ``MissingVariables``, ``UnknownVariables``,
    ``BrokenTemplate``, ``NobodyNamed`` (all ``TemplateFailure``), ``InvalidRecipient``, and ``FileRefused`` for
    files that weigh more than ``MAXIMUM_ATTACHED`` together.
    """
    email = NewEmail(
        template, to, context, dedupe_key, urgent, user_id, organization_id, subject_ref, file_ids
    )
    new = _queue([_ready(email)], now=now)
    return new[0] if new else _id_of(dedupe_key)


def queue_emails(emails: Sequence[NewEmail], *, now: datetime) -> int:
    """Queue many, and return how many are new. Raises as ``queue_email`` does, for the first.

    Two statements; one more where people may do without some of them.
    """
    return len(_queue([_ready(email) for email in emails], now=now)) if emails else 0


def sending_job(email_id: UUID, recipient: str, *, is_urgent: bool, organization_id: UUID | None) -> NewJob:
    """Return the job that sends the e-mail; while one is pending or running a second is not written."""
    return NewJob(
        URGENT_KIND if is_urgent else BULK_KIND,
        {"email_id": str(email_id), "recipient": addresses.recipient_key(recipient)},
        dedupe_key=job_key(email_id),
        organization_id=organization_id,
    )


def job_key(email_id: UUID | str) -> str:
    """Return the dedupe key of the job that sends this e-mail."""
    return f"email:{email_id}"


def _ready(email: NewEmail) -> _Ready:
    known = templates.registry.get(email.template)
    recipient = addresses.checked(email.to)
    is_urgent = known.urgent if email.urgent is None else email.urgent
    choice = unwanted.choice_to_offer(email.template, email.user_id)
    if choice is None:
        return _Ready(new_id(), email, recipient, render(known, email.context), is_urgent, None, "")
    user_id, kind = choice
    link = unsubscribing.link_for(user_id, kind, Channel.EMAIL)
    words = render(known, email.context, kind_title=kind.title, unsubscribe_url=link)
    return _Ready(new_id(), email, recipient, words, is_urgent, choice, link)


def _queue(ready: Sequence[_Ready], *, now: datetime) -> list[UUID]:
    """Write the messages, what goes along, and their jobs; return the ids of those that are new."""
    files.refuse_too_heavy({one.email.file_ids for one in ready})
    with transaction.atomic(savepoint=False):
        refused = unwanted.unwanted_of([one.choice for one in ready])
        reasons = ["" if one.choice is None else refused.get(one.choice, "") for one in ready]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, _columns(ready, reasons) | _HELD_BACK | {"now": now})
            new = dict(cursor.fetchall())
        files.attach({one.id: one.email.file_ids for one in ready if one.id in new})
        jobs = [
            sending_job(
                one.id, one.recipient, is_urgent=one.is_urgent, organization_id=one.email.organization_id
            )
            for one in ready
            if new.get(one.id) == EmailStatus.QUEUED
        ]
        if jobs:
            enqueue_many(jobs, now=now)
    count_suppressed(sum(status == EmailStatus.SUPPRESSED for status in new.values()))
    return [one.id for one in ready if one.id in new]


def _columns(ready: Sequence[_Ready], reasons: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values by column; ``reasons``: why one is not to be sent, or empty."""
    about = [one.email.subject_ref or ("", None) for one in ready]
    return {
        "ids": [one.id for one in ready],
        "organizations": [one.email.organization_id for one in ready],
        "users": [one.email.user_id for one in ready],
        "templates": [one.email.template for one in ready],
        "recipients": [one.recipient for one in ready],
        "keys": [addresses.recipient_key(one.recipient) for one in ready],
        "subjects": [one.words.subject for one in ready],
        "texts": [one.words.text for one in ready],
        "htmls": [one.words.html for one in ready],
        "links": [one.unsubscribe_url for one in ready],
        "urgents": [one.is_urgent for one in ready],
        "dedupe_keys": [one.email.dedupe_key for one in ready],
        "about_types": [kind for kind, _ in about],
        "abouts": [about_id for _, about_id in about],
        "statuses": [(EmailStatus.SUPPRESSED if reason else EmailStatus.QUEUED).value for reason in reasons],
        "last_errors": list(reasons),
    }


def _id_of(dedupe_key: str) -> UUID:
    # A rival's row, which the insert waited for: committed, so this statement sees it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM notifications_emailmessage WHERE dedupe_key = %s", [dedupe_key])
        found: UUID = cursor.fetchone()[0]
    return found
