"""Events, their sessions, seats."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from common import clock
from events import selectors
from events.models import Attendance, Event, Session
from events.rest.serializers import (
    MINE,
    AttendanceAnswer,
    EventAnswer,
    EventsQuery,
    RosterAnswer,
    SessionAnswer,
    SessionDetailAnswer,
)
from events.services import sessions

_SLUG = OpenApiParameter("slug", OpenApiTypes.STR, description="The event with exactly this slug.")
_ENDS_AFTER = OpenApiParameter(
    "ends_after", OpenApiTypes.DATETIME, description="Only those that end after it; with its offset, or Z."
)
_MINE = OpenApiParameter(
    "mine", OpenApiTypes.STR, enum=list(MINE), description="Only those whose tickets the caller may scan."
)
_SEARCH = OpenApiParameter("search", OpenApiTypes.STR, description="Part of a name or an e-mail.")


class EventList(ListAPIView[Event]):
    """``GET events``."""

    serializer_class = EventAnswer
    filter_backends = ()
    queryset = Event.objects.none()

    @extend_schema(operation_id="list_events", parameters=[_SLUG, _ENDS_AFTER, _MINE])
    def get(self, request: Request) -> Response:
        """List public events and those that the caller is registered for or a member of, by start."""
        return self.list(request)

    def get_queryset(self) -> QuerySet[Event]:
        """Return what the caller may see."""
        given = self.request.query_params
        asked = EventsQuery(data={name: given[name] for name in ("ends_after", "mine") if given.get(name)})
        asked.is_valid(raise_exception=True)
        mine = asked.validated_data.get("mine")
        if mine is not None:
            require_user(self.request)
        return selectors.visible_events(
            actor_of_request(self.request),
            slug=given.get("slug"),
            ends_after=asked.validated_data.get("ends_after"),
            capability=None if mine is None else MINE[mine],
        )


class EventDetail(APIView):
    """``GET events/{id}``."""

    @extend_schema(operation_id="get_event", responses=EventAnswer)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return one event."""
        return Response(EventAnswer(selectors.visible_event(actor_of_request(request), event_id)).data)


class SessionList(ListAPIView[Session]):
    """``GET events/{id}/sessions``."""

    serializer_class = SessionAnswer
    filter_backends = ()
    queryset = Session.objects.none()

    @extend_schema(operation_id="list_sessions")
    def get(self, request: Request, event_id: UUID) -> Response:
        """List an event's sessions, by start."""
        return self.list(request)

    def get_queryset(self) -> QuerySet[Session]:
        """Return the sessions of the event that the address names."""
        return selectors.sessions_of(actor_of_request(self.request), self.kwargs["event_id"])


class SessionDetail(APIView):
    """``GET sessions/{id}``."""

    @extend_schema(operation_id="get_session", responses=SessionDetailAnswer)
    def get(self, request: Request, session_id: UUID) -> Response:
        """Return one session with its event."""
        actor = actor_of_request(request)
        session: Any = selectors.visible_session(actor, session_id)
        session.is_attending = actor.user_id is not None and sessions.has_seat(session_id, actor.user_id)
        return Response(SessionDetailAnswer(session).data)


class SessionAttendance(ListAPIView[Attendance]):
    """``sessions/{id}/attendance``."""

    serializer_class = RosterAnswer
    filter_backends = ()
    queryset = Attendance.objects.none()

    @extend_schema(operation_id="list_attendance", parameters=[_SEARCH])
    def get(self, request: Request, session_id: UUID) -> Response:
        """List who has seats, by the time of joining. For staff of the organization."""
        return self.list(request)

    @extend_schema(operation_id="attend_session", request=None, responses={201: AttendanceAnswer})
    def post(self, request: Request, session_id: UUID) -> Response:
        """Take a seat. 409 ``session_full``, ``already_attending`` or ``session_over``."""
        actor = actor_of_request(request)
        attendance = sessions.attend(actor=actor, session_id=session_id, now=clock.now())
        return Response(AttendanceAnswer(attendance).data, status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="leave_session", responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """Give one's seats back; people who wait are offered them."""
        sessions.leave(actor=actor_of_request(request), session_id=session_id, now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def get_queryset(self) -> QuerySet[Attendance]:
        """Return the roster of the session that the address names."""
        search = self.request.query_params.get("search", "").strip()
        return selectors.roster(actor_of_request(self.request), self.kwargs["session_id"], search=search)
