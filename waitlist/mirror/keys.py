"""The names of the keys. Those under ``waitlist:session:`` are a contract with other services."""

import re
import secrets
from collections.abc import Callable
from uuid import UUID

from tickets.models import Priority

TIERS = tuple(priority.value for priority in Priority)
RANKS = range(len(TIERS))

PATTERN = "waitlist:*"
_OF_SESSION = re.compile(rb"waitlist:(?:session|mirror):([0-9a-f-]{36}):")


def public(session_id: UUID, part: str) -> str:
    """Return a key that other services read: of a tier, or ``version``."""
    return f"waitlist:session:{session_id}:{part}"


def own(session_id: UUID, part: str) -> str:
    """Return a key of ours: of a tier, ``version``, or ``parked``."""
    return f"waitlist:mirror:{session_id}:{part}"


def to_read(session_id: UUID) -> list[str]:
    """Return the keys from which positions are read: the version and the tiers, the first rank first."""
    return _family(own, session_id)


def to_show(session_id: UUID) -> list[str]:
    """Return the keys that other services read, in the same order."""
    return _family(public, session_id)


def all_of(session_id: UUID) -> list[str]:
    """Return every key of a session in the order that the scripts know: ours, the public ones, parked changes."""
    return [*to_read(session_id), *to_show(session_id), own(session_id, "parked")]


def building() -> list[str]:
    """Return new keys to build a mirror in, for both copies: nobody else's, and gone by themselves."""
    token = secrets.token_hex(8)
    return [f"waitlist:building:{token}:{copy}:{tier}" for copy in ("mirror", "session") for tier in TIERS]


def session_of(key: bytes) -> UUID | None:
    """Return whose key it is; None for one that is no session's."""
    found = _OF_SESSION.match(key)
    try:
        return UUID(found[1].decode()) if found else None
    except ValueError:
        return None


def _family(name: Callable[[UUID, str], str], session_id: UUID) -> list[str]:
    return [name(session_id, part) for part in ("version", *TIERS)]
