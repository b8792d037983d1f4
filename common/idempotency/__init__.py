"""The same key, the same answer: duplicates of a call are recognised in PostgreSQL."""

from common.idempotency.errors import IdempotencyMismatch, InProgress
from common.idempotency.services import (
    ATTACH,
    StoredAnswer,
    Ticket,
    attach,
    attachment,
    begin,
    fingerprint_of,
    finish,
    purge,
    release,
)

__all__ = [
    "ATTACH",
    "IdempotencyMismatch",
    "InProgress",
    "StoredAnswer",
    "Ticket",
    "attach",
    "attachment",
    "begin",
    "fingerprint_of",
    "finish",
    "purge",
    "release",
]
