"""Shapes of orders and refunds on REST."""

from typing import Any

from rest_framework import serializers

from common.rest import MoneyField, StrictSerializer
from payments.answers import SHOWN_REFUND_STATUSES
from payments.models import OrderStatus, PaymentStatus


class RefundRequestSerializer(StrictSerializer):
    """Money to give back: all that is left unless an amount is named."""

    amount = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, help_text="Minor units; all that is left."
    )
    reason = serializers.CharField(max_length=500)
    restock_units = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0,
        help_text="Units that come back; if not said: all, when all money goes back for goods nobody has.",
    )  # fmt: skip


class ReturnSerializer(StrictSerializer):
    """The buyer is back from Stripe's page."""

    session_id = serializers.CharField(required=False, allow_blank=True, default="", max_length=255)


class RefundSerializer(serializers.Serializer[Any]):
    """A refund."""

    id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=SHOWN_REFUND_STATUSES)
    amount = MoneyField()
    reason = serializers.CharField()
    restock_units = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class OrderItemSerializer(serializers.Serializer[Any]):
    """What was bought, and what the buyer got of it."""

    offer_id = serializers.UUIDField(required=False)
    tier_id = serializers.UUIDField(required=False)
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_amount = MoneyField()
    fulfillment_status = serializers.CharField(allow_null=True)
    fulfillment = serializers.DictField(allow_null=True)


class OrderPaymentSerializer(serializers.Serializer[Any]):
    """How it was paid."""

    status = serializers.ChoiceField(choices=PaymentStatus.choices)
    method_type = serializers.CharField(allow_null=True)
    brand = serializers.CharField(allow_null=True)
    last4 = serializers.CharField(allow_null=True)


class OrderSerializer(serializers.Serializer[Any]):
    """An order; ``stripe_checkout_url`` and ``expires_at`` while it can be paid."""

    id = serializers.UUIDField()
    order_number = serializers.CharField()
    status = serializers.ChoiceField(choices=OrderStatus.choices)
    total_amount = MoneyField()
    refunded_amount = MoneyField()
    currency = serializers.CharField()
    items = OrderItemSerializer(many=True)
    payment = OrderPaymentSerializer(allow_null=True)
    refunds = RefundSerializer(many=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    stripe_checkout_url = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class CheckoutOrderSerializer(serializers.Serializer[Any]):
    """The order that a purchase made."""

    id = serializers.UUIDField()
    order_number = serializers.CharField()
    status = serializers.ChoiceField(choices=OrderStatus.choices)
    total_amount = MoneyField()


class PurchaseAnswerSerializer(serializers.Serializer[Any]):
    """Where to pay, and until when the units are held. All null but ``order`` when there is nothing to
    pay.
    """

    checkout_session_id = serializers.CharField(allow_null=True)
    stripe_checkout_url = serializers.URLField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    order = CheckoutOrderSerializer()
