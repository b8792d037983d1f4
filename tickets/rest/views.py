"""Tiers of an event, tickets of one's own."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.authentication import actor_of_request
from tickets import selectors
from tickets.models import Ticket, TicketTier
from tickets.rest.serializers import TicketAnswer, TierAnswer


class TierList(ListAPIView[TicketTier]):
    """``GET events/{id}/ticket-tiers``."""

    serializer_class = TierAnswer
    filter_backends = ()
    queryset = TicketTier.objects.none()

    @extend_schema(operation_id="list_ticket_tiers")
    def get(self, request: Request, event_id: UUID) -> Response:
        """List the ticket tiers of an event, in the organizer's order."""
        return self.list(request)

    def get_queryset(self) -> QuerySet[TicketTier]:
        """Return the tiers of the event that the address names."""
        return selectors.tiers_of(actor_of_request(self.request), self.kwargs["event_id"])


class MyTickets(ListAPIView[Ticket]):
    """``GET me/tickets``."""

    serializer_class = TicketAnswer
    filter_backends = ()
    queryset = Ticket.objects.none()

    @extend_schema(operation_id="list_my_tickets")
    def get(self, request: Request) -> Response:
        """List one's own tickets, the newest first."""
        return self.list(request)

    def get_queryset(self) -> QuerySet[Ticket]:
        """Return the caller's tickets."""
        return selectors.my_tickets(actor_of_request(self.request))
