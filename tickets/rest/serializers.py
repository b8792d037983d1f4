"""Shapes of tiers and tickets."""

from typing import Any

from rest_framework import serializers

from common.rest import DecimalPriceField
from tickets.models import Ticket, TicketTier


class TierAnswer(serializers.ModelSerializer[TicketTier]):
    """A tier on sale. Without a total it is unlimited and ``available`` is null."""

    price = DecimalPriceField(read_only=True)
    available = serializers.IntegerField(allow_null=True, read_only=True)

    class Meta:
        model = TicketTier
        fields = (
            "id", "event_id", "name", "description", "priority", "price", "currency", "inventory_total",
            "sold",
            "available",
        )  # fmt: skip
        read_only_fields = fields


class TicketEventAnswer(serializers.Serializer[Any]):
    """The event that a ticket opens."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()
    time_zone = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class TicketTierAnswer(serializers.Serializer[Any]):
    """What kind of ticket it is."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    priority = serializers.CharField()


class TicketAnswer(serializers.ModelSerializer[Ticket]):
    """A ticket of one's own."""

    event = TicketEventAnswer()
    tier = TicketTierAnswer()

    class Meta:
        model = Ticket
        fields = ("id", "number", "status", "event", "tier", "issued_at")
        read_only_fields = fields
