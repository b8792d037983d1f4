"""People's accounts, as operators keep them."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.errors import OwnAccount
from accounts.models import User
from accounts.services.access import may_do_all
from common.audit import record_changes, snapshot
from common.db import retrying
from common.errors import Forbidden, NotFound
from common.plain_text import plain_name
from common.types import Actor


@retrying
@transaction.atomic
def update_user(*, actor: Actor, user_id: UUID, name: str, is_active: bool, now: datetime) -> User:
    """Rename a person, or let them in or not: an inactive user's tokens and browser sessions end at once.

    Raises ``Forbidden`` for all but superusers, ``OwnAccount`` when one would lock themselves out.
    """
    if not may_do_all(actor):
        raise Forbidden
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound
    if not is_active and user.pk == actor.user_id:
        raise OwnAccount
    before = snapshot(user)
    user.name, user.is_active = plain_name(name), is_active
    user.save(update_fields=["name", "is_active"])
    record_changes(user, before, actor=actor, action="accounts.update_user", organization_id=None, now=now)
    return user
