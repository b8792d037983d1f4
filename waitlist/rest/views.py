"""The waitlist for attendees: join, look, answer, leave."""

from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from accounts.rest.hot import OwnLookView
from common import clock
from common.rest.schema import IDEMPOTENCY_KEY
from waitlist import selectors
from waitlist.models import EntryStatus
from waitlist.rest.serializers import (
    AcceptedAnswer,
    DeclinedAnswer,
    JoinSerializer,
    PlaceAnswer,
    TokenSerializer,
)
from waitlist.services import answering, leaving
from waitlist.services.once import join_once


class WaitlistView(OwnLookView):
    """``sessions/{id}/waitlist``: one's own place."""

    @extend_schema(
        operation_id="join_waitlist",
        request=JoinSerializer,
        responses={201: PlaceAnswer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Join the queue of a full session."""
        require_user(request)
        body = JoinSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        place = join_once(
            actor=actor_of_request(request),
            session_id=session_id,
            quantity=body.validated_data["quantity"],
            key=request.headers.get("Idempotency-Key"),
            now=clock.now(),
        )
        return Response(place.as_json(), status=201)

    @extend_schema(operation_id="get_waitlist_place", responses=PlaceAnswer)
    def get(self, request: HttpRequest, session_id: UUID) -> HttpResponse:
        """Return one's place: the live one, else how the last one ended."""
        return _place_of_caller(self, request, session_id)

    @extend_schema(operation_id="leave_waitlist", responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """Give up one's place, or one's open offer."""
        leaving.leave(actor=actor_of_request(request), session_id=session_id, now=clock.now())
        return Response(status=204)


class PositionView(OwnLookView):
    """``sessions/{id}/waitlist/position``: the same answer, under the older address."""

    @extend_schema(operation_id="get_waitlist_position", responses=PlaceAnswer)
    def get(self, request: HttpRequest, session_id: UUID) -> HttpResponse:
        """Return one's place."""
        return _place_of_caller(self, request, session_id)


class AcceptView(APIView):
    """``sessions/{id}/waitlist/accept``."""

    @extend_schema(operation_id="accept_waitlist_offer", request=TokenSerializer, responses=AcceptedAnswer)
    def post(self, request: Request, session_id: UUID) -> Response:
        """Take the offered seats. 410 ``token_expired`` once the time is over."""
        attendance = answering.accept(
            actor=actor_of_request(request),
            session_id=session_id,
            join_token=_token(request),
            now=clock.now(),
        )
        return Response({"status": EntryStatus.ACCEPTED.value, "attendance_id": str(attendance.pk)})


class AcceptOfferView(AcceptView):
    """``sessions/{id}/waitlist/accept-offer``: the older address."""

    @extend_schema(
        operation_id="accept_waitlist_offer_by_older_address",
        request=TokenSerializer,
        responses=AcceptedAnswer,
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Take the offered seats."""
        return super().post(request, session_id)


class DeclineView(APIView):
    """``sessions/{id}/waitlist/decline``."""

    @extend_schema(operation_id="decline_waitlist_offer", request=TokenSerializer, responses=DeclinedAnswer)
    def post(self, request: Request, session_id: UUID) -> Response:
        """Give the offered seats to the next in line."""
        answering.decline(
            actor=actor_of_request(request),
            session_id=session_id,
            join_token=_token(request),
            now=clock.now(),
        )
        return Response({"status": EntryStatus.DECLINED.value})


def _place_of_caller(view: OwnLookView, request: HttpRequest, session_id: UUID) -> HttpResponse:
    now = clock.now()
    row = view.look(request, selectors.OWN_PLACE, selectors.own_place(session_id, now=now), now=now)
    place = selectors.place_seen(row, now=now)
    return HttpResponse(msgspec.json.encode(place.as_json()), content_type="application/json")


def _token(request: Request) -> str:
    require_user(request)
    body = TokenSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    token: str = body.validated_data["join_token"]
    return token
