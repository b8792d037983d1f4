"""Letters to holders: a job writes them, so that no sale waits for a page to be drawn while its tier is locked.

The job reads the tickets as they are by then: what was voided meanwhile is not sent, and of two re-issues the later.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from common.outbox import enqueue
from tickets.models import Ticket, TicketSale, TicketStatus
from tickets.services import messages, names
from tickets.services.showing import is_printable

_SALE, _REISSUE, _MOVE = "sale", "reissue", "move"


def owe_tickets(sale: TicketSale, organization_id: UUID, *, now: datetime) -> None:
    """Queue the letter with what was bought, in the caller's transaction."""
    _owe(_SALE, sale.pk, "", {}, organization_id, now=now)


def owe_reissued(ticket: Ticket, organization_id: UUID, *, now: datetime) -> None:
    """Queue the letter that says that a ticket has new codes."""
    generation = ticket.generation
    _owe(_REISSUE, ticket.pk, str(generation), {"generation": generation}, organization_id, now=now)


def owe_moved(ticket: Ticket, cause: str, *, now: datetime) -> None:
    """Queue the letter with a new page for a ticket whose tier is another now; without paper nothing need be sent.

    The ticket has its event and its policy at hand. ``cause`` names the move: each is told once.
    """
    if is_printable(ticket):
        where = {"tier_id": str(ticket.tier_id)}
        _owe(_MOVE, ticket.pk, cause, where, ticket.event.organization_id, now=now)


def _owe(
    about: str, of: UUID, version: str, more: Mapping[str, object], organization_id: UUID, *, now: datetime
) -> None:
    key = f"{of}:{version}" if version else str(of)
    enqueue(
        names.LETTER_JOB,
        {"about": about, "of": str(of), "key": key, **more},
        now=now,
        dedupe_key=f"{names.LETTER_JOB}:{about}:{key}",
        organization_id=organization_id,
    )


def send_letter(payload: Mapping[str, Any], *, now: datetime) -> None:
    """Queue the e-mail that is owed, with its pages, in the caller's transaction; nothing where it is out of date."""
    about, of, key = payload["about"], UUID(payload["of"]), payload["key"]
    if about == _SALE:
        tickets = list(_tickets().filter(sale_id=of).order_by("sale_position"))
        template = messages.ISSUED
    elif about == _REISSUE:
        tickets = list(_tickets().filter(pk=of, generation=payload["generation"]))
        template = messages.REISSUED
    else:
        # Without its page this letter says nothing that the living code does not show.
        moved = _tickets().filter(pk=of, tier_id=payload["tier_id"])
        tickets = [ticket for ticket in moved if is_printable(ticket)]
        template = messages.MOVED
    if tickets:
        messages.send(template, tickets, key=key, now=now)


def _tickets() -> QuerySet[Ticket]:
    tickets = Ticket.objects.filter(status=TicketStatus.VALID)
    return tickets.select_related("event__organization", "event__checkin_policy", "tier", "holder", "sale")
