"""Writing and reading the audit history."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict, Unpack
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet

from common.audit.models import AuditEntry
from common.logging import masked
from common.requests import current_request_id
from common.types import Actor

Changes = dict[str, list[Any]]


class Told(TypedDict):
    """What an entry tells beside its subject and what changed; ``action`` is ``room.verb`` (``offers.archive``)."""

    actor: Actor
    action: str
    organization_id: UUID | None
    reason: NotRequired[str]
    now: datetime


def record(*, subject: Model, changes: Changes | None = None, **told: Unpack[Told]) -> AuditEntry:
    """Write one entry, in the transaction of the act that it tells of; secrets among the changes are masked.

    ``changes`` is ``{field: [before, after]}`` as ``changes_between`` returns it. One statement.
    """
    entry = entry_of(subject=subject, changes=changes, **told)
    entry.save(force_insert=True)
    return entry


def record_changes(subject: Model, before: Mapping[str, Any], **told: Unpack[Told]) -> Changes:
    """Write one entry of what differs from ``before`` (a ``snapshot``) and return that; nothing differs: no entry."""
    changes = changes_between(before, subject)
    if changes:
        record(subject=subject, changes=changes, **told)
    return changes


def save_changes(subject: Model, before: Mapping[str, Any], **told: Unpack[Told]) -> Changes:
    """Do as ``record_changes``, and save the fields that differ, and no others, with when (``updated_at``)."""
    changes = record_changes(subject, before, **told)
    if changes:
        setattr(subject, "updated_at", told["now"])  # noqa: B010 the models that are saved so have it
        subject.save(update_fields=[*changes, "updated_at"])
    return changes


def record_many(entries: Sequence[AuditEntry]) -> None:
    """Write the entries of a bulk act (made by ``entry_of``), by one statement."""
    AuditEntry.objects.bulk_create(entries)


def entry_of(*, subject: Model, changes: Changes | None = None, **told: Unpack[Told]) -> AuditEntry:
    """Return the entry that ``record`` writes, not yet written."""
    actor = told["actor"]
    return AuditEntry(
        at=told["now"],
        actor_id=actor.user_id,
        actor_label=actor.label[:255],
        action=told["action"],
        subject_type=_type_of(subject),
        subject_id=str(subject.pk),
        subject_label=str(subject)[:255],
        organization_id=told["organization_id"],
        reason=told.get("reason", ""),
        changes=_plain(changes or {}),
        request_id=current_request_id(),
    )


def snapshot(subject: Model) -> dict[str, Any]:
    """Return an object's stored fields by name, to be compared with after it was changed. Loads nothing."""
    deferred = subject.get_deferred_fields()
    return {
        field.attname: getattr(subject, field.attname)
        for field in subject._meta.concrete_fields
        if field.attname not in deferred
    }


def changes_between(before: Model | Mapping[str, Any], after: Model | Mapping[str, Any]) -> Changes:
    """Return ``{field: [before, after]}`` of what differs.

    A field that one side lacks counts as None there.
    """
    old = snapshot(before) if isinstance(before, Model) else before
    new = snapshot(after) if isinstance(after, Model) else after
    names = [*old, *(name for name in new if name not in old)]
    return {name: [old.get(name), new.get(name)] for name in names if old.get(name) != new.get(name)}


def history_of(subject: Model) -> QuerySet[AuditEntry]:
    """Return an object's entries, the newest first."""
    return AuditEntry.objects.filter(subject_type=_type_of(subject), subject_id=str(subject.pk)).order_by(
        "-id"
    )


def _type_of(subject: Model) -> str:
    """Return the name of the table's own model: a proxy shares its history."""
    model = subject._meta.concrete_model or type(subject)
    return model._meta.label_lower


def _plain(changes: Changes) -> Changes:
    """Return the values as JSON holds them (ids, times and decimals as text).

    Each secret masked in its place.
    """
    values: Changes = json.loads(json.dumps(changes, cls=DjangoJSONEncoder))
    return {name: [masked({name: value})[name] for value in pair] for name, pair in values.items()}
