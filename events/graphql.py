"""``event``, and taking or leaving a seat."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import graphene
from graphql import GraphQLResolveInfo

from accounts.graphql import OrganizationType
from common import clock
from common.errors import Invalid, NotFound
from common.graphql import Entity, Wanted, wanted
from events import selectors
from events.models import Attendance, Event, Session
from events.services import sessions


def read_id(value: str) -> UUID:
    """Read an ``ID`` argument; what is no UUID names nothing: raises ``NotFound``."""
    try:
        return UUID(value)
    except ValueError:
        raise NotFound from None


class SessionType(graphene.ObjectType):
    """A session. Without a capacity it is unlimited and ``freeSeats`` is null."""

    class Meta:
        name = "Session"

    id = graphene.ID(required=True)
    event_id = graphene.ID(required=True)
    slug = graphene.String(required=True)
    title = graphene.String(required=True)
    description = graphene.String(required=True)
    starts_at = graphene.DateTime(required=True)
    ends_at = graphene.DateTime(required=True)
    maximum_capacity = graphene.Int()
    current_attendance = graphene.Int(required=True)
    free_seats = graphene.Int()
    is_full = graphene.Boolean(required=True)


class EventType(graphene.ObjectType):
    """An event."""

    class Meta:
        name = "Event"

    id = graphene.ID(required=True)
    slug = graphene.String(required=True)
    title = graphene.String(required=True)
    description = graphene.String(required=True)
    organization = graphene.Field(OrganizationType, required=True)
    time_zone = graphene.String(required=True)
    currency = graphene.String(required=True)
    visibility = graphene.String(required=True)
    starts_at = graphene.DateTime(required=True)
    ends_at = graphene.DateTime(required=True)
    sessions = graphene.List(graphene.NonNull(SessionType), required=True)

    @staticmethod
    def resolve_sessions(root: Event, info: GraphQLResolveInfo) -> Any:
        """Answer what the root resolver prefetched; forgotten there is an error, never a hidden query."""
        return root._prefetched_objects_cache["sessions"]  # type: ignore[attr-defined]


class AttendanceType(graphene.ObjectType):
    """Somebody's seats in a session."""

    id = graphene.ID(required=True)
    session_id = graphene.ID(required=True)
    user_id = graphene.ID(required=True)
    seats = graphene.Int(required=True)
    status = graphene.String(required=True)
    joined_at = graphene.DateTime(required=True)


class Query:
    """This room's part of the root."""

    event = graphene.Field(EventType, id=graphene.ID(), slug=graphene.String())

    @staticmethod
    def resolve_event(
        root: None,
        info: GraphQLResolveInfo,
        id: str | None = None,  # noqa: A002
        slug: str | None = None,
    ) -> Event:
        """Return a visible event, by id or slug; its sessions only when they are asked for."""
        if (id is None) == (slug is None):
            raise Invalid.field("id", "required", "Give either id or slug.")
        event_id = None if id is None else read_id(id)
        if "sessions" in wanted(info):
            return selectors.event_with_sessions(info.context.actor, event_id=event_id, slug=slug)
        if event_id is not None:
            return selectors.visible_event(info.context.actor, event_id)
        return _first(selectors.visible_events(info.context.actor, slug=slug))


class AttendSession(graphene.Mutation):
    """Take a seat in a session."""

    class Arguments:
        session_id = graphene.ID(required=True)

    attendance = graphene.Field(AttendanceType, required=True)

    @staticmethod
    def mutate(root: None, info: GraphQLResolveInfo, session_id: str) -> dict[str, Attendance]:
        """Call the service."""
        actor = info.context.actor
        return {"attendance": sessions.attend(actor=actor, session_id=read_id(session_id), now=clock.now())}


class LeaveSession(graphene.Mutation):
    """Give one's seats in a session back."""

    class Arguments:
        session_id = graphene.ID(required=True)

    ok = graphene.Boolean(required=True)

    @staticmethod
    def mutate(root: None, info: GraphQLResolveInfo, session_id: str) -> dict[str, bool]:
        """Call the service."""
        sessions.leave(actor=info.context.actor, session_id=read_id(session_id), now=clock.now())
        return {"ok": True}


class Mutation:
    """This room's part of the root."""

    attend_session = AttendSession.Field()
    leave_session = LeaveSession.Field()


def _events(request: Any, ids: Collection[UUID], fields: Wanted) -> dict[UUID, Event]:
    return selectors.events_by_id(request.actor, ids, with_sessions="sessions" in fields)


def _sessions(request: Any, ids: Collection[UUID], fields: Wanted) -> dict[UUID, Session]:
    return selectors.sessions_by_id(request.actor, ids)


ENTITIES = (Entity(EventType, _events, Event), Entity(SessionType, _sessions, Session))


def _first(events: Any) -> Event:
    event: Event | None = events.first()
    if event is None:
        raise NotFound
    return event
