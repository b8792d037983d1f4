"""The last ticket goes while its holder joins or accepts: in the end nobody without a ticket waits or has a seat."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common.outbox.testing import run_due
from config.local_stack.testing.race import Race, until_waiting
from events.models import Attendance, Registration, Session
from events.selectors import is_registered
from tickets.models import Ticket
from tickets.services.reissuing import void_ticket
from waitlist.models import Entry
from waitlist.services import answering, joining
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


def test_who_accepts_while_the_last_ticket_goes_has_no_seat(race: Race) -> None:
    """REQ WL-04: the seat is taken and given back, and the next in line has the offer."""
    session = make_full_session()
    entry = join(session, priority="VIP")
    free_up(session)
    fill_free_seats(session_id=session.pk, now=NOW)
    next_one, token = join(session), token_of(entry)
    about: dict[str, Any] = {"actor": actor_of(entry.user), "session_id": session.pk, "now": NOW}
    ticket = Ticket.objects.select_related("holder").get(holder=entry.user)
    meet(race, session, ticket, lambda: answering.accept(join_token=token, **about))
    assert Attendance.objects.get(user=entry.user).status == "LEFT"
    next_one.refresh_from_db()
    assert next_one.status == "OFFERED"
    stored, counted = books(session.pk)
    assert stored == counted
