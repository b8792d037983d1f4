"""Events and sessions, as organizers keep them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from common.audit import record_changes, snapshot
from common.db import retrying
from common.errors import FieldError, Invalid, NotFound
from common.money import CURRENCIES
from common.types import Actor
from common.windows import instant_errors
from events.models import Event, Session, Visibility
from events.registry import currency_locked_by, follow_currency, tell_followers
from events.services.sessions import check_capacity, lock_session


@dataclass(frozen=True, slots=True)
class EventInput:
    """What an organizer says about an event."""

    slug: str
    title: str
    description: str
    time_zone: str
    currency: str
    visibility: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SessionInput:
    """What an organizer says about a session; its capacity has a service of its own."""

    slug: str
    title: str
    description: str
    starts_at: datetime
    ends_at: datetime


@cache
def known_time_zones() -> frozenset[str]:
    """Return the IANA time zones. A machine's own ``localtime`` is none: the database does not know it. Nor is
    ``Factory``, which says that nobody has set one."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


@retrying
@transaction.atomic
def create_event(*, actor: Actor, organization_id: UUID, event: EventInput, now: datetime) -> Event:
    """Create an event. Raises what ``access.require`` raises, ``Invalid`` or ``ValidationError`` by field."""
    access.require(actor, organization_id, Capability.MANAGE_EVENTS)
    created = Event(organization_id=organization_id)
    _fill_event(created, event)
    created.save()
    record_changes(
        created, {}, actor=actor, action="events.create_event", organization_id=organization_id, now=now
    )
    return created


@retrying
@transaction.atomic
def update_event(*, actor: Actor, event_id: UUID, event: EventInput, now: datetime) -> Event:
    """Change an event. Its currency stays once amounts in it exist; what has none follows it (``events.registry``).

    Raises what ``access.require`` raises, ``Invalid`` or ``ValidationError`` by field.
    """
    # Not against rows that refer to it: who buys has the tier, which a follower of the currency comes to.
    stored = Event.objects.select_for_update(no_key=True).filter(pk=event_id).first()
    if stored is None:
        raise NotFound
    access.require(actor, stored.organization_id, Capability.MANAGE_EVENTS)
    before, seen_by = snapshot(stored), (stored.visibility, stored.time_zone)
    is_of_other_currency = event.currency != stored.currency
    if is_of_other_currency:
        reason = currency_locked_by(event_id)
        if reason:
            raise Invalid.field("currency", "immutable", f"The currency cannot change. {reason}")
    _fill_event(stored, event)
    stored.save()
    record_changes(
        stored,
        before,
        actor=actor,
        action="events.update_event",
        organization_id=stored.organization_id,
        now=now,
    )
    if is_of_other_currency:
        follow_currency(event_id, actor, now)
    if (stored.visibility, stored.time_zone) != seen_by:
        tell_followers(event_id, now)
    return stored


@retrying
@transaction.atomic
def create_session(
    *, actor: Actor, event_id: UUID, session: SessionInput, maximum_capacity: int | None, now: datetime
) -> Session:
    """Create a session with so many seats (None: unlimited). Raises as ``create_event`` does."""
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        raise NotFound
    access.require(actor, event.organization_id, Capability.MANAGE_EVENTS)
    check_capacity(maximum_capacity)
    created = Session(event=event, maximum_capacity=maximum_capacity)
    _fill_session(created, session)
    created.save()
    record_changes(
        created,
        {},
        actor=actor,
        action="events.create_session",
        organization_id=event.organization_id,
        now=now,
    )
    return created


@retrying
@transaction.atomic
def update_session(*, actor: Actor, session_id: UUID, session: SessionInput, now: datetime) -> Session:
    """Change a session, not its seats. Raises as ``create_event`` does."""
    stored = lock_session(session_id)
    organization_id = stored.event.organization_id
    access.require(actor, organization_id, Capability.MANAGE_EVENTS)
    before = snapshot(stored)
    _fill_session(stored, session)
    stored.save()
    record_changes(
        stored, before, actor=actor, action="events.update_session", organization_id=organization_id, now=now
    )
    return stored


def _fill_event(stored: Event, event: EventInput) -> None:
    errors = _window_errors(event.starts_at, event.ends_at)
    if event.time_zone not in known_time_zones():
        errors.append(FieldError("time_zone", "unknown", "Choose an IANA time zone such as Europe/Berlin."))
    if event.currency not in CURRENCIES:
        errors.append(FieldError("currency", "unknown", "Choose a supported currency such as USD."))
    if event.visibility not in Visibility.values:
        errors.append(FieldError("visibility", "invalid_choice", "Choose public or private."))
    if errors:
        raise Invalid(errors=errors)
    stored.slug, stored.title, stored.description = event.slug, event.title.strip(), event.description
    stored.time_zone, stored.currency, stored.visibility = event.time_zone, event.currency, event.visibility
    stored.starts_at, stored.ends_at = event.starts_at, event.ends_at
    stored.full_clean(exclude=["organization"])


def _fill_session(stored: Session, session: SessionInput) -> None:
    errors = _window_errors(session.starts_at, session.ends_at)
    if errors:
        raise Invalid(errors=errors)
    stored.slug, stored.title, stored.description = session.slug, session.title.strip(), session.description
    stored.starts_at, stored.ends_at = session.starts_at, session.ends_at
    stored.full_clean(exclude=["event"])


def _window_errors(starts_at: datetime, ends_at: datetime) -> list[FieldError]:
    wrong = list(instant_errors(starts_at=starts_at, ends_at=ends_at))
    if wrong or starts_at < ends_at:
        return wrong
    return [FieldError("ends_at", "before_start", "The end has to come after the start.")]
