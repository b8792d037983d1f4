"""How often one scanner may scan, refused, late and at all."""

from datetime import datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from accounts.tests.factories import NOW
from common.errors import RateLimited
from config.local_stack.testing.race import Race
from events.models import Event
from tickets.letters import new_manual_code
from tickets.models import Ticket, TicketScan
from tickets.services import scanning, verdicts
from tickets.tests.factories import code_of, make_scanner, make_ticket, scan

pytestmark = pytest.mark.django_db


def test_ten_refused_scans_a_minute_and_then_none_at_all() -> None:
    """Duplicates do not count; after the limit even a good code waits, and a colleague goes on. REQ TK-03."""
    ticket, guest = make_ticket(), make_ticket()
    scanner, colleague = make_scanner(ticket.event), make_scanner(ticket.event)
    for _ in range(12):
        scan(scanner, ticket.event, code_of(ticket))
    for _ in range(10):
        assert scan(scanner, ticket.event, new_manual_code()).result == "invalid"
    good = code_of(make_ticket(tier=ticket.tier))
    with pytest.raises(RateLimited) as refused:
        scan(scanner, ticket.event, good)
    assert refused.value.retry_after is not None
    assert TicketScan.objects.count() == 22
    assert scan(colleague, ticket.event, good).result == "accepted"
    assert guest.first_scanned_at is None


def test_so_many_scans_a_minute(settings: Settings) -> None:
    """The limit of all scans is a setting. REQ TK-03."""
    settings.SCAN_RATE_LIMIT = 2
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    for _ in range(2):
        scan(scanner, ticket.event, code_of(ticket))
    with pytest.raises(RateLimited):
        scan(scanner, ticket.event, code_of(ticket))
    assert TicketScan.objects.count() == 2


def test_catching_up_shuts_no_door(settings: Settings) -> None:
    """Late scans have twice the live limit for themselves; refused ones among them shut nothing. REQ TK-02, TK-03."""
    settings.SCAN_RATE_LIMIT, settings.SCAN_INVALID_RATE_LIMIT = 2, 1
    ticket, there, then = make_ticket(), make_ticket(), NOW - timedelta(minutes=10)
    scanner = make_scanner(ticket.event)
    elsewhere = code_of(there, now=then)
    for _ in range(4):
        assert scan(scanner, ticket.event, elsewhere, scanned_at=then).result == "wrong_event"
    with pytest.raises(RateLimited):
        scan(scanner, ticket.event, elsewhere, scanned_at=then)
    assert scan(scanner, ticket.event, code_of(ticket)).result == "accepted"
    assert scan(scanner, ticket.event, "nonsense").result == "invalid"
    live: tuple[datetime | None, ...] = (None, NOW - timedelta(seconds=60))
    for at in live:
        with pytest.raises(RateLimited):
            scan(scanner, ticket.event, code_of(ticket), scanned_at=at)
    assert TicketScan.objects.count() == 6


def test_who_says_that_a_scan_is_late_guesses_no_more_often() -> None:
    """Ten wrong codes a minute and then none at all, not even a right one; a colleague goes on. REQ TK-03."""
    ticket, then = make_ticket(), NOW - timedelta(minutes=10)
    scanner = make_scanner(ticket.event)
    for code in [new_manual_code() for _ in range(9)] + ["MQ1:" + "A" * 139]:
        assert scan(scanner, ticket.event, code, scanned_at=then).result == "invalid"
    for code in (new_manual_code(), ticket.manual_code, code_of(ticket, now=then)):
        with pytest.raises(RateLimited):
            scan(scanner, ticket.event, code, scanned_at=then)
    ticket.refresh_from_db()
    assert (ticket.first_scanned_at, TicketScan.objects.count()) == (None, 10)
    assert scan(make_scanner(ticket.event), ticket.event, code_of(ticket)).result == "accepted"


def test_live_and_late_guesses_count_together() -> None:
    """Five live and five late are ten: the next is not looked at, whichever it says; catching up goes on counting
    for nothing. REQ TK-03."""
    ticket, there, then = make_ticket(), make_ticket(), NOW - timedelta(seconds=61)
    scanner = make_scanner(ticket.event)
    for _ in range(5):
        assert scan(scanner, ticket.event, new_manual_code()).result == "invalid"
        assert scan(scanner, ticket.event, code_of(there, now=then), scanned_at=then).result == "wrong_event"
        assert scan(scanner, ticket.event, new_manual_code(), scanned_at=then).result == "invalid"
    for at in (None, then):
        with pytest.raises(RateLimited):
            scan(scanner, ticket.event, ticket.manual_code, scanned_at=at)
    ticket.refresh_from_db()
    assert (ticket.first_scanned_at, TicketScan.objects.count()) == (None, 15)


def guesses_at_once(race: Race, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let sixteen wrong codes of one scanner come at once, and say how many of them were looked up."""
    scanner, looked_up, look_up = make_scanner(ticket.event), [], verdicts._with_manual_code

    def listen(code: str, event: Event) -> Ticket | None:
        looked_up.append(code)
        return look_up(code, event)

    with monkeypatch.context() as patch:
        patch.setattr(verdicts, "_with_manual_code", listen)
        outcomes = race(16, lambda _: scan(scanner, ticket.event, new_manual_code()).result)
    assert {one if isinstance(one, str) else type(one) for one in outcomes} == {"invalid", RateLimited}
    return len(looked_up)


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_no_more_guesses(
    race: Race, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many requests run at once, no more than the limit are looked up. REQ TK-03."""
    settings.SCAN_INVALID_RATE_LIMIT = 3
    assert guesses_at_once(race, make_ticket(), monkeypatch) == TicketScan.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_more_are_looked_up(
    race: Race, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the race above: several find room before the first one counts. REQ TK-03."""
    settings.SCAN_INVALID_RATE_LIMIT = 3
    monkeypatch.setattr(scanning, "_lock_guesses", lambda _: None)
    ticket = make_ticket()
    assert any(guesses_at_once(race, ticket, monkeypatch) > 3 for _ in range(10))


def test_what_was_scanned_all_evening_without_a_network_arrives() -> None:
    """Forty kept scans of other events, void and used tickets in one go: answered and kept, each one. REQ TK-02."""
    ticket, there, then = make_ticket(), make_ticket(), NOW - timedelta(hours=3)
    scanner = make_scanner(ticket.event)
    made = [code_of(ticket, now=then), code_of(there, now=then)] * 20
    told = [scan(scanner, ticket.event, code, scanned_at=then).result for code in made]
    assert told == ["accepted", "wrong_event", *["duplicate", "wrong_event"] * 19]
    assert TicketScan.objects.filter(is_late=True).count() == 40
