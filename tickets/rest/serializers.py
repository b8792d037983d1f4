"""Shapes of tiers and tickets."""

from typing import Any

from rest_framework import serializers

from common.rest import DecimalPriceField, StrictSerializer
from common.rest.fields import WholeNumberField
from tickets.models import CodeKind, Direction, ScanReason, ScanResult, Ticket, TicketStatus, TicketTier
from tickets.services import pictures
from tickets.services.showing import is_printable
from tickets.types import MAXIMUM_GATE, MAXIMUM_NONCE, MAXIMUM_QUANTITY, ShownCode

# Forms in which a ticket's code can be asked for.
SHOWN_KINDS = (CodeKind.LIVE.value, CodeKind.PRINTED.value)


class TierAnswer(serializers.ModelSerializer[TicketTier]):
    """A tier on sale. Without a total it is unlimited and ``available`` is null."""

    price = DecimalPriceField(read_only=True)
    available = serializers.IntegerField(allow_null=True, read_only=True)

    class Meta:
        model = TicketTier
        fields = (
            "id", "event_id", "name", "description", "priority", "price", "currency", "inventory_total",
            "sold", "available", "per_user_limit",
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
    is_printable = serializers.SerializerMethodField(help_text="Whether `pdf` gives a page for printing.")

    class Meta:
        model = Ticket
        fields = (
            "id", "number", "status", "event", "tier", "issued_at", "first_scanned_at", "is_printable",
        )  # fmt: skip
        read_only_fields = fields

    def get_is_printable(self, ticket: Ticket) -> bool:
        """Ask the event's policy."""
        return is_printable(ticket)


class QrAnswer(serializers.Serializer[Any]):
    """A code to be shown. Fetch a fresh live one before ``expires_at``."""

    ticket_id = serializers.UUIDField(source="ticket.pk")
    number = serializers.CharField(source="ticket.number")
    kind = serializers.ChoiceField(choices=SHOWN_KINDS)
    code = serializers.CharField(source="text", help_text="What the QR code holds.")
    manual_code = serializers.CharField(help_text="For typing, where no camera works.")
    svg = serializers.SerializerMethodField(help_text="The QR code as a picture.")
    issued_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_svg(self, shown: ShownCode) -> str:
        """Draw it."""
        return pictures.svg(shown.text).decode()


class ScanSerializer(StrictSerializer):
    """One scan at a door."""

    code = serializers.CharField(help_text="What the camera read, or the typed code.")
    event_id = serializers.UUIDField()
    gate = serializers.CharField(
        required=False, allow_blank=True, default="", help_text=f"Up to {MAXIMUM_GATE} characters."
    )
    nonce = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text=f"Up to {MAXIMUM_NONCE} characters, one for each scan: sent again, the answer is the same.",
    )
    direction = serializers.ChoiceField(choices=Direction.choices, required=False, default=Direction.IN)
    scanned_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="When it was scanned, if it is sent later."
    )


class ScannedTicketAnswer(serializers.Serializer[Any]):
    """Whose ticket it is."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=TicketStatus.choices)
    tier = TicketTierAnswer()
    holder_name = serializers.CharField(source="holder.name")


class ScanResultAnswer(serializers.Serializer[Any]):
    """What to do with who stands at the door. ``ticket`` is null unless it is one of this event."""

    result = serializers.ChoiceField(choices=ScanResult.choices)
    reason = serializers.ChoiceField(choices=ScanReason.choices)
    message = serializers.CharField()
    first_scanned_at = serializers.DateTimeField(allow_null=True)
    first_gate = serializers.CharField()
    is_late = serializers.BooleanField()
    ticket = ScannedTicketAnswer(allow_null=True)


class ReissueSerializer(StrictSerializer):
    """Why a ticket gets new codes."""

    reason = serializers.CharField(required=False, allow_blank=True, default="")


class VoidSerializer(StrictSerializer):
    """Why a ticket ends."""

    reason = serializers.CharField()


class StaffTicketAnswer(serializers.Serializer[Any]):
    """A ticket as staff see it after an act."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=TicketStatus.choices)
    generation = serializers.IntegerField(help_text="Codes of earlier ones open nothing.")


class DoorAnswer(serializers.Serializer[Any]):
    """How an event checks in, and how many came."""

    event_id = serializers.UUIDField()
    accepts_printed = serializers.BooleanField()
    allows_reentry = serializers.BooleanField()
    tickets = serializers.IntegerField(help_text="Valid ones.")
    admitted = serializers.IntegerField(help_text="Of these, who came at least once.")
    inside = serializers.IntegerField(help_text="Of these, who is inside as far as the doors know.")


class CheckoutSerializer(StrictSerializer):
    """Which tickets to buy; all of them are the buyer's."""

    tier_id = serializers.UUIDField()
    quantity = WholeNumberField(lowest=1, highest=MAXIMUM_QUANTITY, default=1, help_text="1 to 20.")
