"""The audit history: who did what to which object, and why. Append-only, held by triggers in PostgreSQL."""

from common.audit.services import (
    Changes,
    changes_between,
    entry_of,
    history_of,
    record,
    record_changes,
    record_many,
    save_changes,
    snapshot,
)

__all__ = [
    "Changes",
    "changes_between",
    "entry_of",
    "history_of",
    "record",
    "record_changes",
    "record_many",
    "save_changes",
    "snapshot",
]
