"""Who may do what in which organization (CONTRACT: "Who may do what"). Asked again by every service."""

from collections.abc import Collection
from typing import NoReturn
from uuid import UUID

from accounts.models import Membership, User
from accounts.types import ROLE_CAPABILITIES, Capability
from common.errors import Failure, Forbidden, NotFound, Unauthenticated
from common.types import Actor


def actor_of(user: User) -> Actor:
    """Return the user as somebody who acts."""
    return Actor(user_id=user.pk, label=user.email, is_superuser=user.is_superuser)


def role_of(actor: Actor, organization_id: UUID) -> str | None:
    """Return the actor's role in the organization, None when they are no member. One query for a signed-in
    actor."""
    if actor.user_id is None:
        return None
    memberships = Membership.objects.filter(organization_id=organization_id, user_id=actor.user_id)
    return memberships.values_list("role", flat=True).first()


def may_do_all(actor: Actor) -> bool:
    """Say whether no role needs to be asked: superusers and the system itself."""
    return actor.is_superuser or actor.is_system


def allowed(actor: Actor, organization_id: UUID, capability: Capability) -> bool:
    """Say whether the actor has the capability in the organization."""
    if may_do_all(actor):
        return True
    role = role_of(actor, organization_id)
    return role is not None and capability in ROLE_CAPABILITIES[role]


def require(actor: Actor, organization_id: UUID, capability: Capability) -> None:
    """Let a member with a fitting role, a superuser or the system pass.

    Raises ``Unauthenticated`` when nobody is signed in, ``NotFound`` for those who are no members (another
    organization's things are not told from missing ones), ``Forbidden`` for members without the role.
    """
    if may_do_all(actor):
        return
    if not actor.is_authenticated:
        raise Unauthenticated
    role = role_of(actor, organization_id)
    if role is None:
        raise NotFound
    if capability not in ROLE_CAPABILITIES[role]:
        raise Forbidden


def refusals(actor: Actor, organization_ids: Collection[UUID], capability: Capability) -> dict[UUID, Failure]:
    """Return why each of the organizations would refuse the actor, as ``require`` raises it; those that let pass are
    left out. One query at most.
    """
    if may_do_all(actor):
        return {}
    if actor.user_id is None:
        return {one: Unauthenticated() for one in organization_ids}
    mine = Membership.objects.filter(organization_id__in=organization_ids, user_id=actor.user_id)
    roles = dict(mine.values_list("organization_id", "role"))
    return {
        one: Forbidden() if one in roles else NotFound()
        for one in set(organization_ids)
        if one not in roles or capability not in ROLE_CAPABILITIES[roles[one]]
    }


def refuse_missing(actor: Actor) -> NoReturn:
    """Answer for a thing that is not there as for one of another organization, so that nobody learns which.

    Raises ``Unauthenticated`` when nobody is signed in, else ``NotFound``.
    """
    if not may_do_all(actor) and not actor.is_authenticated:
        raise Unauthenticated
    raise NotFound
