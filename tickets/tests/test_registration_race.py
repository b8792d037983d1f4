"""The last ticket of one tier ends while one of another tier is issued to the same person (REQUIREMENTS TK-03)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet

from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from config.local_stack.testing.race import Race, until_waiting
from events.models import Registration
from tickets.models import Ticket, TicketStatus, TicketTier
from tickets.services.reissuing import void_ticket
from tickets.services.tickets import issue_ticket
from tickets.tests.factories import make_scanner, make_ticket, make_tier

pytestmark = pytest.mark.django_db(transaction=True)


def meet(race: Race, ticket: Ticket, other: TicketTier, *, is_void_first: bool) -> None:
    """Void the ticket and issue one of the other tier: the second begins before the first has committed.

    The first commits once the second waits for it, or is through.
    """
    staff = actor_of(make_scanner(ticket.event, "staff"))
    is_done, is_through = threading.Event(), threading.Event()

    def void() -> Ticket:
        return void_ticket(actor=staff, ticket_id=ticket.pk, reason="Given back", now=NOW)

    def issue() -> Ticket:
        return issue_ticket(event_id=other.event_id, tier_id=other.pk, holder_id=ticket.holder_id, now=NOW)

    acts: tuple[Callable[[], Ticket], Callable[[], Ticket]] = (
        (void, issue) if is_void_first else (issue, void)
    )

    def first() -> None:
        with transaction.atomic():
            acts[0]()
            is_done.set()
            until_waiting(or_done=is_through)

    def second() -> None:
        assert is_done.wait(30)
        acts[1]()
        is_through.set()

    results: list[Any] = race.each([first, second])
    assert results == [None, None]


def outcome(race: Race, *, is_void_first: bool) -> tuple[int, int]:
    """Return how many valid tickets the person has after it, and how many registrations."""
    ticket = make_ticket()
    meet(race, ticket, make_tier(event=ticket.event), is_void_first=is_void_first)
    of_holder = {"event": ticket.event, "status": TicketStatus.VALID, "holder": ticket.holder}
    registered = Registration.objects.filter(event=ticket.event, user=ticket.holder)
    return Ticket.objects.filter(**of_holder).count(), registered.count()


@pytest.mark.parametrize("is_void_first", [True, False])
def test_whoever_has_a_ticket_left_stays_registered(race: Race, is_void_first: bool) -> None:
    """Whichever comes first, the new ticket is valid and its holder belongs to the event. REQ TK-03."""
    assert outcome(race, is_void_first=is_void_first) == (1, 1)


@pytest.mark.parametrize("is_void_first", [True, False])
def test_without_the_locks_the_registration_is_lost(
    race: Race, monkeypatch: pytest.MonkeyPatch, is_void_first: bool
) -> None:
    """The control: no row is locked, and a valid ticket is left without its registration. REQ TK-03."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)
    assert outcome(race, is_void_first=is_void_first) == (1, 0)
