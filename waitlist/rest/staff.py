"""The waitlist for staff: who waits, offers, removals, moves, capacity, pauses, figures."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from common import clock
from common.errors import Invalid
from tickets.models import Priority
from waitlist import figures, selectors
from waitlist.models import Entry, EntryStatus
from waitlist.rest.serializers import (
    AnalyticsAnswer,
    BulkOfferAnswer,
    BulkOfferSerializer,
    BulkRemoveAnswer,
    BulkRemoveSerializer,
    CapacitySerializer,
    EntryAnswer,
    MoveSerializer,
    OfferSerializer,
    PlaceAnswer,
    ReasonSerializer,
    RowAnswer,
    StandingAnswer,
)
from waitlist.services import moving, policies, staff

S = TypeVar("S", bound=Serializer[Any])


class EntriesView(ListAPIView[Entry]):
    """``sessions/{id}/waitlist/entries``."""

    serializer_class = EntryAnswer
    filter_backends = ()
    queryset = Entry.objects.none()

    @extend_schema(
        operation_id="list_waitlist_entries",
        parameters=[
            OpenApiParameter("status", OpenApiTypes.STR, enum=EntryStatus.values),
            OpenApiParameter("tier", OpenApiTypes.STR, enum=Priority.values),
            OpenApiParameter("search", OpenApiTypes.STR, description="Part of a name or an e-mail."),
        ],
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        """List open offers, then who waits in their order, then what ended."""
        page = self.paginate_queryset(self.get_queryset()) or []
        context = {"places": selectors.positions_of(page), "now": clock.now()}
        return self.get_paginated_response(EntryAnswer(page, many=True, context=context).data)

    def get_queryset(self) -> QuerySet[Entry]:
        """Return the entries that the filters keep."""
        status = _choice(self.request, "status", EntryStatus.values)
        return selectors.entries(
            actor_of_request(self.request),
            self.kwargs["session_id"],
            statuses=[status] if status else (),
            tier=_choice(self.request, "tier", Priority.values),
            search=self.request.query_params.get("search", "").strip(),
        )


class EntryView(APIView):
    """``sessions/{id}/waitlist/entries/{entry_id}``."""

    @extend_schema(operation_id="remove_waitlist_entry", request=ReasonSerializer, responses={204: None})
    def delete(self, request: Request, session_id: UUID, entry_id: UUID) -> Response:
        """Take one out of the queue, or their offer back; the seats go to the next in line."""
        data = _read(ReasonSerializer, request)
        staff.remove(session_id=session_id, entry_id=entry_id, **_by(request), **data)
        return Response(status=204)


class MoveView(APIView):
    """``sessions/{id}/waitlist/entries/{entry_id}/move``."""

    @extend_schema(operation_id="move_waitlist_entry", request=MoveSerializer, responses=PlaceAnswer)
    def post(self, request: Request, session_id: UUID, entry_id: UUID) -> Response:
        """Give one who waits another place."""
        data = _read(MoveSerializer, request)
        place = moving.move(session_id=session_id, entry_id=entry_id, **_by(request), **data)
        # The token of an offer is its holder's alone.
        return Response({**place.as_json(), "offer": None})


class OffersView(APIView):
    """``sessions/{id}/waitlist/offers``."""

    @extend_schema(operation_id="send_waitlist_offer", request=OfferSerializer, responses={201: EntryAnswer})
    def post(self, request: Request, session_id: UUID) -> Response:
        """Offer a free seat to one who waits, past the queue."""
        entry = staff.offer(session_id=session_id, **_by(request), **_read(OfferSerializer, request))
        context: dict[str, Any] = {"places": {}, "now": clock.now()}
        return Response(EntryAnswer(entry, context=context).data, status=201)


class BulkOffersView(APIView):
    """``sessions/{id}/waitlist/bulk-offers``."""

    @extend_schema(
        operation_id="bulk_send_waitlist_offers",
        request=BulkOfferSerializer,
        responses=BulkOfferAnswer,
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Offer to the next in the queue, as far as seats are free."""
        data = _read(BulkOfferSerializer, request)
        results = staff.bulk_offer(session_id=session_id, **_by(request), **data)
        return Response({"offered": len(results), "results": RowAnswer(results, many=True).data})


class BulkRemoveView(APIView):
    """``sessions/{id}/waitlist/bulk-remove``."""

    @extend_schema(
        operation_id="bulk_remove_waitlist_entries",
        request=BulkRemoveSerializer,
        responses=BulkRemoveAnswer,
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Remove several; those that are not there or have ended are named, the rest go."""
        data = _read(BulkRemoveSerializer, request)
        results = staff.bulk_remove(session_id=session_id, **_by(request), **data)
        removed = sum(result.ok for result in results)
        return Response({"removed": removed, "results": RowAnswer(results, many=True).data})


class StandingView(APIView):
    """``sessions/{id}/waitlist/standing``."""

    @extend_schema(operation_id="get_waitlist_standing", responses=StandingAnswer)
    def get(self, request: Request, session_id: UUID) -> Response:
        """Return seats and queue, and why nothing is offered, if so."""
        standing = selectors.standing(actor_of_request(request), session_id, now=clock.now())
        return Response(StandingAnswer(standing).data)


class PauseView(APIView):
    """``sessions/{id}/waitlist/pause``."""

    @extend_schema(operation_id="pause_waitlist", request=ReasonSerializer, responses=StandingAnswer)
    def post(self, request: Request, session_id: UUID) -> Response:
        """Stop offers that would go out by themselves."""
        data = _read(ReasonSerializer, request)
        return Response(StandingAnswer(policies.pause(session_id=session_id, **_by(request), **data)).data)


class ResumeView(APIView):
    """``sessions/{id}/waitlist/resume``."""

    @extend_schema(operation_id="resume_waitlist", request=ReasonSerializer, responses=StandingAnswer)
    def post(self, request: Request, session_id: UUID) -> Response:
        """Let offers go out again; free seats are offered at once."""
        data = _read(ReasonSerializer, request)
        return Response(StandingAnswer(policies.resume(session_id=session_id, **_by(request), **data)).data)


class CapacityView(APIView):
    """``sessions/{id}/capacity``."""

    @extend_schema(
        operation_id="update_session_capacity", request=CapacitySerializer, responses=StandingAnswer
    )
    def put(self, request: Request, session_id: UUID) -> Response:
        """Set how many seats there are; new ones are offered at once, and nobody loses theirs."""
        data = _read(CapacitySerializer, request)
        standing = staff.change_capacity(session_id=session_id, **_by(request), **data)
        return Response(StandingAnswer(standing).data)


class AnalyticsView(APIView):
    """``events/{id}/waitlist/analytics``."""

    @extend_schema(operation_id="get_waitlist_analytics", responses=AnalyticsAnswer)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return the figures of an event's waitlists: in all, by session, by tier."""
        return Response(AnalyticsAnswer(figures.analytics(actor_of_request(request), event_id)).data)


def _by(request: Request) -> dict[str, Any]:
    return {"actor": actor_of_request(request), "now": clock.now()}


def _read(shape: type[S], request: Request) -> dict[str, Any]:
    """Return the body's fields, who is signed in being known first. Raises field errors."""
    require_user(request)
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    data: dict[str, Any] = body.validated_data
    return data


def _choice(request: Request, name: str, choices: list[str]) -> str:
    given = request.query_params.get(name, "")
    if given and given not in choices:
        raise Invalid.field(name, "invalid_choice", f"One of {', '.join(choices)}.")
    return given
