"""A queue around the present moment, for the staff's screen: ``make_queue(waiting=3)``."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.models import Organization
from accounts.tests.factories import make_member
from common import clock
from events.models import Event, Session
from events.tests.factories import make_event
from tickets.models import Priority
from waitlist.models import Entry
from waitlist.tests.factories import free_up, join, make_full_session, pause

LIST = "/admin/waitlist/sessionwaitlist/"
TOKEN = f"{LIST}live-token/"


@dataclass(frozen=True)
class Queue:
    """A session ahead with its entries, in the order of joining."""

    session: Session
    entries: list[Entry]

    @property
    def organization(self) -> Organization:
        """Return whose it is."""
        return self.session.event.organization

    @property
    def page(self) -> str:
        """Return the address of its page."""
        return f"{LIST}{self.session.pk}/change/"

    def act(self, name: str) -> str:
        """Return the address of an act."""
        return f"{LIST}{self.session.pk}/do/{name}/"


def make_event_ahead(**fields: Any) -> Event:
    """Create an event that runs while the test does."""
    now = clock.now()
    return make_event(starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=9), **fields)


def make_queue(
    waiting: int = 3, *, capacity: int = 1, free: int = 0, priority: str = Priority.STANDARD, **fields: Any
) -> Queue:
    """Fill a session that begins in two hours and have people wait; ``free`` seats came free while offers are
    paused."""
    now = clock.now()
    session = make_full_session(
        capacity=capacity,
        event=make_event_ahead(),
        starts_at=now + timedelta(hours=2),
        ends_at=now + timedelta(hours=3),
        **fields,
    )
    first = now - timedelta(minutes=30)
    entries = [
        join(session, priority=priority, now=first + timedelta(seconds=number)) for number in range(waiting)
    ]
    if free:
        pause(session)
        free_up(session, free)
    session.refresh_from_db()
    return Queue(session, entries)


def enter(client: Client, queue: Queue, role: str = "staff") -> None:
    """Sign a new member of the queue's organization in."""
    client.force_login(make_member(role, organization=queue.organization))
