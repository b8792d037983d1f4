"""What staff do to one ticket: a new code for it, or none ever again."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from common.audit import record
from common.db import retrying
from common.errors import Busy, Invalid
from common.types import Actor
from tickets.errors import TicketVoid
from tickets.letters import new_manual_code
from tickets.models import Ticket, TicketStatus
from tickets.services.posting import owe_reissued
from tickets.services.stock import lock_ticket_with_tier
from tickets.services.voiding import void_locked

LONGEST_REASON = 500


@retrying
@transaction.atomic
def reissue_ticket(*, actor: Actor, ticket_id: UUID, reason: str, now: datetime) -> Ticket:
    """Give a ticket new codes: all that were shown, printed or typed before open nothing from now on.

    What the doors saw of it stays: whoever is in does not get in again. A letter tells its holder.
    Raises what ``access.require`` raises,
    ``Invalid`` for too long a reason, ``TicketVoid``.
    """
    ticket = _for(actor, ticket_id, Capability.REISSUE)
    why = _checked(reason, is_required=False)
    locked = Ticket.objects.select_for_update(no_key=True).get(pk=ticket.pk)
    if locked.status != TicketStatus.VALID:
        raise TicketVoid
    locked.generation += 1
    locked.manual_code = new_manual_code()
    locked.save(update_fields=["generation", "manual_code"])
    owe_reissued(locked, ticket.event.organization_id, now=now)
    record(
        actor=actor, action="tickets.reissue", subject=locked, organization_id=ticket.event.organization_id,
        reason=why, changes={"generation": [locked.generation - 1, locked.generation]}, now=now,
    )  # fmt: skip
    return locked


@retrying
@transaction.atomic
def void_ticket(*, actor: Actor, ticket_id: UUID, reason: str, now: datetime) -> Ticket:
    """End a ticket for good: it opens nothing, and its place is on sale again. No money moves.

    Raises what ``access.require`` raises, ``Invalid`` without a reason, ``TicketVoid`` when it was before.
    """
    known = _for(actor, ticket_id, Capability.MANAGE_EVENTS)
    why = _checked(reason)
    ticket = lock_ticket_with_tier(known)
    if ticket is None:
        raise Busy
    if ticket.status != TicketStatus.VALID:
        raise TicketVoid
    void_locked([ticket], now=now)
    record(
        actor=actor, action="tickets.void", subject=ticket, organization_id=known.event.organization_id,
        reason=why, changes={"status": [TicketStatus.VALID, TicketStatus.VOID]}, now=now,
    )  # fmt: skip
    return ticket


def _for(actor: Actor, ticket_id: UUID, capability: Capability) -> Ticket:
    ticket = Ticket.objects.select_related("event").filter(pk=ticket_id).first()
    if ticket is None:
        access.refuse_missing(actor)
    access.require(actor, ticket.event.organization_id, capability)
    return ticket


def _checked(reason: str, *, is_required: bool = True) -> str:
    text = reason.strip()
    if is_required and not text:
        raise Invalid.field("reason", "required", "Say why.")
    if len(text) > LONGEST_REASON:
        raise Invalid.field("reason", "too_long", f"At most {LONGEST_REASON} characters.")
    return text
