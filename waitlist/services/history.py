"""The audit entries of this room."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model

from common.audit import entry_of, record_many
from common.errors import Invalid
from common.types import Actor
from waitlist.services.queue import Queue

LONGEST_REASON = 200


def check_reason(reason: str) -> None:
    """Raise ``Invalid`` without a reason, or for one over 200 characters."""
    if not reason.strip():
        raise Invalid.field("reason", "required", "Say why.")
    if len(reason) > LONGEST_REASON:
        raise Invalid.field("reason", "max_length", f"Use {LONGEST_REASON} characters at most.")


def note(
    queue: Queue,
    actor: Actor,
    action: str,
    subject: Model,
    *,
    reason: str,
    changes: Mapping[str, list[Any]],
) -> None:
    """Write one entry, in the transaction of the act."""
    note_many(queue, actor, action, [subject], reason=reason, changes=changes)


def note_many(
    queue: Queue,
    actor: Actor,
    action: str,
    subjects: Sequence[Model],
    *,
    reason: str,
    changes: Mapping[str, list[Any]],
) -> None:
    """Write an entry for each, by one statement. Raises ``Invalid`` for a reason over 200 characters."""
    if len(reason) > LONGEST_REASON:
        raise Invalid.field("reason", "max_length", f"Use {LONGEST_REASON} characters at most.")
    if not subjects:
        return
    organization_id = queue.session.event.organization_id
    record_many(
        [
            entry_of(
                actor=actor,
                action=action,
                subject=subject,
                organization_id=organization_id,
                reason=reason,
                changes=dict(changes),
                now=queue.now,
            )
            for subject in subjects
        ]
    )
