"""The same key, the same answer: duplicates of a call are recognised in PostgreSQL."""

from common.idempotency.errors import IdempotencyMismatch, InProgress
from common.idempotency.services import (
    StoredAnswer,
    Ticket,
    attach,
    begin,
    fingerprint_of,
    finish,
    purge,
    release,
)

__all__ = [
    "IdempotencyMismatch",
    "InProgress",
    "StoredAnswer",
    "Ticket",
    "attach",
    "begin",
    "fingerprint_of",
    "finish",
    "purge",
    "release",
]
