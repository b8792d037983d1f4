"""Reading offers: one, and lists of an event, with what is left of each computed in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery

from accounts.selectors import organization_ids
from accounts.services import access
from accounts.types import Capability
from common.errors import FieldError, Invalid, NotFound
from common.types import Actor
from events.selectors import visible_event, visible_events
from offers.models import Offer, Placement
from offers.querysets import OfferQuerySet
from offers.services.conditions import check_quantity
from offers.types import Availability, OfferQuery, Page, Shown
from tickets.selectors import tickets_of


def page_of_offers(query: OfferQuery, page: Page, *, now: datetime) -> tuple[Sequence[Offer], int]:
    """Return a page of an event's offers, newest first, and how many there are in all.

    Active ones: on sale now with a unit left, and meant for the caller's ticket tiers. What is paused,
    archived, ended or sold out is for those who manage the offers. Offers carry ``available`` and
    ``is_available``. Two queries (three when a page past the end is asked for). Raises ``Invalid``,
    ``NotFound``, and as ``access.require`` for what is not active.
    """
    if query.placement is not None and query.placement not in Placement.values:
        raise Invalid(
            errors=[FieldError("placement", "invalid_choice", f"One of {', '.join(Placement.values)}.")]
        )
    event = visible_event(query.actor, query.event_id)
    if query.shown is not Shown.ACTIVE:
        access.require(query.actor, event.organization_id, Capability.MANAGE_OFFERS)
    rows = matching(query, now=now)
    shown = list(rows.counted()[page.offset : page.offset + page.limit])
    if shown:
        return shown, shown[0].listed
    return [], rows.count() if page.offset else 0


def matching(query: OfferQuery, *, now: datetime) -> OfferQuerySet:
    """Return the offers that the query asks for, without asking whether the caller may see them."""
    rows = Offer.objects.filter(event_id=query.event_id).shown_at(query.placement, query.session_id)
    if query.shown is Shown.ACTIVE:
        rows = rows.active(now).meant_for(_tiers_of(query.actor, query.event_id))
    elif query.shown is Shown.INACTIVE:
        rows = rows.not_active(now)
    return rows.with_availability(now).order_by("-created_at", "-pk")


def offer_for(actor: Actor, offer_id: UUID, *, now: datetime) -> Offer:
    """Return one offer with its event, ``available`` and ``is_available``.

    Raises ``NotFound`` when its event is not the actor's to see, or it is paused or archived and the actor
    does not manage it. An offer that ended or sold out stays readable: links to it are about.
    """
    offer = Offer.objects.with_availability(now).select_related("event").filter(pk=offer_id).first()
    if offer is None:
        raise NotFound
    if not offer.event.is_public:
        visible_event(actor, offer.event_id)
    hidden = offer.is_archived or not offer.is_active
    if hidden and not access.allowed(actor, offer.event.organization_id, Capability.MANAGE_OFFERS):
        raise NotFound
    return offer


def offers_by_id(actor: Actor, offer_ids: Collection[UUID], *, now: datetime) -> dict[UUID, Offer]:
    """Return those of the offers that ``offer_for`` would return. Two queries."""
    offers = Offer.objects.with_availability(now).filter(pk__in=offer_ids)
    seen = offers.filter(event__in=visible_events(actor)).select_related("event")
    managed = organization_ids(actor, Capability.MANAGE_OFFERS)
    return {
        offer.pk: offer
        for offer in seen
        if (offer.is_active and not offer.is_archived)
        or managed is None
        or offer.event.organization_id in managed
    }


def availability(actor: Actor, offer_id: UUID, quantity: int, *, now: datetime) -> Availability:
    """Say whether so many units could be bought now, and if not, why (the codes of a purchase).

    A look, not a promise: only a purchase holds units. Raises ``NotFound``, ``Invalid``.
    """
    check_quantity(None, quantity)
    offer = offer_for(actor, offer_id, now=now)
    left = offer.available
    reason = None
    if offer.is_archived or not offer.is_active or not offer.window.contains(now) or offer.is_over(now):
        reason = "offer_unavailable"
    elif left is not None and left < quantity:
        reason = "sold_out"
    return Availability(
        offer_id=offer.pk, quantity=quantity, is_available=reason is None, available=left, reason=reason
    )


def _tiers_of(actor: Actor, event_id: UUID) -> object:
    """Return the tiers of the actor's tickets that open doors, as an array in SQL."""
    if actor.user_id is None:
        return []
    return ArraySubquery(tickets_of(actor.user_id, event_id).order_by().values("tier_id"))
