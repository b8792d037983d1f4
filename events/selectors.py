"""Reads over events, sessions, registrations and attendance."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from accounts.services import access
from accounts.types import Capability
from common.errors import NotFound
from common.types import Actor
from events.models import Attendance, AttendanceStatus, Event, Registration, Session


def visible_event(actor: Actor, event_id: UUID) -> Event:
    """Return the event with its organization if it is public, or the actor is registered or a member.

    Raises ``NotFound`` otherwise. One query.
    """
    event = visible_events(actor).filter(pk=event_id).first()
    if event is None:
        raise NotFound
    return event


def visible_events(
    actor: Actor,
    *,
    slug: str | None = None,
    ends_after: datetime | None = None,
    capability: Capability | None = None,
) -> QuerySet[Event]:
    """Return the events that the actor may see, with their organizations, by start.

    ``ends_after`` keeps those that end after that moment, ``capability`` those where the actor has it.
    """
    events = Event.objects.visible_to(actor).select_related("organization")
    if slug is not None:
        events = events.filter(slug=slug)
    if ends_after is not None:
        events = events.filter(ends_at__gt=ends_after)
    return events if capability is None else events.where_may(actor, capability)


def event_with_sessions(actor: Actor, *, event_id: UUID | None = None, slug: str | None = None) -> Event:
    """Return a visible event with its sessions prefetched, by id or slug. Raises ``NotFound``. Two
    queries."""
    wanted = Q(pk=event_id) if event_id is not None else Q(slug=slug)
    event = _with_sessions(visible_events(actor).filter(wanted)).first()
    if event is None:
        raise NotFound
    return event


def events_by_id(actor: Actor, event_ids: Collection[UUID], *, with_sessions: bool) -> dict[UUID, Event]:
    """Return those of the events that the actor may see. One query, two with their sessions."""
    events = visible_events(actor).filter(pk__in=event_ids)
    return {event.pk: event for event in (_with_sessions(events) if with_sessions else events)}


def sessions_by_id(actor: Actor, session_ids: Collection[UUID]) -> dict[UUID, Session]:
    """Return those of the sessions whose events the actor may see. One query."""
    return {one.pk: one for one in Session.objects.visible_to(actor).filter(pk__in=session_ids)}


def sessions_of(actor: Actor, event_id: UUID) -> QuerySet[Session]:
    """Return a visible event's sessions, by start. Raises ``NotFound``."""
    event = visible_event(actor, event_id)
    return Session.objects.of_event(event.pk)


def visible_session(actor: Actor, session_id: UUID) -> Session:
    """Return the session, with its event, of an event that the actor may see. Raises ``NotFound``."""
    session = Session.objects.visible_to(actor).select_related("event").filter(pk=session_id).first()
    if session is None:
        raise NotFound
    return session


def _with_sessions(events: QuerySet[Event]) -> QuerySet[Event]:
    return events.prefetch_related(Prefetch("sessions", Session.objects.order_by("starts_at", "id")))


def is_registered(user_id: UUID, event_id: UUID) -> bool:
    """Say whether the person belongs to the event: a ticket makes it so."""
    return Registration.objects.filter(user_id=user_id, event_id=event_id).exists()


def roster(actor: Actor, session_id: UUID, *, search: str = "") -> QuerySet[Attendance]:
    """Return who has seats in the session, by the time of joining; ``search`` looks in names and e-mails.

    Raises ``NotFound`` for a session of another organization, ``Forbidden`` for members below staff,
    ``Unauthenticated``.
    """
    session = Session.objects.select_related("event").filter(pk=session_id).first()
    if session is None:
        access.refuse_missing(actor)
    access.require(actor, session.event.organization_id, Capability.MANAGE_EVENTS)
    attending = Attendance.objects.filter(session=session, status=AttendanceStatus.ATTENDING)
    if search:
        attending = attending.filter(Q(user__email__icontains=search) | Q(user__name__icontains=search))
    return attending.select_related("user").order_by("joined_at", "id")
