"""Reads over tiers and tickets."""

from uuid import UUID

from django.db.models import QuerySet

from common.errors import Unauthenticated
from common.types import Actor
from events.selectors import visible_event
from tickets.models import Ticket, TicketStatus, TicketTier


def tiers_of(actor: Actor, event_id: UUID) -> QuerySet[TicketTier]:
    """Return the tiers on sale of an event that the actor may see, in the organizer's order. Raises
    ``NotFound``."""
    event = visible_event(actor, event_id)
    return TicketTier.objects.filter(event=event, is_active=True).order_by("sort_order", "name")


def my_tickets(actor: Actor) -> QuerySet[Ticket]:
    """Return the actor's tickets with event, policy and tier, the newest first. Raises ``Unauthenticated``."""
    if actor.user_id is None:
        raise Unauthenticated
    tickets = Ticket.objects.filter(holder_id=actor.user_id).select_related(
        "event__organization", "event__checkin_policy", "tier"
    )
    return tickets.order_by("-issued_at", "id")


def tickets_of(user_id: UUID, event_id: UUID) -> QuerySet[Ticket]:
    """Return a person's tickets of an event that open doors, with their tiers, the first issued first.

    A void one is none, and so is one that is stopped while it is: what is given for a ticket asks here.
    """
    tickets = Ticket.objects.filter(
        holder_id=user_id, event_id=event_id, status=TicketStatus.VALID, stopped_reason=""
    )
    return tickets.select_related("tier").order_by("issued_at", "id")
