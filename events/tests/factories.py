"""Events and sessions for tests: ``make_session(capacity=3)``."""

import itertools
from datetime import timedelta
from typing import Any

from accounts.models import Organization, User
from accounts.tests.factories import NOW, make_organization, make_user
from events.models import Attendance, Event, Registration, RegistrationSource, Session, Visibility

_numbers = itertools.count(1)


def make_event(*, organization: Organization | None = None, private: bool = False, **fields: Any) -> Event:
    """Create an event that runs for ten days from yesterday (of ``NOW``)."""
    number = next(_numbers)
    given = {
        "slug": f"event-{number}",
        "title": f"Event {number}",
        "visibility": Visibility.PRIVATE if private else Visibility.PUBLIC,
        "starts_at": NOW - timedelta(days=1),
        "ends_at": NOW + timedelta(days=9),
    }
    return Event.objects.create(organization=organization or make_organization(), **{**given, **fields})


def make_session(*, event: Event | None = None, capacity: int | None = None, **fields: Any) -> Session:
    """Create a session that begins an hour after ``NOW``; without a capacity it is unlimited."""
    number = next(_numbers)
    given = {
        "slug": f"session-{number}",
        "title": f"Session {number}",
        "starts_at": NOW + timedelta(hours=1),
        "ends_at": NOW + timedelta(hours=2),
    }
    return Session.objects.create(
        event=event or make_event(), maximum_capacity=capacity, **{**given, **fields}
    )


def make_registration(event: Event, user: User | None = None) -> Registration:
    """Register somebody for an event, as its organizer does; ``make_ticket`` makes the other kind."""
    return Registration.objects.create(
        event=event, user=user or make_user(), source=RegistrationSource.ORGANIZER, created_at=NOW
    )


def make_attendance(session: Session, user: User | None = None, *, seats: int = 1) -> Attendance:
    """Give somebody seats, counted in the session."""
    session.current_attendance += seats
    session.save(update_fields=["current_attendance"])
    return Attendance.objects.create(session=session, user=user or make_user(), seats=seats, joined_at=NOW)
