"""The code that a holder shows at the door."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.services import access
from accounts.types import Capability
from common.errors import NotFound, Unauthenticated
from common.types import Actor
from tickets.errors import PrintedCodesOff, TicketStopped, TicketVoid
from tickets.letters import shown_manual_code
from tickets.models import CodeKind, Ticket, TicketStatus
from tickets.services import codes
from tickets.services.policies import policy_of
from tickets.types import ShownCode


def show_code(actor: Actor, ticket_id: UUID, *, kind: CodeKind = CodeKind.LIVE, now: datetime) -> ShownCode:
    """Return a fresh code of a ticket, for its holder or for staff who may re-issue it. Writes nothing.

    Raises ``Unauthenticated``, ``NotFound`` (also for other people's), ``TicketVoid``; of paper
    ``PrintedCodesOff`` where the event's doors take none, and ``TicketStopped``. Three queries at most.
    """
    if not actor.is_authenticated:
        raise Unauthenticated
    tickets = Ticket.objects.select_related("event__checkin_policy", "event__organization", "tier", "holder")
    ticket = tickets.filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    if ticket.holder_id != actor.user_id:
        access.require(actor, ticket.event.organization_id, Capability.REISSUE)
    if ticket.status != TicketStatus.VALID:
        raise TicketVoid
    if kind == CodeKind.PRINTED and not policy_of(ticket.event).accepts_printed:
        raise PrintedCodesOff
    if kind == CodeKind.PRINTED and ticket.stopped_reason:
        raise TicketStopped
    return code_of(ticket, kind, now=now)


def is_printable(ticket: Ticket) -> bool:
    """Say whether it may be printed: it opens doors, and its event's take paper. The event and its policy are at
    hand."""
    opens = ticket.status == TicketStatus.VALID and not ticket.stopped_reason
    return opens and policy_of(ticket.event).accepts_printed


def code_of(ticket: Ticket, kind: CodeKind, *, now: datetime) -> ShownCode:
    """Return a code of a ticket that has its event at hand; the caller answers for who gets it."""
    text = codes.sign(
        ticket_id=ticket.pk, event_id=ticket.event_id, generation=ticket.generation, kind=kind, now=now
    )
    issued_at = now.replace(microsecond=0)
    live = issued_at + timedelta(seconds=settings.TICKET_LIVE_SECONDS)
    ends = ticket.event.ends_at if kind == CodeKind.PRINTED else live
    return ShownCode(ticket, text, kind, shown_manual_code(ticket.manual_code), issued_at, ends)
