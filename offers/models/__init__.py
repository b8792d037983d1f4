"""The tables of this room: offers with their stock, what was bought of them, and what the buyers got."""

from offers.models.fulfilments import (
    Fulfillment,
    FulfillmentStatus,
    MerchandiseFulfillment,
    ServiceFulfillment,
)
from offers.models.offers import Offer, OfferType, Placement
from offers.models.purchases import Purchase, PurchaseStatus

__all__ = [
    "Fulfillment",
    "FulfillmentStatus",
    "MerchandiseFulfillment",
    "Offer",
    "OfferType",
    "Placement",
    "Purchase",
    "PurchaseStatus",
    "ServiceFulfillment",
]
