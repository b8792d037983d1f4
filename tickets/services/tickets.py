"""Issuing tickets. Each counts as sold in its tier, and registers its holder for the event."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from common.db import retrying
from common.errors import NotFound
from events.models import RegistrationSource
from events.services.registrations import register
from tickets.letters import new_number
from tickets.models import Ticket, TicketSale
from tickets.services.stock import lock_tier, move, require_room


@retrying
@transaction.atomic
def issue_ticket(*, event_id: UUID, tier_id: UUID, holder_id: UUID, now: datetime) -> Ticket:
    """Issue one ticket of the tier and register its holder for the event.

    Raises ``NotFound`` when the tier is not the event's, ``TierSoldOut``.
    """
    tier = lock_tier(tier_id)
    if tier.event_id != event_id:
        raise NotFound
    require_room(tier)
    move(tier.pk, sold=1)
    register(user_id=holder_id, event_id=event_id, source=RegistrationSource.TICKET, now=now)
    return Ticket.objects.create(
        event_id=event_id, tier=tier, holder_id=holder_id, number=new_number(), issued_at=now
    )


def issue_for_sale(sale: TicketSale, *, now: datetime) -> None:
    """Issue the tickets of a sale that is paid, in the caller's transaction, which counts them as sold.

    Each has its place in the sale, which the database keeps unique: a second time is an error, not more tickets.
    Two statements and the registration's.
    """
    register(user_id=sale.user_id, event_id=sale.event_id, source=RegistrationSource.TICKET, now=now)
    Ticket.objects.bulk_create(
        Ticket(
            event_id=sale.event_id, tier_id=sale.tier_id, holder_id=sale.user_id, number=new_number(),
            issued_at=now, sale=sale, sale_position=position,
        )
        for position in range(1, sale.quantity + 1)
    )  # fmt: skip
