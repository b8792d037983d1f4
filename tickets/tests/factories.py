"""Tiers and tickets for tests: ``make_ticket(holder=guest, tier=make_tier(priority="VIP", units=10))``."""

import itertools
from typing import Any

from accounts.models import User
from accounts.tests.factories import NOW, make_user
from events.models import Event
from events.tests.factories import make_event
from tickets.models import Ticket, TicketTier
from tickets.services.tickets import issue_ticket

_numbers = itertools.count(1)


def make_tier(*, event: Event | None = None, units: int | None = None, **fields: Any) -> TicketTier:
    """Create a Standard tier; without units it is unlimited."""
    event = event or make_event()
    given = {"name": f"Tier {next(_numbers)}", "currency": event.currency}
    return TicketTier.objects.create(event=event, inventory_total=units, **{**given, **fields})


def make_ticket(*, holder: User | None = None, tier: TicketTier | None = None) -> Ticket:
    """Issue a ticket, which counts in its tier and registers its holder."""
    tier = tier or make_tier()
    return issue_ticket(
        event_id=tier.event_id, tier_id=tier.pk, holder_id=(holder or make_user()).pk, now=NOW
    )
