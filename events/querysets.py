"""Named filters over events and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.apps import apps
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership
from accounts.types import Capability, roles_with
from common.types import Actor

if TYPE_CHECKING:
    from events.models import Event, Session  # noqa: F401


def _visible_to(actor: Actor, event: str) -> Q:
    """Return the condition on an event reached by the prefix: public, or the actor is registered or a
    member."""
    public = Q(**{f"{event}visibility": "public"})
    if actor.is_superuser or actor.is_system:
        return Q()
    if actor.user_id is None:
        return public
    registrations = apps.get_model("events", "Registration").objects.filter(user_id=actor.user_id)
    memberships = Membership.objects.filter(user_id=actor.user_id)
    return (
        public
        | Q(Exists(registrations.filter(event_id=OuterRef(f"{event}pk"))))
        | Q(Exists(memberships.filter(organization_id=OuterRef(f"{event}organization_id"))))
    )


class EventQuerySet(QuerySet["Event"]):
    """Events, narrowed by name."""

    def visible_to(self, actor: Actor) -> EventQuerySet:
        """Keep what the actor may see: public events, those they are registered for, those of their
        organizations."""
        return self.filter(_visible_to(actor, ""))

    def where_may(self, actor: Actor, capability: Capability) -> EventQuerySet:
        """Keep the events of organizations in which the actor's role has the capability; all for superusers."""
        if actor.is_superuser or actor.is_system:
            return self
        if actor.user_id is None:
            return self.none()
        roles = Membership.objects.filter(user_id=actor.user_id, role__in=roles_with(capability))
        return self.filter(Exists(roles.filter(organization_id=OuterRef("organization_id"))))


class SessionQuerySet(QuerySet["Session"]):
    """Sessions, narrowed by name."""

    def of_event(self, event_id: UUID) -> SessionQuerySet:
        """Keep the sessions of one event."""
        return self.filter(event_id=event_id)

    def visible_to(self, actor: Actor) -> SessionQuerySet:
        """Keep the sessions of events that the actor may see."""
        return self.filter(_visible_to(actor, "event__"))
