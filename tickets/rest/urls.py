"""Addresses of this room, under ``/api/v1/``."""

from common.rest import optional_slash
from tickets.rest.views import MyTickets, TierList

urlpatterns = [
    optional_slash("events/<uuid:event_id>/ticket-tiers", TierList.as_view(), name="event-ticket-tiers"),
    optional_slash("me/tickets", MyTickets.as_view(), name="my-tickets"),
]
