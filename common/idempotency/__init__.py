"""The same key, the same answer: duplicates of a call are recognised in PostgreSQL."""

from common.idempotency.errors import IdempotencyMismatch, InProgress
from common.idempotency.services import (
    ATTACH,
    KEPT,
    StoredAnswer,
    Ticket,
    attach,
    attachment,
    begin,
    check_key,
    fingerprint_of,
    finish,
    purge,
    release,
)

__all__ = [
    "ATTACH",
    "KEPT",
    "IdempotencyMismatch",
    "InProgress",
    "StoredAnswer",
    "Ticket",
    "attach",
    "attachment",
    "begin",
    "check_key",
    "fingerprint_of",
    "finish",
    "purge",
    "release",
]
