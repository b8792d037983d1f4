"""Reads over users, organizations and memberships."""

from uuid import UUID

from accounts.models import Membership, User
from accounts.services.access import may_do_all
from accounts.types import Capability, roles_with
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
    return list(Membership.objects.filter(user_id=user_id).select_related("organization"))


def user_by_email(email: str) -> User | None:
    """Return the user with this e-mail in any case, by the unique index; None when there is none."""
    return User.objects.filter(email=email.strip().lower()).first()
