"""What this room must ask of rooms above it; they register in ``apps.py ready()``."""

from collections.abc import Callable
from uuid import UUID

# A check answers why the event's currency cannot change any more, or an empty string.
CurrencyLock = Callable[[UUID], str]

_currency_locks: list[CurrencyLock] = []


def register_currency_lock(check: CurrencyLock) -> None:
    """Let a room say that amounts in the event's currency exist (sold tickets, orders)."""
    if check not in _currency_locks:
        _currency_locks.append(check)


def currency_locked_by(event_id: UUID) -> str:
    """Return the first reason why the currency stays as it is; empty when it may change."""
    return next((reason for check in _currency_locks if (reason := check(event_id))), "")
