"""Tickets on paper, on REST."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request
from common import clock
from tickets.files import pdf_answer
from tickets.rest.renderers import PdfRenderer
from tickets.services.printing import print_ticket


class PdfView(APIView):
    """``tickets/{id}/pdf``."""

    renderer_classes = (PdfRenderer,)

    @extend_schema(
        operation_id="get_ticket_pdf", responses={(200, PdfRenderer.media_type): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, ticket_id: UUID) -> HttpResponse:
        """Return a ticket of one's own as a page for printing, with its printed code.

        409 `printed_codes_off` where the event's doors take no paper, `ticket_void` for a void ticket, `ticket_stopped`
        while its payment is in question.
        """
        return pdf_answer(print_ticket(actor_of_request(request), ticket_id, now=clock.now()))
