"""Issuing tickets."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from common.db import retrying
from common.errors import NotFound
from events.models import RegistrationSource
from events.services.registrations import register
from tickets.letters import new_number
from tickets.models import Ticket
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
