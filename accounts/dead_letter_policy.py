"""Who may handle dead letters: members by their role, operators all (CONTRACT: "Who may do what")."""

from collections.abc import Collection
from uuid import UUID

from django.http import HttpRequest

from accounts.models import Organization
from accounts.scope import scope_of
from accounts.types import Capability
from common.types import Actor


class DeadLetterPolicy:
    """Answers the screens of the floor below (``common.admin.scoping.Policy``)."""

    def actor(self, request: HttpRequest) -> Actor:
        """Return who asks."""
        return scope_of(request).actor

    def organizations(self, request: HttpRequest) -> set[UUID] | None:
        """Return where their role reaches dead letters; None for operators."""
        return scope_of(request).organizations(Capability.DEAD_LETTERS)

    def names(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the names of organizations."""
        return dict(Organization.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
