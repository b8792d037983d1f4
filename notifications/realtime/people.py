"""Who a socket belongs to, asked of the database each time: a token says who somebody was when it was issued."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.services import tokens
from common.errors import Unauthenticated

_BATCH = 1_000


def admit(token: str, now: datetime) -> tuple[UUID, datetime]:
    """Return whose token it is and when it ends. Raises ``Unauthenticated``."""
    user = tokens.authenticate(token, now=now)
    return user.pk, tokens.ends_at(token, now=now)


def current(user_id: UUID) -> User:
    """Return the user as they are now; raises ``Unauthenticated`` when they may not sign in any more."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise Unauthenticated("This account cannot sign in.")
    return user


def active_among(user_ids: Collection[UUID]) -> set[UUID]:
    """Return those who may still sign in."""
    asked = list(user_ids)
    found: set[UUID] = set()
    for start in range(0, len(asked), _BATCH):
        some = User.objects.filter(pk__in=asked[start : start + _BATCH], is_active=True)
        found.update(some.values_list("pk", flat=True))
    return found
