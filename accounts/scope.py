"""What a browser request of the admin may see and do: its user's roles, read once per request."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from accounts.models import User
from accounts.selectors import memberships_of
from accounts.services.access import actor_of
from accounts.types import ROLE_CAPABILITIES, Capability
from common.types import ANONYMOUS, Actor

_ATTRIBUTE = "_marquee_scope"


@dataclass(frozen=True, slots=True)
class Scope:
    """Who asks, and their role in each organization."""

    actor: Actor
    roles: dict[UUID, str]

    @property
    def is_everywhere(self) -> bool:
        """Say whether nothing is hidden: superusers."""
        return self.actor.is_superuser

    def organizations(self, capability: Capability) -> set[UUID] | None:
        """Return where they have the capability; None: everywhere."""
        if self.is_everywhere:
            return None
        return {where for where, role in self.roles.items() if capability in ROLE_CAPABILITIES[role]}

    def has(self, capability: Capability, organization_id: UUID | None = None) -> bool:
        """Say whether they have the capability in the organization, or in any when none is named."""
        where = self.organizations(capability)
        if where is None:
            return True
        return bool(where) if organization_id is None else organization_id in where


def scope_of(request: HttpRequest) -> Scope:
    """Return the request's scope: one query the first time, none after. Nobody signed in: an empty one."""
    known = getattr(request, _ATTRIBUTE, None)
    if isinstance(known, Scope):
        return known
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return Scope(ANONYMOUS, {})
    roles = {} if user.is_superuser else {one.organization_id: one.role for one in memberships_of(user.pk)}
    scope = Scope(actor_of(user), roles)
    setattr(request, _ATTRIBUTE, scope)
    return scope
