"""Tiers and tickets for tests: ``make_ticket(holder=guest, tier=make_tier(priority="VIP", units=10))``."""

import itertools
from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_member, make_user
from events.models import Event
from events.tests.factories import make_event
from tickets.models import CheckInPolicy, CodeKind, Ticket, TicketTier
from tickets.services import codes
from tickets.services.scanning import scan_ticket
from tickets.services.tickets import issue_ticket
from tickets.types import ScanAnswer, ScanTicket

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


def make_scanner(event: Event, role: str = "scanner") -> User:
    """Create somebody who may scan for the event."""
    return make_member(role, organization=event.organization)


def make_policy(event: Event, **fields: bool) -> CheckInPolicy:
    """Say how the event checks in: ``accepts_printed``, ``allows_reentry``."""
    return CheckInPolicy.objects.create(event=event, updated_at=NOW, **fields)


def code_of(ticket: Ticket, kind: CodeKind = CodeKind.LIVE, *, now: datetime = NOW) -> str:
    """Return a code of the ticket as it is in the database, made now."""
    ticket.refresh_from_db()
    return codes.sign(
        ticket_id=ticket.pk, event_id=ticket.event_id, generation=ticket.generation, kind=kind, now=now
    )


def scan(scanner: User, event: Event, code: str, *, now: datetime = NOW, **more: Any) -> ScanAnswer:
    """Scan a code at one of the event's doors."""
    wish = ScanTicket(actor=actor_of(scanner), event_id=event.pk, code=code, **more)
    return scan_ticket(wish, now=now)
