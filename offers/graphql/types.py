"""Types of offers and purchases. Relations come prefetched; one that does not is an error, never a query."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import graphene

from common import clock
from common.graphql import Entity, Wanted
from common.money import decimal_string
from offers.models import FulfillmentStatus, Offer, OfferType, Placement, Purchase
from offers.selectors.catalog import offers_by_id
from offers.services.goods import fulfillment_details, fulfillment_of
from offers.types import Shown
from payments.graphql import CheckoutOrderType, order_summary

OfferTypeEnum = graphene.Enum("OfferTypeEnum", [(value, value) for value in OfferType.values])
OfferPlacementEnum = graphene.Enum("OfferPlacementEnum", [(value, value) for value in Placement.values])
OfferListingEnum = graphene.Enum("OfferListingEnum", [(shown.name, shown.value) for shown in Shown])
FulfillmentStatusEnum = graphene.Enum(
    "FulfillmentStatusEnum", [(value, value) for value in FulfillmentStatus.values]
)


class OfferInventoryType(graphene.ObjectType):
    """The stock of an offer, in units."""

    total = graphene.Int(description="Null: no limit of its own.")
    available = graphene.Int(description="Null: unlimited. Of an upgrade no more than its tier has places.")
    sold = graphene.Int(required=True)
    reserved = graphene.Int(required=True)


class OfferObject(graphene.ObjectType):
    """Something to buy at an event."""

    class Meta:
        name = "OfferType"

    id = graphene.ID(required=True)
    event_id = graphene.ID(required=True)
    title = graphene.String(required=True)
    description = graphene.String(required=True)
    price = graphene.String(required=True, description="A decimal, such as 19.99.")
    original_price = graphene.String()
    currency = graphene.String(required=True)
    offer_type = graphene.Field(OfferTypeEnum, required=True)
    image_url = graphene.String(required=True)
    placement = graphene.Field(OfferPlacementEnum, required=True)
    target_sessions = graphene.List(graphene.NonNull(graphene.ID), required=True)
    target_ticket_tiers = graphene.List(graphene.NonNull(graphene.ID), required=True)
    starts_at = graphene.DateTime()
    expires_at = graphene.DateTime()
    is_active = graphene.Boolean(required=True)
    is_archived = graphene.Boolean(required=True)
    is_available = graphene.Boolean(required=True)
    stripe_price_id = graphene.String(required=True)
    per_user_limit = graphene.Int()
    requires_offer_id = graphene.ID()
    excludes_offer_id = graphene.ID()
    upgrade_to_tier_id = graphene.ID()
    inventory = graphene.Field(OfferInventoryType, required=True)
    created_at = graphene.DateTime(required=True)

    @staticmethod
    def resolve_price(offer: Offer, info: Any) -> str:
        """Return the price as a decimal of its currency."""
        return decimal_string(offer.price)

    @staticmethod
    def resolve_original_price(offer: Offer, info: Any) -> str | None:
        """Return the price it is compared with."""
        return None if offer.original_price is None else decimal_string(offer.original_price)

    @staticmethod
    def resolve_inventory(offer: Offer, info: Any) -> OfferInventoryType:
        """Return the stock, with what SQL computed to be left."""
        return OfferInventoryType(
            total=offer.inventory_total, available=offer.available, sold=offer.sold, reserved=offer.reserved
        )


def _offers(request: Any, ids: Collection[UUID], fields: Wanted) -> dict[UUID, Offer]:
    return offers_by_id(request.actor, ids, now=clock.now())


ENTITIES = (Entity(OfferObject, _offers, Offer),)


class UpgradedTicketType(graphene.ObjectType):
    """The ticket that an upgrade moved."""

    id = graphene.ID(required=True)
    number = graphene.String(required=True)
    tier = graphene.String(required=True)


class OfferFulfillmentType(graphene.ObjectType):
    """What the buyer got."""

    access_code = graphene.String()
    access_url = graphene.String()
    carrier = graphene.String()
    tracking_number = graphene.String()
    appointment_at = graphene.DateTime()
    revoked_at = graphene.DateTime()
    ticket = graphene.Field(UpgradedTicketType)

    @staticmethod
    def resolve_appointment_at(details: dict[str, Any], info: Any) -> datetime | None:
        """Return when the service takes place."""
        return _instant(details.get("appointment_at"))

    @staticmethod
    def resolve_revoked_at(details: dict[str, Any], info: Any) -> datetime | None:
        """Return when the goods were taken back."""
        return _instant(details.get("revoked_at"))


class PurchasedOfferType(graphene.ObjectType):
    """One purchase of the caller."""

    id = graphene.ID(required=True)
    event_id = graphene.ID(required=True)
    quantity = graphene.Int(required=True)
    offer = graphene.Field(OfferObject, required=True)
    order = graphene.Field(CheckoutOrderType, required=True)
    fulfillment_status = graphene.Field(FulfillmentStatusEnum)
    fulfillment = graphene.Field(OfferFulfillmentType, required=True)
    created_at = graphene.DateTime(required=True)
    purchased_at = graphene.DateTime()

    @staticmethod
    def resolve_order(purchase: Purchase, info: Any) -> dict[str, Any]:
        """Return the order that paid for it."""
        order = purchase.order
        return order_summary(order.pk, order.number, order.status.value, order.amount, order.currency)

    @staticmethod
    def resolve_fulfillment_status(purchase: Purchase, info: Any) -> str | None:
        """Return how far the goods are; null before they are paid."""
        fulfillment = fulfillment_of(purchase)
        return None if fulfillment is None else fulfillment.status

    @staticmethod
    def resolve_fulfillment(purchase: Purchase, info: Any) -> dict[str, Any]:
        """Return what the buyer got."""
        return fulfillment_details(purchase, fulfillment_of(purchase))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
