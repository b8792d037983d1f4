"""Ending tickets whose tiers and rows the caller has locked."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from common.facts import TicketsReduced
from common.outbox import publish
from events.services.registrations import lock_registration, withdraw
from tickets.models import Ticket, TicketStatus
from tickets.services.stock import move


def void_locked(tickets: Sequence[Ticket], *, now: datetime) -> None:
    """Void valid tickets and put their places on sale again.

    Who has no valid ticket of the event left does not belong to it by a ticket any more.
    """
    for ticket in tickets:
        ticket.status, ticket.voided_at, ticket.is_inside = TicketStatus.VOID, now, False
    Ticket.objects.bulk_update(tickets, ["status", "voided_at", "is_inside"])
    for tier_id, units in sorted(Counter(ticket.tier_id for ticket in tickets).items()):
        move(tier_id, sold=-units)
    holders = {(ticket.holder_id, ticket.event_id): ticket for ticket in tickets}
    # In one order, as locks are taken everywhere.
    for (holder_id, event_id), ticket in sorted(holders.items(), key=itemgetter(0)):
        _follow(holder_id, event_id, ticket.event.organization_id, now)


def _follow(holder_id: UUID, event_id: UUID, organization_id: UUID, now: datetime) -> None:
    """End the registration that the tickets made, when none is left; say that they went."""
    lock_registration(user_id=holder_id, event_id=event_id)
    left = Ticket.objects.filter(holder_id=holder_id, event_id=event_id, status=TicketStatus.VALID)
    if not left.exists() and withdraw(
        user_id=holder_id, event_id=event_id, organization_id=organization_id, now=now
    ):
        return
    publish(TicketsReduced(holder_id, event_id), now=now, organization_id=organization_id)
