"""Sponsors and their leads on REST: parse the shape, call one service, shape the answer."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from ads.files import csv_answer
from ads.models import Lead, LeadSource, Sponsor
from ads.rest.sponsor_shapes import LeadAnswer, LeadSerializer, SponsorAnswer
from ads.selectors.leads import leads_of
from ads.selectors.sponsors import sponsors_of
from ads.services import exports
from ads.services.leads import give_lead
from ads.types.sponsors import LeadInput
from common import clock
from common.rest import FileNegotiation, read_body
from common.rest.queries import refuse_unknown

_FILTERS = [
    OpenApiParameter("search", OpenApiTypes.STR, description="Part of a name, an e-mail or a company."),
    OpenApiParameter("source", OpenApiTypes.STR, enum=LeadSource.values),
]


class EventSponsorsView(ListAPIView[Sponsor]):
    """``GET events/{id}/sponsors``."""

    serializer_class = SponsorAnswer
    filter_backends = ()
    queryset = Sponsor.objects.none()

    @extend_schema(operation_id="list_sponsors")
    def get(self, request: Request, event_id: UUID) -> Response:
        """List an event's active sponsors, by name."""
        return self.list(request)

    def get_queryset(self) -> QuerySet[Sponsor]:
        """Return the sponsors of the event that the address names."""
        return sponsors_of(actor_of_request(self.request), self.kwargs["event_id"])


class LeadsView(ListAPIView[Lead]):
    """``sponsors/{id}/leads``."""

    serializer_class = LeadAnswer
    filter_backends = ()
    queryset = Lead.objects.none()

    @extend_schema(operation_id="list_leads", parameters=_FILTERS)
    def get(self, request: Request, sponsor_id: UUID) -> Response:
        """List the leads, the newest first. For the sponsor's people and the organizer's staff."""
        return self.list(request)

    @extend_schema(
        operation_id="give_lead", request=LeadSerializer, responses={201: LeadAnswer, 200: LeadAnswer}
    )
    def post(self, request: Request, sponsor_id: UUID) -> Response:
        """Keep a lead. 200 with the same id when the sponsor has this address already.

        The sponsor's people and the organizer's staff give anybody, an attendee gives themselves.
        """
        require_user(request)
        read = read_body(LeadSerializer, request.data)
        given = LeadInput(**read.said, unreadable=read.unreadable)
        kept = give_lead(actor=actor_of_request(request), sponsor_id=sponsor_id, given=given, now=clock.now())
        created = status.HTTP_201_CREATED if kept.is_new else status.HTTP_200_OK
        return Response(LeadAnswer(kept.lead).data, status=created)

    def get_queryset(self) -> QuerySet[Lead]:
        """Return the leads that the filters keep."""
        return _leads(self.request, self.kwargs["sponsor_id"])


class LeadsExportView(APIView):
    """``GET sponsors/{id}/leads/export``."""

    content_negotiation_class = FileNegotiation

    @extend_schema(
        operation_id="export_leads", parameters=_FILTERS, responses={(200, "text/csv"): OpenApiTypes.STR}
    )
    def get(self, request: Request, sponsor_id: UUID) -> StreamingHttpResponse:
        """Return the leads as CSV, the newest first; the export is in the audit history."""
        refuse_unknown(request)
        leads = _leads(request, sponsor_id)
        lines = exports.export_leads(actor_of_request(request), leads, now=clock.now())
        return csv_answer(lines)


def _leads(request: Request, sponsor_id: UUID) -> QuerySet[Lead]:
    asked = request.query_params
    return leads_of(
        actor_of_request(request),
        sponsor_id,
        search=asked.get("search", "").strip(),
        source=asked.get("source", ""),
    )
