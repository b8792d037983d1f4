"""Who may buy an offer now, and how much of it. Asked of what was seen, by one more statement at most."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from common.errors import Invalid, NotFound
from events.selectors import is_registered
from offers.errors import BuyerLimit, HoldLimit, OfferUnavailable, SoldOut
from offers.models import Offer, OfferType
from offers.services.sighting import BuyerFacts
from offers.types import MAXIMUM_QUANTITY, PurchaseOffer
from tickets.models import Ticket
from tickets.selectors import tickets_of


def check_quantity(offer_type: str | None, quantity: int) -> None:
    """Raise ``Invalid`` unless it is 1 to 20, and 1 for an upgrade."""
    if not 1 <= quantity <= MAXIMUM_QUANTITY:
        raise Invalid.field("quantity", "out_of_range", f"Buy 1 to {MAXIMUM_QUANTITY} at once.")
    if offer_type == OfferType.TICKET_UPGRADE and quantity != 1:
        raise Invalid.field("quantity", "one_ticket", "An upgrade moves one ticket at a time.")


def check_sale(offer: Offer, wish: PurchaseOffer, *, now: datetime) -> None:
    """Raise ``OfferUnavailable`` or ``SoldOut`` when nobody may buy it now, ``Invalid`` for the quantity.

    A private event is told from a missing one to people of it alone: the others get ``NotFound``.
    """
    if not offer.event.is_public and not is_registered(wish.buyer_id, offer.event_id):
        raise NotFound
    check_quantity(offer.offer_type, wish.quantity)
    if offer.is_archived or not offer.is_active or not offer.window.contains(now):
        raise OfferUnavailable
    # What else is sold, a recording or a shirt, may be worth its price after the event; a better ticket is not.
    if offer.is_over(now):
        raise OfferUnavailable("The event is over.")
    if offer.units_left is not None and offer.units_left < wish.quantity:
        raise SoldOut(f"{max(offer.units_left, 0)} left." if offer.units_left > 0 else "")


def check_buyer(offer: Offer, facts: BuyerFacts, quantity: int) -> None:
    """Raise when a person of whom this is known may not buy so many of an offer.

    ``HoldLimit``: too much held unpaid. ``BuyerLimit``: above ``per_user_limit``, which counts what is held
    and what was bought and not returned. ``OfferUnavailable``: a condition on what the person has.
    """
    if facts.open_checkouts >= settings.HOLD_LIMIT_CHECKOUTS:
        raise HoldLimit
    if facts.held + quantity > settings.HOLD_LIMIT_UNITS:
        raise HoldLimit
    if offer.per_user_limit is not None and facts.held + facts.bought + quantity > offer.per_user_limit:
        raise BuyerLimit
    if offer.requires_offer_id is not None and not facts.has_required:
        raise OfferUnavailable("Another offer has to be bought before this one.")
    if facts.has_excluded:
        raise OfferUnavailable("This cannot be had together with another offer that you have.")


def choose_ticket(offer: Offer, wish: PurchaseOffer) -> Ticket | None:
    """Return the ticket that an upgrade moves; for other offers None, after checking the targeted tiers.

    Raises ``OfferUnavailable`` without a fitting ticket, ``Invalid`` on ``ticket_id`` when several
    fit and none is named, or the named one does not fit.
    """
    target = offer.upgrade_to_tier
    if offer.offer_type != OfferType.TICKET_UPGRADE or target is None:
        if wish.ticket_id is not None:
            raise Invalid.field("ticket_id", "not_an_upgrade", "Only an upgrade moves a ticket.")
        if offer.target_ticket_tiers and not _tickets(offer, wish.buyer_id).exists():
            raise OfferUnavailable("This is for holders of other tickets.")
        return None
    fitting = [ticket for ticket in _tickets(offer, wish.buyer_id) if target.is_above(ticket.tier)]
    return _chosen(fitting, wish.ticket_id)


def _chosen(fitting: Sequence[Ticket], ticket_id: UUID | None) -> Ticket:
    if ticket_id is not None:
        named = [ticket for ticket in fitting if ticket.pk == ticket_id]
        if not named:
            raise Invalid.field(
                "ticket_id", "not_fitting", "This is no ticket of yours that can be upgraded."
            )
        return named[0]
    if not fitting:
        raise OfferUnavailable("You have no ticket that this upgrades.")
    if len(fitting) > 1:
        raise Invalid.field("ticket_id", "required", "Say which of your tickets to upgrade.")
    return fitting[0]


def _tickets(offer: Offer, user_id: UUID) -> QuerySet[Ticket]:
    """Return the person's tickets that the offer is meant for."""
    rows = tickets_of(user_id, offer.event_id)
    return rows.filter(tier_id__in=offer.target_ticket_tiers) if offer.target_ticket_tiers else rows
