"""Tiers, tickets, codes and scans as GraphQL shows them."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from common.money import decimal_string
from events.graphql import EventType
from tickets.models import CodeKind, Direction, ScanReason, ScanResult, Ticket, TicketTier
from tickets.services import pictures
from tickets.services.showing import is_printable
from tickets.types import ShownCode

TicketCodeKindEnum = graphene.Enum(
    "TicketCodeKind", [(kind.value, kind.value) for kind in (CodeKind.LIVE, CodeKind.PRINTED)]
)
ScanDirectionEnum = graphene.Enum("ScanDirection", [(value, value) for value in Direction.values])
ScanResultEnum = graphene.Enum("ScanResult", [(value, value) for value in ScanResult.values])
ScanReasonEnum = graphene.Enum("ScanReason", [(value, value) for value in ScanReason.values])


class TicketTierType(graphene.ObjectType):
    """A kind of ticket. Without a total it is unlimited and ``available`` is null."""

    id = graphene.ID(required=True)
    event_id = graphene.ID(required=True)
    name = graphene.String(required=True)
    description = graphene.String(required=True)
    priority = graphene.String(required=True)
    price = graphene.String(required=True)
    currency = graphene.String(required=True)
    inventory_total = graphene.Int()
    sold = graphene.Int(required=True)
    available = graphene.Int()
    per_user_limit = graphene.Int()

    @staticmethod
    def resolve_price(root: TicketTier, info: GraphQLResolveInfo) -> str:
        """Answer the price as a decimal string."""
        return decimal_string(root.price)


class TicketType(graphene.ObjectType):
    """A ticket of one's own."""

    id = graphene.ID(required=True)
    number = graphene.String(required=True)
    status = graphene.String(required=True)
    event = graphene.Field(EventType, required=True)
    tier = graphene.Field(TicketTierType, required=True)
    issued_at = graphene.DateTime(required=True)
    first_scanned_at = graphene.DateTime()
    is_printable = graphene.Boolean(
        required=True, description="Whether REST's `tickets/{id}/pdf` gives a page for printing."
    )

    @staticmethod
    def resolve_is_printable(ticket: Ticket, info: GraphQLResolveInfo) -> bool:
        """Ask the event's policy."""
        return is_printable(ticket)


class TicketCodeType(graphene.ObjectType):
    """A code to be shown. Fetch a fresh live one before ``expiresAt``."""

    ticket_id = graphene.ID(required=True)
    number = graphene.String(required=True)
    kind = graphene.Field(TicketCodeKindEnum, required=True)
    code = graphene.String(required=True, description="What the QR code holds.")
    manual_code = graphene.String(required=True, description="For typing, where no camera works.")
    svg = graphene.String(required=True, description="The QR code as a picture.")
    issued_at = graphene.DateTime(required=True)
    expires_at = graphene.DateTime(required=True)

    @staticmethod
    def resolve_ticket_id(shown: ShownCode, info: Any) -> Any:
        """Name the ticket."""
        return shown.ticket.pk

    @staticmethod
    def resolve_number(shown: ShownCode, info: Any) -> str:
        """Name the ticket as people do."""
        return shown.ticket.number

    @staticmethod
    def resolve_kind(shown: ShownCode, info: Any) -> str:
        """Say in which form it is."""
        return shown.kind.value

    @staticmethod
    def resolve_code(shown: ShownCode, info: Any) -> str:
        """Return the code itself."""
        return shown.text

    @staticmethod
    def resolve_svg(shown: ShownCode, info: Any) -> str:
        """Draw it."""
        return pictures.svg(shown.text).decode()


class ScannedTicketType(graphene.ObjectType):
    """Whose ticket it is."""

    id = graphene.ID(required=True)
    number = graphene.String(required=True)
    status = graphene.String(required=True)
    tier = graphene.Field(TicketTierType, required=True)
    holder_name = graphene.String(required=True)

    @staticmethod
    def resolve_holder_name(ticket: Ticket, info: Any) -> str:
        """Return the name to greet them by."""
        return ticket.holder.name


class ScanAnswerType(graphene.ObjectType):
    """What to do with who stands at the door. ``ticket`` is null unless it is one of this event."""

    result = graphene.Field(ScanResultEnum, required=True)
    reason = graphene.Field(ScanReasonEnum, required=True)
    message = graphene.String(required=True)
    first_scanned_at = graphene.DateTime()
    first_gate = graphene.String(required=True)
    is_late = graphene.Boolean(required=True)
    ticket = graphene.Field(ScannedTicketType)

    @staticmethod
    def resolve_result(answer: Any, info: Any) -> str:
        """Return the contract's word."""
        return str(answer.result.value)

    @staticmethod
    def resolve_reason(answer: Any, info: Any) -> str:
        """Return why."""
        return str(answer.reason.value)


class StaffTicketType(graphene.ObjectType):
    """A ticket as staff see it after an act."""

    id = graphene.ID(required=True)
    number = graphene.String(required=True)
    status = graphene.String(required=True)
    generation = graphene.Int(required=True, description="Codes of earlier ones open nothing.")
