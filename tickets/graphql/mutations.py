"""Doors and staff acts: the same services as REST."""

from datetime import datetime
from typing import Any
from uuid import UUID

import graphene

from common import clock
from common.errors import NotFound, Unauthenticated
from common.graphql import an_id, value_of
from common.rest import client_network
from payments.graphql import PurchaseResultType
from payments.types import PurchaseAnswer
from tickets.graphql.types import ScanAnswerType, ScanDirectionEnum, StaffTicketType
from tickets.models import Direction, Ticket, TicketTier
from tickets.services import reissuing
from tickets.services.checkout import buy_tickets
from tickets.services.scanning import scan_ticket
from tickets.types import BuyTickets, ScanAnswer, ScanTicket


class CreateCheckoutSession(graphene.Mutation):
    """Hold tickets of a tier and answer where to pay; the ``Idempotency-Key`` header counts as on REST."""

    class Arguments:
        """What to buy."""

        tier_id = graphene.ID(required=True)
        quantity = graphene.Int(default_value=1, required=True)
        event_id = graphene.ID(description="The tier's event; not needed.")

    Output = PurchaseResultType

    @staticmethod
    def mutate(
        root: None, info: Any, tier_id: str, quantity: int, event_id: str | None = None
    ) -> PurchaseAnswer:
        """Buy."""
        user = info.context.user_account
        if user is None:
            raise Unauthenticated
        tier = an_id(tier_id, "tier_id")
        wish = BuyTickets(
            event_id=_event_of(tier) if event_id is None else an_id(event_id, "event_id"),
            tier_id=tier,
            quantity=quantity,
            buyer_id=user.pk,
            buyer_email=user.email,
            key=info.context.headers.get("Idempotency-Key"),
            network=client_network(info.context),
        )
        return buy_tickets(wish, now=clock.now())


def _event_of(tier_id: UUID) -> UUID:
    event_id = TicketTier.objects.filter(pk=tier_id).values_list("event_id", flat=True).first()
    if event_id is None:
        raise NotFound
    return event_id


class ScanTicketMutation(graphene.Mutation):
    """Let somebody through a door, or say why not; for scanners of the event's organization."""

    class Arguments:
        """One scan."""

        event_id = graphene.ID(required=True)
        code = graphene.String(required=True, description="What the camera read, or the typed code.")
        gate = graphene.String(default_value="", required=True)
        nonce = graphene.String(
            default_value="",
            required=True,
            description="One for each scan: sent again, the answer is the same.",
        )
        direction = ScanDirectionEnum(default_value=Direction.IN.value, required=True)
        scanned_at = graphene.DateTime(description="When it was scanned, if it is sent later.")

    Output = ScanAnswerType

    @staticmethod
    def mutate(
        root: None,
        info: Any,
        event_id: str,
        code: str,
        gate: str,
        nonce: str,
        direction: Any,
        scanned_at: datetime | None = None,
    ) -> ScanAnswer:
        """Scan."""
        scan = ScanTicket(
            actor=info.context.actor,
            event_id=an_id(event_id, "event_id"),
            code=code,
            gate=gate,
            nonce=nonce,
            direction=Direction(value_of(direction)),
            scanned_at=scanned_at,
        )
        return scan_ticket(scan, now=clock.now())


class ReissueTicket(graphene.Mutation):
    """Give a ticket new codes; those from before open nothing any more. For staff."""

    class Arguments:
        """Which, and why."""

        id = graphene.ID(required=True)
        reason = graphene.String(default_value="", required=True)

    Output = StaffTicketType

    @staticmethod
    def mutate(root: None, info: Any, id: str, reason: str) -> Ticket:  # noqa: A002 the field's name
        """Re-issue it."""
        return _act(reissuing.reissue_ticket, info, id, reason)


class VoidTicket(graphene.Mutation):
    """End a ticket; its place is on sale again. No money moves. For staff."""

    class Arguments:
        """Which, and why."""

        id = graphene.ID(required=True)
        reason = graphene.String(required=True)

    Output = StaffTicketType

    @staticmethod
    def mutate(root: None, info: Any, id: str, reason: str) -> Ticket:  # noqa: A002 the field's name
        """Void it."""
        return _act(reissuing.void_ticket, info, id, reason)


def _act(service: Any, info: Any, ticket_id: str, reason: str) -> Ticket:
    actor = info.context.actor
    if not actor.is_authenticated:
        raise Unauthenticated
    ticket: Ticket = service(actor=actor, ticket_id=an_id(ticket_id, "id"), reason=reason, now=clock.now())
    return ticket


class Mutation:
    """The tickets' part of Mutation."""

    create_checkout_session = CreateCheckoutSession.Field()
    scan_ticket = ScanTicketMutation.Field()
    reissue_ticket = ReissueTicket.Field()
    void_ticket = VoidTicket.Field()
