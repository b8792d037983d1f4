"""Queues for tests: ``make_full_session(capacity=3)``, ``waiting(session, 5)``, ``join(session, quantity=2)``."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Sum

from accounts.models import Organization, User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_membership, make_user
from common.types import Actor
from events.models import Attendance, AttendanceStatus, Event, Session
from events.tests.factories import make_attendance, make_event, make_registration, make_session
from tickets.models import Priority
from tickets.tests.factories import make_ticket, make_tier
from waitlist.models import Entry, EntryStatus, WaitlistPolicy
from waitlist.services import joining, tokens


def make_full_session(*, capacity: int = 1, event: Event | None = None, **fields: Any) -> Session:
    """Create a session with every seat taken by one person a seat."""
    session = make_session(event=event or make_event(), capacity=capacity, **fields)
    for _ in range(capacity):
        make_attendance(session)
    return session


def make_guest(event: Event, priority: str = Priority.STANDARD) -> User:
    """Create somebody with a ticket of this priority, or a mere registration for Standard."""
    user = make_user()
    if priority == Priority.STANDARD:
        make_registration(event, user)
    else:
        make_ticket(holder=user, tier=make_tier(event=event, priority=priority))
    return user


def join(
    session: Session,
    user: User | None = None,
    *,
    quantity: int = 1,
    priority: str = Priority.STANDARD,
    now: datetime = NOW,
) -> Entry:
    """Have somebody join through the service, and return the entry."""
    user = user or make_guest(session.event, priority)
    place = joining.join(actor=actor_of(user), session_id=session.pk, quantity=quantity, now=now)
    return Entry.objects.select_related("user").get(pk=place.id)


def waiting(session: Session, count: int, **terms: Any) -> list[Entry]:
    """Have so many people join, one after the other."""
    return [join(session, **terms) for _ in range(count)]


def free_up(session: Session, seats: int = 1) -> None:
    """Take people's seats away without telling anybody, as a lost event would leave it."""
    for attendance in Attendance.objects.filter(session=session, status=AttendanceStatus.ATTENDING)[:seats]:
        attendance.status, attendance.left_at = AttendanceStatus.LEFT, NOW
        attendance.save()
        session.refresh_from_db()
        session.current_attendance -= attendance.seats
        session.save(update_fields=["current_attendance"])


def pause(session: Session) -> None:
    """Stop offers that go out by themselves."""
    WaitlistPolicy.objects.update_or_create(
        session=session, defaults={"offers_paused": True, "paused_at": NOW}
    )


def staff_of(session: Session, role: str = "staff") -> Actor:
    """Return a member of the session's organization."""
    organization: Organization = session.event.organization
    return actor_of(make_membership(role, organization=organization).user)


def token_of(entry: Entry) -> str:
    """Return the join token of an entry's current offer."""
    entry.refresh_from_db()
    return tokens.token_of(entry)


def statuses(entries: Sequence[Entry]) -> list[str]:
    """Return how the entries stand now, in the order given."""
    stored = Entry.objects.in_bulk([entry.pk for entry in entries])
    return [stored[entry.pk].status for entry in entries]


@dataclasses.dataclass(frozen=True)
class Books:
    """A session's counters, and the same counted from its rows."""

    attendance: int
    held: int
    waiting: int


def books(session_id: UUID) -> tuple[Books, Books]:
    """Return the session's counters beside what its rows say."""
    session = Session.objects.get(pk=session_id)
    attending = Attendance.objects.filter(session_id=session_id, status=AttendanceStatus.ATTENDING)
    entries = Entry.objects.filter(session_id=session_id)
    held = entries.filter(status=EntryStatus.OFFERED).aggregate(seats=Sum("quantity"))["seats"]
    counted = Books(
        attendance=attending.aggregate(seats=Sum("seats"))["seats"] or 0,
        held=held or 0,
        waiting=entries.filter(status=EntryStatus.WAITING).count(),
    )
    return Books(session.current_attendance, session.held, session.waiting), counted
