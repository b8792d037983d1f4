"""Codes and doors on REST."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from common import clock
from common.errors import Invalid
from common.requests import bind
from tickets import selectors
from tickets.models import CodeKind, Direction
from tickets.rest.renderers import PngRenderer, SvgRenderer
from tickets.rest.serializers import (
    SHOWN_KINDS,
    DoorAnswer,
    QrAnswer,
    ReissueSerializer,
    ScanResultAnswer,
    ScanSerializer,
    StaffTicketAnswer,
    VoidSerializer,
)
from tickets.services import pictures, reissuing
from tickets.services.scanning import scan_ticket
from tickets.services.showing import show_code
from tickets.types import ScanTicket


class QrView(APIView):
    """``tickets/{id}/qr``."""

    renderer_classes = (JSONRenderer, PngRenderer, SvgRenderer)

    @extend_schema(
        operation_id="get_ticket_qr",
        parameters=[
            OpenApiParameter("kind", OpenApiTypes.STR, enum=SHOWN_KINDS, description="LIVE if not said."),
        ],
        responses={
            (200, "application/json"): QrAnswer,
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/svg+xml"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, ticket_id: UUID) -> HttpResponse:
        """Return a fresh code of a ticket of one's own as JSON, PNG or SVG, by ``Accept``."""
        shown = show_code(actor_of_request(request), ticket_id, kind=_kind(request), now=clock.now())
        answer: HttpResponse
        if isinstance(request.accepted_renderer, PngRenderer):
            answer = HttpResponse(pictures.png(shown.text), content_type=PngRenderer.media_type)
        elif isinstance(request.accepted_renderer, SvgRenderer):
            answer = HttpResponse(pictures.svg(shown.text), content_type=SvgRenderer.media_type)
        else:
            answer = Response(QrAnswer(shown).data)
        answer["Cache-Control"] = "no-store"
        return answer


class ScanView(APIView):
    """``checkin/scan``."""

    @extend_schema(operation_id="scan_ticket", request=ScanSerializer, responses=ScanResultAnswer)
    def post(self, request: Request) -> Response:
        """Let somebody through a door, or say why not; for scanners of the event's organization."""
        user = require_user(request)
        body = ScanSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given: dict[str, Any] = body.validated_data
        bind(event_id=given["event_id"], user_id=user.pk)
        direction = Direction(given.pop("direction"))
        scan = ScanTicket(actor=actor_of_request(request), direction=direction, **given)
        answer = scan_ticket(scan, now=clock.now())
        bind(scan_result=answer.result.value)
        return Response(ScanResultAnswer(answer).data)


class ReissueView(APIView):
    """``tickets/{id}/reissue``."""

    @extend_schema(operation_id="reissue_ticket", request=ReissueSerializer, responses=StaffTicketAnswer)
    def post(self, request: Request, ticket_id: UUID) -> Response:
        """Give a ticket new codes; those from before open nothing any more."""
        require_user(request)
        body = ReissueSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        ticket = reissuing.reissue_ticket(
            actor=actor_of_request(request), ticket_id=ticket_id, now=clock.now(), **body.validated_data
        )
        return Response(StaffTicketAnswer(ticket).data)


class VoidView(APIView):
    """``tickets/{id}/void``."""

    @extend_schema(operation_id="void_ticket", request=VoidSerializer, responses=StaffTicketAnswer)
    def post(self, request: Request, ticket_id: UUID) -> Response:
        """End a ticket; its place is on sale again. No money moves."""
        require_user(request)
        body = VoidSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        ticket = reissuing.void_ticket(
            actor=actor_of_request(request), ticket_id=ticket_id, now=clock.now(), **body.validated_data
        )
        return Response(StaffTicketAnswer(ticket).data)


class DoorView(APIView):
    """``events/{id}/checkin``."""

    @extend_schema(operation_id="get_event_checkin", responses=DoorAnswer)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return how an event checks in and how many came; for its scanners."""
        return Response(DoorAnswer(selectors.door_of(actor_of_request(request), event_id)).data)


def _kind(request: Request) -> CodeKind:
    text = request.query_params.get("kind") or CodeKind.LIVE.value
    if text not in SHOWN_KINDS:
        raise Invalid.field("kind", "invalid_choice", f"One of {', '.join(SHOWN_KINDS)}.")
    return CodeKind(text)
