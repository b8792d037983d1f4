"""A tier's stock: counters that change only under its row's lock."""

from uuid import UUID

from django.db.models import F

from common.errors import NotFound
from tickets.errors import TierSoldOut
from tickets.models import Ticket, TicketTier


def lock_tier(tier_id: UUID) -> TicketTier:
    """Return the tier, its row locked for the caller's transaction. Raises ``NotFound``."""
    tier = TicketTier.objects.select_for_update().filter(pk=tier_id).first()
    if tier is None:
        raise NotFound
    return tier


def lock_tiers(*tier_ids: UUID) -> dict[UUID, TicketTier]:
    """Return several tiers by id, locked in the order of their ids, as everybody does. One query."""
    tiers = TicketTier.objects.select_for_update().filter(pk__in=tier_ids).order_by("pk")
    return {tier.pk: tier for tier in tiers}


def lock_ticket_with_tier(ticket: Ticket) -> Ticket | None:
    """Lock the ticket's tier, then the ticket, and return it as it is now.

    None when it moved to another tier meanwhile: nothing was changed, and the caller begins anew.
    """
    lock_tier(ticket.tier_id)
    locked = Ticket.objects.select_for_update(of=("self",)).select_related("event").get(pk=ticket.pk)
    return locked if locked.tier_id == ticket.tier_id else None


def require_room(tier: TicketTier, units: int = 1) -> None:
    """Raise ``TierSoldOut`` when the locked tier has not so many tickets left."""
    if tier.available is not None and tier.available < units:
        raise TierSoldOut(f"{tier.available} left." if tier.available else "")


def move(tier_id: UUID, *, sold: int = 0, reserved: int = 0) -> None:
    """Change a locked tier's counters by so many. The database's own CHECK refuses an oversale."""
    TicketTier.objects.filter(pk=tier_id).update(sold=F("sold") + sold, reserved=F("reserved") + reserved)
