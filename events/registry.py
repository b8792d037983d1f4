"""What this room must ask of rooms above it; they register in ``apps.py ready()``."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from common.types import Actor

# A check refuses to let a person walk in who has another way to a seat: it raises a ``Failure``. Given the session's
# id, the person's and the time, with the session locked.
WalkInCheck = Callable[[UUID, UUID, datetime], None]
# A check answers why the event's currency cannot change any more, or an empty string.
CurrencyLock = Callable[[UUID], str]
# A follower is told in the transaction that an event's currency changed: its id, who changed it, and the time.
CurrencyFollower = Callable[[UUID, Actor, datetime], None]
# A follower is told in the transaction that an event changed: its id, and the time.
EventFollower = Callable[[UUID, datetime], None]

_walk_in_checks: list[WalkInCheck] = []
_currency_locks: list[CurrencyLock] = []
_currency_followers: list[CurrencyFollower] = []
_followers: list[EventFollower] = []


def register_event_follower(follower: EventFollower) -> None:
    """Let a room that keeps an event's visibility or time zone in memory learn of their changes."""
    if follower not in _followers:
        _followers.append(follower)


def tell_followers(event_id: UUID, now: datetime) -> None:
    """Say that an event's visibility or time zone changed in this transaction. Call it last."""
    for follower in _followers:
        follower(event_id, now)


def register_currency_lock(check: CurrencyLock) -> None:
    """Let a room say that amounts in the event's currency exist (sold tickets, orders)."""
    if check not in _currency_locks:
        _currency_locks.append(check)


def currency_locked_by(event_id: UUID) -> str:
    """Return the first reason why the currency stays as it is; empty when it may change."""
    return next((reason for check in _currency_locks if (reason := check(event_id))), "")


def register_currency_follower(follower: CurrencyFollower) -> None:
    """Let a room whose rows are in the event's currency, without an amount yet, put them into the new one."""
    if follower not in _currency_followers:
        _currency_followers.append(follower)


def follow_currency(event_id: UUID, actor: Actor, now: datetime) -> None:
    """Say that a locked event's currency changed in this transaction. Call it when the event is saved."""
    for follower in _currency_followers:
        follower(event_id, actor, now)


def register_walk_in_check(check: WalkInCheck) -> None:
    """Let a room that holds seats for people say so."""
    if check not in _walk_in_checks:
        _walk_in_checks.append(check)


def check_walk_in(session_id: UUID, user_id: UUID, now: datetime) -> None:
    """Raise what the first check raises. Call with the session locked, so that it stays true."""
    for check in _walk_in_checks:
        check(session_id, user_id, now)
