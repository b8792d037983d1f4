"""Addresses of this room, under ``/api/v1/``."""

from common.rest import optional_slash
from tickets.rest.checkin import DoorView, QrView, ReissueView, ScanView, VoidView
from tickets.rest.checkout import CheckoutView
from tickets.rest.printing import PdfView
from tickets.rest.views import MyTickets, TierList

urlpatterns = [
    optional_slash("checkin/scan", ScanView.as_view(), name="checkin-scan"),
    optional_slash("tickets/<uuid:ticket_id>/qr", QrView.as_view(), name="ticket-qr"),
    optional_slash("tickets/<uuid:ticket_id>/pdf", PdfView.as_view(), name="ticket-pdf"),
    optional_slash("tickets/<uuid:ticket_id>/reissue", ReissueView.as_view(), name="ticket-reissue"),
    optional_slash("tickets/<uuid:ticket_id>/void", VoidView.as_view(), name="ticket-void"),
    optional_slash("events/<uuid:event_id>/checkout", CheckoutView.as_view(), name="event-checkout"),
    optional_slash("events/<uuid:event_id>/checkin", DoorView.as_view(), name="event-checkin"),
    optional_slash("events/<uuid:event_id>/ticket-tiers", TierList.as_view(), name="event-ticket-tiers"),
    optional_slash("me/tickets", MyTickets.as_view(), name="my-tickets"),
]
