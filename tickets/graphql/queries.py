"""``ticketTiers``, ``myTickets`` and ``ticketQr``."""

from __future__ import annotations

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from common import clock
from common.graphql import an_id, value_of, wanted
from events.graphql import read_id
from tickets import selectors
from tickets.graphql.types import TicketCodeKindEnum, TicketCodeType, TicketTierType, TicketType
from tickets.models import CodeKind, Ticket, TicketTier
from tickets.services.showing import show_code
from tickets.types import ShownCode


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
    ticket_qr = graphene.Field(
        TicketCodeType,
        required=True,
        description="A fresh code of a ticket of one's own.",
        ticket_id=graphene.ID(required=True),
        kind=TicketCodeKindEnum(default_value=CodeKind.LIVE.value, required=True),
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

    @staticmethod
    def resolve_ticket_qr(root: None, info: GraphQLResolveInfo, ticket_id: str, kind: Any) -> ShownCode:
        """Return a code to be shown."""
        wanted_kind = CodeKind(value_of(kind))
        return show_code(info.context.actor, an_id(ticket_id, "ticket_id"), kind=wanted_kind, now=clock.now())
