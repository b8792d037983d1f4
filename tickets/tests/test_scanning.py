"""Scans: who gets in, who does not and why, and what is kept of it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_member, make_user
from common.errors import Failure, Forbidden, Invalid, NotFound
from common.idempotency.errors import IdempotencyMismatch
from common.types import ANONYMOUS
from events.models import Registration
from events.tests.factories import make_event
from tickets.letters import new_manual_code, shown_manual_code
from tickets.models import CodeKind, Direction, ScanAnomaly, ScanReason, Ticket, TicketScan
from tickets.services import codes
from tickets.services.reissuing import reissue_ticket, void_ticket
from tickets.services.scanning import scan_ticket
from tickets.tests.factories import code_of, make_policy, make_scanner, make_ticket, make_tier, scan
from tickets.types import ScanTicket

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(seconds=20)


def test_a_fresh_code_lets_in_once() -> None:
    """Accepted, then duplicate with the first time and gate; both are kept with gate and scanner. REQ TK-02."""
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    first = scan(scanner, ticket.event, code_of(ticket), gate="North")
    again = scan(scanner, ticket.event, code_of(ticket, now=LATER), gate="South", now=LATER)
    assert (first.result, first.first_scanned_at, first.first_gate) == ("accepted", NOW, "North")
    assert first.ticket is not None
    assert (first.ticket.number, first.message) == (ticket.number, "Welcome.")
    assert (again.result, again.first_scanned_at, again.first_gate) == ("duplicate", NOW, "North")
    kept = TicketScan.objects.order_by("received_at").values_list("result", "gate", "scanner", "ticket")
    assert list(kept) == [
        ("accepted", "North", scanner.pk, ticket.pk),
        ("duplicate", "South", scanner.pk, ticket.pk),
    ]


def test_a_scan_costs_seven_statements() -> None:
    """Event with its policy, role, nonce, the verdict, the ticket, the row: no more. REQ TK-02 (query budget)."""
    ticket = make_ticket()
    scanner, code = make_scanner(ticket.event), code_of(ticket)
    with CaptureQueriesContext(connection) as queries:
        assert scan(scanner, ticket.event, code, nonce="one").result == "accepted"
    counted = [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]
    assert len(counted) <= 7, counted


def old_code(ticket: Ticket) -> str:
    """Make a code six minutes ago."""
    return code_of(ticket, now=NOW - timedelta(minutes=5))


def replaced_code(ticket: Ticket) -> str:
    """Make a code, then have the ticket's code re-issued."""
    code = code_of(ticket)
    staff = actor_of(make_scanner(ticket.event, "staff"))
    reissue_ticket(actor=staff, ticket_id=ticket.pk, reason="Shared online", now=NOW)
    return code


def replaced_typed_code(ticket: Ticket) -> str:
    """Note the typed code, then have it replaced."""
    code = ticket.manual_code
    replaced_code(ticket)
    return code


def void_code(ticket: Ticket) -> str:
    """Make a code, then have the ticket made void."""
    code = code_of(ticket)
    staff = actor_of(make_scanner(ticket.event, "staff"))
    void_ticket(actor=staff, ticket_id=ticket.pk, reason="Stolen card", now=NOW)
    return code


def forged_code(ticket: Ticket) -> str:
    """Write the ticket's name into a code that was signed for another one."""
    own, other = code_of(ticket), code_of(make_ticket(tier=ticket.tier))
    start = len(codes.PREFIX)
    return own[: start + 40] + other[start + 40 :]


def disputed_code(ticket: Ticket) -> str:
    """Make a code of a ticket whose payment is in question."""
    Ticket.objects.filter(pk=ticket.pk).update(stopped_reason="Disputed")
    return code_of(ticket)


