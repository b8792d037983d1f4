"""Tickets for printing (REQUIREMENTS TK-01): where an event's doors take paper, and to nobody but who may show the
code."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from common.audit import record
from common.ratelimits import RateLimit, hit
from common.types import Actor
from tickets.models import CodeKind, Ticket
from tickets.services.showing import code_of, show_code
from tickets.types import PrintedTicket

# A page takes some tenths of a second to write.
_LIMIT: Final = RateLimit("tickets.print", 20, 60)


def print_ticket(actor: Actor, ticket_id: UUID, *, now: datetime) -> PrintedTicket:
    """Return a ticket as a PDF, for its holder or for staff who may re-issue it; of theirs the audit history tells.

    Raises what ``show_code`` raises, ``RateLimited``.
    """
    shown = show_code(actor, ticket_id, kind=CodeKind.PRINTED, now=now)
    hit(_LIMIT, str(actor.user_id))
    ticket = shown.ticket
    printed = PrintedTicket(f"ticket-{ticket.number}.pdf", pages_of([ticket], now=now))
    if ticket.holder_id != actor.user_id:
        record(
            actor=actor, action="tickets.print", subject=ticket,
            organization_id=ticket.event.organization_id, changes={}, now=now,
        )  # fmt: skip
    return printed


def pages_of(tickets: Sequence[Ticket], *, now: datetime) -> bytes:
    """Return tickets of one event as a PDF, a page each; the caller answers for who gets it.

    They have their event with its organization, their tier and their holder at hand.
    """
    # The library takes a while to load, and few processes ever print.
    from tickets.services.ticket_pages import write_pages

    return write_pages([code_of(ticket, CodeKind.PRINTED, now=now) for ticket in tickets], now=now)
