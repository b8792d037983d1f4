"""What clients may ask for over the socket (REQUIREMENTS RT-03): the same service and rules as REST."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import User
from accounts.services.access import actor_of
from common.errors import Invalid
from common.idempotency import check_key
from waitlist.services.once import join_once

# A client that got no acknowledgement asks again within this time.
REPEATED_WITHIN = timedelta(seconds=60)
_KNOWN = frozenset({"session_id", "quantity", "idempotency_key"})


def join_waitlist(user: User, said: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """Join ``{session_id, quantity?, idempotency_key?}`` and answer the place as REST does."""
    for name in said.keys() - _KNOWN:
        raise Invalid.field(str(name)[:100], "unknown_field", "There is no such field.")
    place = join_once(
        actor=actor_of(user),
        session_id=_session_id(said),
        quantity=_quantity(said),
        key=_key(said),
        now=now,
        kept=REPEATED_WITHIN,
    )
    return place.as_json()


def _session_id(said: Mapping[str, Any]) -> UUID:
    given = said.get("session_id")
    try:
        return UUID(given if isinstance(given, str) else "")
    except ValueError as error:
        raise Invalid.field("session_id", "not_an_id", "Give the session's id.") from error


def _quantity(said: Mapping[str, Any]) -> int:
    given = said.get("quantity", 1)
    if isinstance(given, bool) or not isinstance(given, int):
        raise Invalid.field("quantity", "wrong_type", "Give a whole number.")
    return given


def _key(said: Mapping[str, Any]) -> str | None:
    given = said.get("idempotency_key")
    if given is not None and not isinstance(given, str):
        raise Invalid.field("idempotency_key", "wrong_type", "Give a text.")
    if given is not None:
        check_key(given, "idempotency_key")
    return given