@pytest.mark.parametrize(
    ("made", "result", "reason"),
    [
        (old_code, "expired", ScanReason.TOO_OLD),
        (lambda ticket: code_of(ticket, now=NOW + timedelta(minutes=1)), "expired", ScanReason.TOO_OLD),
        (lambda ticket: code_of(ticket, CodeKind.PRINTED), "invalid", ScanReason.PRINTED_REFUSED),
        (replaced_code, "void", ScanReason.REISSUED),
        (replaced_typed_code, "invalid", ScanReason.UNKNOWN),
        (void_code, "void", ScanReason.VOIDED),
        (disputed_code, "void", ScanReason.STOPPED),
        (forged_code, "invalid", ScanReason.FORGED),
        (lambda ticket: "https://example.test/", "invalid", ScanReason.UNREADABLE),
        (lambda ticket: new_manual_code(), "invalid", ScanReason.UNKNOWN),
    ],
)
def test_what_does_not_let_in_is_refused_and_kept(
    made: Callable[[Ticket], str], result: str, reason: ScanReason
) -> None:
    """Each refusal has its word, leaves a row, and leaves the ticket unused. REQ TK-02."""
    ticket = make_ticket()
    code = made(ticket)
    answer = scan(make_scanner(ticket.event), ticket.event, code, gate="North")
    assert (answer.result, answer.reason, answer.first_scanned_at) == (result, reason, None)
    kept = TicketScan.objects.get()
    assert (kept.result, kept.reason, kept.gate) == (result, reason, "North")
    assert code not in str(TicketScan.objects.values().get())
    ticket.refresh_from_db()
    assert (ticket.first_scanned_at, ticket.admissions) == (None, 0)


def test_the_new_code_lets_in_after_a_reissue() -> None:
    """Signed and typed; the audit history says who and why. REQ TK-03."""
    ticket = make_ticket()
    replaced_code(ticket)
    assert scan(make_scanner(ticket.event), ticket.event, code_of(ticket)).result == "accepted"


@pytest.mark.parametrize("own", [True, False])
def test_another_events_code_is_refused_and_tells_nothing(own: bool) -> None:
    """Of the same organization or another's: ``wrong_event``, no ticket; the other's is not even linked. REQ TK-02."""
    here, there = make_event(), make_event()
    if own:
        there.organization = here.organization
        there.save()
    ticket = make_ticket(tier=make_tier(event=there))
    answer = scan(make_scanner(here), here, code_of(ticket))
    assert (answer.result, answer.ticket, answer.first_gate) == ("wrong_event", None, "")
    assert TicketScan.objects.get().ticket_id == (ticket.pk if own else None)
    typed = scan(make_scanner(here), here, shown_manual_code(ticket.manual_code))
    assert typed.result == ("wrong_event" if own else "invalid")
    ticket.refresh_from_db()
    assert ticket.first_scanned_at is None


def test_printed_codes_open_where_the_event_takes_them_until_it_ends() -> None:
    """By the event's policy, whatever their age; not after the end. REQ TK-02."""
    ticket, late = make_ticket(), make_ticket()
    scanner = make_scanner(ticket.event)
    make_policy(ticket.event, accepts_printed=True)
    printed = code_of(ticket, CodeKind.PRINTED, now=NOW - timedelta(days=200))
    assert scan(scanner, ticket.event, printed).result == "accepted"
    after = late.event.ends_at
    for code in (code_of(late, now=after), late.manual_code):
        assert scan(make_scanner(late.event), late.event, code, now=after).reason == ScanReason.EVENT_OVER


def test_leaving_and_coming_back_by_policy() -> None:
    """In, out, in again with a fresh code; the code that let in once does not let a friend in. REQ TK-02."""
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    make_policy(ticket.event, allows_reentry=True)
    code, fresh = code_of(ticket), code_of(ticket)
    seen = [
        scan(scanner, ticket.event, text, direction=direction, gate="North").reason
        for text, direction in [
            (code, Direction.IN), (fresh, Direction.IN), (code, Direction.OUT), (code, Direction.OUT),
            (code, Direction.IN), (fresh, Direction.IN),
        ]
    ]  # fmt: skip
    assert seen == ["admitted", "already_in", "left", "already_out", "replayed", "admitted"]
    ticket.refresh_from_db()
    assert (ticket.admissions, ticket.is_inside, ticket.first_scanned_at) == (2, True, NOW)


def test_leaving_is_not_counted_where_nobody_comes_back() -> None:
    """The direction is refused and nothing is kept. REQ TK-02."""
    ticket = make_ticket()
    with pytest.raises(Invalid):
        scan(make_scanner(ticket.event), ticket.event, code_of(ticket), direction=Direction.OUT)
    assert not TicketScan.objects.exists()


def test_a_nonce_sent_again_answers_the_same() -> None:
    """The lost answer of an accepted scan is given again, not "duplicate"; another code under it: 422. REQ TK-02."""
    ticket = make_ticket()
    scanner, code = make_scanner(ticket.event), code_of(ticket)
    first = scan(scanner, ticket.event, code, nonce="n-1", gate="North")
    again = scan(scanner, ticket.event, code, nonce="n-1", gate="North", now=LATER)
    assert (first.result, again) == ("accepted", first)
    with pytest.raises(IdempotencyMismatch):
        scan(scanner, ticket.event, code_of(ticket), nonce="n-1")
    assert TicketScan.objects.count() == 1
    assert scan(make_scanner(ticket.event), ticket.event, code, nonce="n-1").result == "duplicate"


