"""Each refresh token is good for one use (RFC 9700, 4.14.2: "Refresh Token Rotation").

The tokens that follow one sign-in are a family. Using the latest gives the next; using an older one means that
somebody copied it, and as nobody can tell who, the whole family ends. Only the one before the latest may come
again within 30 seconds, and gets the same next one: the answer was lost, or two tabs asked at once.
"""

import uuid
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F

from accounts.models import RefreshFamily, User
from common.errors import Unauthenticated

REPEATED_WITHIN = timedelta(seconds=30)

log = structlog.get_logger(__name__)


def begin(user: User, *, now: datetime) -> RefreshFamily:
    """Begin a family with its first token; the user's families that are over are forgotten."""
    RefreshFamily.objects.filter(user=user, expires_at__lte=now).delete()
    return RefreshFamily.objects.create(
        user=user, current=uuid.uuid4(), rotated_at=now, expires_at=now + settings.REFRESH_TOKEN_LIFETIME
    )


def rotate(user: User, *, family_id: UUID, token_id: UUID, now: datetime) -> UUID:
    """Use a token up and return the id of the next one of its family.

    One statement, whose row count is the verdict, so of two calls at once one rotates and the other repeats it.
    Raises ``Unauthenticated`` for a token that was used before, and then ends its family: outside of a
    transaction, which would undo that.
    """
    mine = RefreshFamily.objects.filter(pk=family_id, user=user, ended_at=None)
    fresh = uuid.uuid4()
    if mine.filter(current=token_id).update(
        current=fresh,
        previous=F("current"),
        rotated_at=now,
        expires_at=now + settings.REFRESH_TOKEN_LIFETIME,
    ):
        return fresh
    family = mine.first()
    if family is not None and family.previous == token_id and now - family.rotated_at <= REPEATED_WITHIN:
        return family.current
    if mine.update(ended_at=now):
        log.warning("refresh_token_reused", user_id=str(user.pk), family_id=str(family_id))
    raise Unauthenticated("This refresh token was used before, please sign in again.")
