"""Shapes of offers and purchases on REST. Rules of an offer are the service's (``offers.services.rules``)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest import DecimalPriceField, MoneyField, PriceTextField, ReadBody, StrictSerializer
from common.rest.fields import WholeNumberField
from offers.models import FulfillmentStatus, Offer, OfferType, Placement, Purchase, PurchaseStatus
from offers.services.goods import fulfillment_details, fulfillment_of
from offers.types import MAXIMUM_QUANTITY, MAXIMUM_TARGETS, OfferInput
from payments.models import OrderStatus


class OfferWriteSerializer(StrictSerializer):
    """What a caller may say about an offer; every field may be left out of a PATCH."""

    title = serializers.CharField(
        required=False, allow_blank=True, help_text="1 to 200 characters; required."
    )
    description = serializers.CharField(required=False, allow_blank=True, help_text="Up to 5000 characters.")
    offer_type = serializers.CharField(required=False, help_text=f"Required. {', '.join(OfferType.values)}.")
    placement = serializers.CharField(required=False, help_text=f"{', '.join(Placement.values)}.")
    price = PriceTextField(required=False)
    original_price = PriceTextField(required=False, allow_null=True)
    currency = serializers.CharField(required=False, help_text="The event's; nothing else is sold there.")
    image_url = serializers.CharField(required=False, allow_blank=True, help_text="https only.")
    inventory_total = serializers.IntegerField(required=False, allow_null=True, help_text="null: unlimited.")
    per_user_limit = serializers.IntegerField(required=False, allow_null=True, help_text="null: no limit.")
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)
    target_sessions = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=MAXIMUM_TARGETS,
        help_text="Empty: everybody.",
    )
    target_ticket_tiers = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=MAXIMUM_TARGETS,
        help_text="Empty: everybody.",
    )
    requires_offer_id = serializers.UUIDField(required=False, allow_null=True)
    excludes_offer_id = serializers.UUIDField(required=False, allow_null=True)
    upgrade_to_tier_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="To which tier tickets move; required for TICKET_UPGRADE."
    )
    content_url = serializers.CharField(
        required=False, allow_blank=True, help_text="https; where the access code opens the content."
    )
    allows_delayed_payment = serializers.BooleanField(required=False)


class OfferCreateSerializer(OfferWriteSerializer):
    """An offer to be made: its event beside the rest."""

    event_id = serializers.UUIDField()


def input_of(read: ReadBody) -> OfferInput:
    """Return what a body says about an offer, and what of it could not be read, as the catalog takes it."""
    lists: dict[str, Any] = {
        name: tuple(read.said[name])
        for name in ("target_sessions", "target_ticket_tiers")
        if name in read.said
    }
    return OfferInput(**{**read.said, **lists}, unreadable=read.unreadable)


class InventorySerializer(serializers.Serializer[Offer]):
    """The stock of an offer, in units; ``total`` is null when it has no limit of its own.

    ``available`` is what can be bought, of an upgrade no more than its tier has places; null when neither has a limit.
    """

    total = serializers.IntegerField(source="inventory_total", allow_null=True)
    available = serializers.IntegerField(allow_null=True)
    sold = serializers.IntegerField()
    reserved = serializers.IntegerField()


class OfferSerializer(serializers.Serializer[Offer]):
    """An offer, loaded with its availability."""

    id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField()
    offer_type = serializers.ChoiceField(choices=OfferType.choices)
    placement = serializers.ChoiceField(choices=Placement.choices)
    price = DecimalPriceField()
    original_price = DecimalPriceField(allow_null=True)
    currency = serializers.CharField()
    image_url = serializers.CharField()
    inventory = InventorySerializer(source="*")
    per_user_limit = serializers.IntegerField(allow_null=True)
    target_sessions = serializers.ListField(child=serializers.UUIDField())
    target_ticket_tiers = serializers.ListField(child=serializers.UUIDField())
    requires_offer_id = serializers.UUIDField(allow_null=True)
    excludes_offer_id = serializers.UUIDField(allow_null=True)
    upgrade_to_tier_id = serializers.UUIDField(allow_null=True)
    allows_delayed_payment = serializers.BooleanField()
    starts_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    is_active = serializers.BooleanField()
    is_archived = serializers.BooleanField()
    is_available = serializers.BooleanField()
    stripe_price_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class OfferPageSerializer(serializers.Serializer[Any]):
    """A page of offers."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = OfferSerializer(many=True)


class AvailabilitySerializer(serializers.Serializer[Any]):
    """Whether so many units could be bought now; ``reason`` is the code a purchase would get."""

    offer_id = serializers.UUIDField()
    quantity = serializers.IntegerField()
    is_available = serializers.BooleanField()
    available = serializers.IntegerField(
        allow_null=True, help_text="null: unlimited. Of an upgrade no more than its tier has places."
    )
    reason = serializers.CharField(allow_null=True)


class PurchaseSerializer(StrictSerializer):
    """What to buy."""

    quantity = WholeNumberField(
        lowest=1, highest=MAXIMUM_QUANTITY, default=1, help_text="1 to 20; 1 for an upgrade."
    )
    ticket_id = serializers.UUIDField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Which ticket an upgrade moves, if there are several.",
    )


class PurchaseOrderSerializer(serializers.Serializer[Any]):
    """The order of a purchase, as far as a list shows it."""

    id = serializers.UUIDField()
    order_number = serializers.CharField(source="number")
    status = serializers.ChoiceField(choices=OrderStatus.choices)
    total_amount = MoneyField(source="total")


class PurchasedOfferSerializer(serializers.Serializer[Any]):
    """The offer of a purchase, as far as a list shows it."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    offer_type = serializers.ChoiceField(choices=OfferType.choices)
    image_url = serializers.CharField()


class MyPurchaseSerializer(serializers.Serializer[Purchase]):
    """One purchase of the caller, with what they got."""

    id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    quantity = serializers.IntegerField()
    status = serializers.ChoiceField(choices=PurchaseStatus.choices)
    offer = PurchasedOfferSerializer()
    order = PurchaseOrderSerializer()
    fulfillment_status = serializers.SerializerMethodField()
    fulfillment = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    purchased_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=FulfillmentStatus.choices, allow_null=True))
    def get_fulfillment_status(self, purchase: Purchase) -> str | None:
        """Return how far the goods are; null before they are paid."""
        fulfillment = fulfillment_of(purchase)
        return None if fulfillment is None else fulfillment.status

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_fulfillment(self, purchase: Purchase) -> dict[str, Any]:
        """Return what the buyer got."""
        return fulfillment_details(purchase, fulfillment_of(purchase))


class MyPurchasePageSerializer(serializers.Serializer[Any]):
    """A page of purchases."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = MyPurchaseSerializer(many=True)
