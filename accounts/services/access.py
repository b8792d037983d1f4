"""Who may do what in which organization (CONTRACT: "Who may do what"). Asked again by every service."""

from typing import NoReturn
from uuid import UUID

from accounts.models import Membership, User
from accounts.types import ROLE_CAPABILITIES, Capability
from common.errors import Forbidden, NotFound, Unauthenticated
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


def refuse_missing(actor: Actor) -> NoReturn:
    """Answer for a thing that is not there as for one of another organization, so that nobody learns which.

    Raises ``Unauthenticated`` when nobody is signed in, else ``NotFound``.
    """
    if not may_do_all(actor) and not actor.is_authenticated:
        raise Unauthenticated
    raise NotFound
