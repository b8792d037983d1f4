"""The last ticket goes while its holder joins, accepts or walks in: in the end nobody waits or sits without one."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common.outbox.testing import run_due
from config.local_stack.testing.race import Race, until_waiting
from events.models import Attendance, Registration, Session
from events.selectors import is_registered
from events.services import sessions
from events.tests.factories import make_event, make_session
from tickets.models import Ticket
from tickets.services.reissuing import void_ticket
from waitlist.models import Entry
from waitlist.services import answering, joining, queue
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import books, free_up, join, make_full_session, make_guest, staff_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)


def meet(race: Race, session: Session, ticket: Ticket, act: Callable[[], object]) -> None:
    """Void the ticket, with all that follows, while the act is done and not committed; it commits once the other
    waits for it, or is through."""
    admin = staff_of(session, "admin")
    is_done, is_through = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            act()
            is_done.set()
            until_waiting(or_done=is_through)

    def second() -> None:
        assert is_done.wait(30)
        void_ticket(actor=admin, ticket_id=ticket.pk, reason="Refunded", now=NOW)
        run_due(NOW)
        is_through.set()

    results: list[Any] = race.each([first, second])
    assert results == [None, None]
    assert not Registration.objects.filter(user=ticket.holder).exists()


def _joined(race: Race) -> str:
    session = make_full_session()
    guest = make_guest(session.event, "VIP")
    ticket = Ticket.objects.select_related("holder").get(holder=guest)
    about: dict[str, Any] = {"actor": actor_of(guest), "session_id": session.pk, "now": NOW}
    meet(race, session, ticket, lambda: joining.join(**about))
    return Entry.objects.get(user=guest).status


def test_who_joins_while_the_last_ticket_goes_waits_no_more(race: Race) -> None:
    """REQ WL-01: whoever voids it waits for the place to be there, and then ends it."""
    assert _joined(race) == "REMOVED"


def test_without_the_lock_a_place_without_a_ticket_stays(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the registration is looked at and not locked, and nobody ends the place. REQ WL-01."""
    monkeypatch.setattr(joining, "lock_registration", is_registered)
    assert _joined(race) == "WAITING"


def _accepted(race: Race) -> tuple[str, str]:
    session = make_full_session()
    entry = join(session, priority="VIP")
    free_up(session)
    fill_free_seats(session_id=session.pk, now=NOW)
    next_one, token = join(session), token_of(entry)
    about: dict[str, Any] = {"actor": actor_of(entry.user), "session_id": session.pk, "now": NOW}
    ticket = Ticket.objects.select_related("holder").get(holder=entry.user)
    meet(race, session, ticket, lambda: answering.accept(join_token=token, **about))
    next_one.refresh_from_db()
    return Attendance.objects.get(user=entry.user).status, next_one.status


def test_who_accepts_while_the_last_ticket_goes_has_no_seat(race: Race) -> None:
    """REQ WL-04: the seat is taken and given back, and the next in line has the offer."""
    assert _accepted(race) == ("LEFT", "OFFERED")
    stored, counted = books(Session.objects.get().pk)
    assert stored == counted


def _unlocked(session_id: UUID) -> Session:
    return Session.objects.select_related("event").get(pk=session_id)


@pytest.mark.parametrize(
    ("is_session_locked", "ends"), [(True, ("LEFT", "OFFERED")), (False, ("ATTENDING", "WAITING"))]
)
def test_the_sessions_lock_alone_gives_an_accepted_seat_back(
    race: Race, monkeypatch: pytest.MonkeyPatch, *, is_session_locked: bool, ends: tuple[str, str]
) -> None:
    """REQ WL-04: whoever follows the ticket finds the offer, and waits for its answer. The control: not even the
    session is locked, the database refuses to end an offer that became a seat, and for now the seat stays."""
    monkeypatch.setattr(joining, "lock_registration", is_registered)
    if not is_session_locked:
        monkeypatch.setattr(queue, "lock_session", _unlocked)
    assert _accepted(race) == ends


def _walked_in(race: Race) -> str:
    session = make_session(event=make_event(private=True), capacity=2)
    guest = make_guest(session.event, "VIP")
    ticket = Ticket.objects.select_related("holder").get(holder=guest)
    about: dict[str, Any] = {"actor": actor_of(guest), "session_id": session.pk, "now": NOW}
    meet(race, session, ticket, lambda: sessions.attend(**about))
    return Attendance.objects.get(user=guest).status


def test_who_walks_in_while_the_last_ticket_of_a_private_event_goes_has_no_seat(race: Race) -> None:
    """REQ EV-05: whoever voids it waits for the seat to be there, and then gives it back."""
    assert _walked_in(race) == "LEFT"


def test_without_the_lock_a_seat_without_a_ticket_stays(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the registration is looked at and not locked, and nobody gives the seat back. REQ EV-05."""
    monkeypatch.setattr(sessions, "lock_registration", is_registered)
    assert _walked_in(race) == "ATTENDING"
