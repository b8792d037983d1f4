"""``ticketTiers`` and ``myTickets``."""

from __future__ import annotations

import graphene
from graphql import GraphQLResolveInfo

from common.graphql import wanted
from common.money import decimal_string
from events.graphql import EventType, read_id
from tickets import selectors
from tickets.models import Ticket, TicketTier


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


class Query:
    """This room's part of the root."""

    ticket_tiers = graphene.List(
        graphene.NonNull(TicketTierType), event_id=graphene.ID(required=True), required=True
    )
    my_tickets = graphene.List(
        graphene.NonNull(TicketType),
        limit=graphene.Int(default_value=50),
        offset=graphene.Int(default_value=0),
        required=True,
    )

    @staticmethod
    def resolve_ticket_tiers(root: None, info: GraphQLResolveInfo, event_id: str) -> list[TicketTier]:
        """Return the tiers on sale of a visible event."""
        return list(selectors.tiers_of(info.context.actor, read_id(event_id)))

    @staticmethod
    def resolve_my_tickets(root: None, info: GraphQLResolveInfo, limit: int, offset: int) -> list[Ticket]:
        """Return one's own tickets, the newest first; the view bounds the pages of every list."""
        tickets = selectors.my_tickets(info.context.actor)
        if "sessions" in wanted(info).get("event", {}):
            tickets = tickets.prefetch_related("event__sessions")
        return list(tickets[offset : offset + limit])
