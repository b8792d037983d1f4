"""Two doors, one ticket: one gets in (REQUIREMENTS TK-02)."""

from collections import Counter
from typing import Any

import pytest
from django.db.models import Q

from accounts.models import User
from accounts.tests.factories import NOW
from config.local_stack.testing.race import Race
from tickets.models import Ticket, TicketScan
from tickets.services import passing
from tickets.tests.factories import code_of, make_scanner, make_ticket, scan

pytestmark = pytest.mark.django_db(transaction=True)
CONTENDERS, TIMES = 20, 5


def at_two_doors(race: Race, ticket: Ticket) -> list[Any]:
    """Scan one ticket fifty times at each of two doors, as many at once as there are contenders."""
    code = code_of(ticket)
    scanners: list[User] = [make_scanner(ticket.event), make_scanner(ticket.event)]

    def act(number: int) -> list[Any]:
        door = number % 2
        return [scan(scanners[door], ticket.event, code, gate=f"Door {door}") for _ in range(TIMES)]

    answers: list[Any] = []
    for result in race(CONTENDERS, act):
        assert isinstance(result, list), result
        answers += result
    return answers


def test_two_doors_fifty_times_each_let_one_in(race: Race) -> None:
    """One accepted, 99 duplicates, each with the first time and gate. REQ TK-02."""
    ticket = make_ticket()
    answers = at_two_doors(race, ticket)
    assert Counter(answer.result for answer in answers) == {"accepted": 1, "duplicate": 99}
    [winner] = [answer for answer in answers if answer.result == "accepted"]
    first = {(answer.first_scanned_at, answer.first_gate) for answer in answers}
    assert first == {(NOW, winner.first_gate)}
    ticket.refresh_from_db()
    assert (ticket.admissions, TicketScan.objects.count()) == (1, 100)


def test_without_the_guard_both_doors_let_in(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same UPDATE without its condition lets in more than one. REQ TK-02."""
    monkeypatch.setattr(passing, "free_to_pass", lambda *_, **__: Q())
    answers = at_two_doors(race, make_ticket())
    assert Counter(answer.result for answer in answers)["accepted"] > 1


def test_one_scan_sent_at_once_many_times_is_one_scan(race: Race) -> None:
    """The same nonce from ten senders: one row, one admission, ten times "accepted". REQ TK-02."""
    ticket = make_ticket()
    scanner, code = make_scanner(ticket.event), code_of(ticket)
    answers = race(10, lambda _: scan(scanner, ticket.event, code, nonce="same").result)
    assert Counter(answers) == {"accepted": 10}
    ticket.refresh_from_db()
    assert (ticket.admissions, TicketScan.objects.count()) == (1, 1)