def test_only_the_organizations_scanners_scan() -> None:
    """Nobody, a stranger, a rival's owner, an analyst: each refused, nothing kept, nobody let in. REQ TK-03, EV-03."""
    ticket = make_ticket()
    code = code_of(ticket)
    refused: list[tuple[type[Failure], object]] = [
        (Failure, ANONYMOUS),
        (NotFound, actor_of(make_user())),
        (NotFound, actor_of(make_member("owner"))),
        (Forbidden, actor_of(make_scanner(ticket.event, "analyst"))),
    ]
    for failure, actor in refused:
        with pytest.raises(failure):
            scan_ticket(ScanTicket(actor=actor, event_id=ticket.event_id, code=code), now=NOW)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        scan_ticket(ScanTicket(actor=actor_of(make_user()), event_id=uuid4(), code=code), now=NOW)
    assert not TicketScan.objects.exists()
    for role in ("scanner", "staff", "owner"):
        assert scan(make_scanner(ticket.event, role), ticket.event, code).ticket == ticket


def test_scans_kept_offline_are_accepted_late_and_marked() -> None:
    """The code is judged by when it was scanned; too late, or in the future, is a field error. REQ TK-02."""
    ticket = make_ticket()
    scanner, then = make_scanner(ticket.event), NOW - timedelta(hours=3)
    code = code_of(ticket, now=then)
    for wrong in (NOW - timedelta(hours=25), NOW + timedelta(minutes=5)):
        with pytest.raises(Invalid):
            scan(scanner, ticket.event, code, scanned_at=wrong)
    answer = scan(scanner, ticket.event, code, scanned_at=then, nonce="kept-1", gate="North")
    assert (answer.result, answer.is_late, answer.first_scanned_at) == ("accepted", True, then)
    twice = scan(make_scanner(ticket.event), ticket.event, code, scanned_at=then, gate="South")
    assert (twice.result, twice.first_gate) == ("duplicate", "North")
    kinds = ScanAnomaly.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["LATE_DUPLICATE", "TWO_DOORS"]


def test_what_looks_wrong_is_flagged_once_and_counted() -> None:
    """Two doors, and scans in rapid succession: one open row each. A double tap is none. REQ TK-03."""
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    for _ in range(2):
        scan(scanner, ticket.event, code_of(ticket), gate="North")
    assert not ScanAnomaly.objects.exists()
    for gate in ("North", "South", "South"):
        scan(scanner, ticket.event, code_of(ticket), gate=gate)
    found = {one.kind: (one.times, one.detail) for one in ScanAnomaly.objects.all()}
    assert found["TWO_DOORS"] == (2, "Let in at North, also shown at South.")
    assert found["RAPID"][0] == 3


def test_coming_back_by_another_door_is_not_two_doors() -> None:
    """Where people come back, the door that let them in last counts, not the first one. REQ TK-02, TK-03."""
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    make_policy(ticket.event, allows_reentry=True)
    moves = [
        (Direction.IN, "North"),
        (Direction.OUT, "North"),
        (Direction.IN, "South"),
        (Direction.IN, "South"),
    ]
    for minute, (direction, gate) in enumerate(moves):
        now = NOW + timedelta(minutes=minute)
        scan(scanner, ticket.event, code_of(ticket, now=now), direction=direction, gate=gate, now=now)
    assert not ScanAnomaly.objects.exists()
    now = NOW + timedelta(minutes=9)
    scan(scanner, ticket.event, code_of(ticket, now=now), gate="North", now=now)
    assert ScanAnomaly.objects.get().detail == "Let in at South, also shown at North."


def test_a_void_ticket_frees_its_place_and_the_registration() -> None:
    """The place is on sale again; who has another ticket stays registered. REQ TK-03."""
    ticket = make_ticket(tier=make_tier(units=1))
    other = make_ticket(holder=ticket.holder, tier=make_tier(event=ticket.event))
    for one, left in ((ticket, True), (other, False)):
        void_code(one)
        registered = Registration.objects.filter(event=ticket.event, user=ticket.holder).exists()
        assert registered is left
    ticket.tier.refresh_from_db()
    assert (ticket.tier.sold, ticket.tier.available) == (0, 1)
