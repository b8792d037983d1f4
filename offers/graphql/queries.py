"""Asking for offers and purchases."""

from collections.abc import Sequence
from typing import Any

import graphene

from accounts.models import User
from common import clock
from common.errors import Unauthenticated
from common.graphql import an_id, value_of
from offers.graphql.types import OfferListingEnum, OfferObject, OfferPlacementEnum, PurchasedOfferType
from offers.models import Offer, Purchase
from offers.selectors import catalog as reading
from offers.selectors.purchases import page_of_purchases
from offers.types import OfferQuery, Page, Shown

_LIMIT = 50


def _offer_list(description: str, **more: Any) -> graphene.List:
    return graphene.List(
        graphene.NonNull(OfferObject),
        required=True,
        description=description,
        event_id=graphene.ID(required=True),
        placement=OfferPlacementEnum(),
        session_id=graphene.ID(description="Leaves out what targets other sessions."),
        limit=graphene.Int(default_value=_LIMIT),
        offset=graphene.Int(default_value=0),
        **more,
    )


class Query:
    """The offers' part of Query."""

    active_offers = _offer_list("What the caller could buy now, newest first.")
    event_offers = _offer_list(
        "The offers of an event, newest first; INACTIVE and ALL are for those who manage them.",
        active=OfferListingEnum(default_value=Shown.ACTIVE.value),
    )
    offer = graphene.Field(OfferObject, id=graphene.ID(required=True))
    my_purchased_offers = graphene.List(
        graphene.NonNull(PurchasedOfferType),
        required=True,
        event_id=graphene.ID(),
        limit=graphene.Int(default_value=_LIMIT),
        offset=graphene.Int(default_value=0),
    )

    @staticmethod
    def resolve_active_offers(root: None, info: Any, **asked: Any) -> Sequence[Offer]:
        """List what could be bought."""
        return _listed(info, asked, Shown.ACTIVE)

    @staticmethod
    def resolve_event_offers(root: None, info: Any, active: Any, **asked: Any) -> Sequence[Offer]:
        """List an event's offers."""
        return _listed(info, asked, Shown(value_of(active)))

    @staticmethod
    def resolve_offer(root: None, info: Any, id: str) -> Offer:  # noqa: A002 the contract's name
        """Return one offer."""
        return reading.offer_for(info.context.actor, an_id(id, "id"), now=clock.now())

    @staticmethod
    def resolve_my_purchased_offers(root: None, info: Any, **asked: Any) -> Sequence[Purchase]:
        """List what the caller bought."""
        event_id = None if asked.get("event_id") is None else an_id(asked["event_id"], "event_id")
        rows, _ = page_of_purchases(caller(info).pk, _page(asked), now=clock.now(), event_id=event_id)
        return rows


def caller(info: Any) -> User:
    """Return the signed-in user; raises ``Unauthenticated``."""
    user = info.context.user_account
    if not isinstance(user, User):
        raise Unauthenticated
    return user


def _listed(info: Any, asked: dict[str, Any], shown: Shown) -> Sequence[Offer]:
    session_id = asked.get("session_id")
    query = OfferQuery(
        event_id=an_id(asked["event_id"], "event_id"),
        actor=info.context.actor,
        placement=value_of(asked.get("placement")),
        session_id=None if session_id is None else an_id(session_id, "session_id"),
        shown=shown,
    )
    offers, _ = reading.page_of_offers(query, _page(asked), now=clock.now())
    return offers


def _page(asked: dict[str, Any]) -> Page:
    # The view refuses limits outside of 1 to 200, and offsets below 0, before anything runs.
    return Page(limit=asked.get("limit") or _LIMIT, offset=asked.get("offset") or 0)
