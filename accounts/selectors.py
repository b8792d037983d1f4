"""Reads over users, organizations and memberships."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from accounts.models import Membership, User
from accounts.services.access import may_do_all
from accounts.types import Capability, roles_with
from common.errors import Unauthenticated
from common.types import Actor


def organization_ids(actor: Actor, capability: Capability | None = None) -> set[UUID] | None:
    """Return where the actor is a member (with the capability, when one is named); None: everywhere."""
    if may_do_all(actor):
        return None
    if actor.user_id is None:
        return set()
    memberships = Membership.objects.filter(user_id=actor.user_id)
    if capability is not None:
        memberships = memberships.filter(role__in=roles_with(capability))
    return set(memberships.values_list("organization_id", flat=True))


def memberships_of(user_id: UUID) -> list[Membership]:
    """Return a person's memberships with their organizations, by the organization's name. One query."""
    return memberships_by_user([user_id])[user_id]


def memberships_by_user(user_ids: Collection[UUID]) -> defaultdict[UUID, list[Membership]]:
    """Return the memberships of many people, as ``memberships_of``. One query."""
    found: defaultdict[UUID, list[Membership]] = defaultdict(list)
    for membership in Membership.objects.filter(user_id__in=user_ids).select_related("organization"):
        found[membership.user_id].append(membership)
    return found


def users_by_id(actor: Actor, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Return the people that the actor may look at as accounts: themselves; everybody to superusers. One query.

    Raises ``Unauthenticated``.
    """
    if not actor.is_authenticated:
        raise Unauthenticated
    shown = user_ids if may_do_all(actor) else {actor.user_id}.intersection(user_ids)
    return User.objects.in_bulk(list(shown))


def user_by_email(email: str) -> User | None:
    """Return the user with this e-mail in any case, by the unique index; None when there is none."""
    return User.objects.filter(email=email.strip().lower()).first()
