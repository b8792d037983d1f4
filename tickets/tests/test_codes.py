"""What a code says, and that nobody but us can say it."""

import hmac
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from accounts.tests.factories import NOW
from common.errors import RateLimited
from tickets.letters import manual_code_hash, new_manual_code, shown_manual_code, typed_manual_code
from tickets.models import CodeKind, Ticket, TicketScan
from tickets.models.tickets import MANUAL_CODE_HASH
from tickets.services import codes, pictures, verdicts
from tickets.tests.factories import make_scanner, make_ticket, scan
from tickets.types import SignedCode

TICKET, EVENT = uuid4(), uuid4()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def a_code(kind: CodeKind = CodeKind.LIVE) -> str:
    """Sign a code of one ticket."""
    return codes.sign(ticket_id=TICKET, event_id=EVENT, generation=3, kind=kind, now=NOW)


@pytest.mark.parametrize("kind", [CodeKind.LIVE, CodeKind.PRINTED])
def test_a_code_says_what_was_signed(kind: CodeKind) -> None:
    """Ticket, event, generation, kind and time come back; each code has a nonce of its own. REQ TK-01."""
    first, second = codes.read(a_code(kind)), codes.read(a_code(kind).lower())
    assert first == SignedCode(TICKET, EVENT, 3, kind, NOW, first.nonce)
    assert (len(first.nonce), first.nonce == second.nonce) == (16, False)


@settings(max_examples=25, deadline=None)
@given(place=st.integers(0, 138), letter=st.sampled_from(LETTERS))
def test_whatever_letter_is_changed_the_code_is_refused(place: int, letter: str) -> None:
    """A tampered code is not genuine, or no code at all; never another one. REQ TK-02."""
    text = a_code()
    place += len(codes.PREFIX)
    changed = text[:place] + letter + text[place + 1 :]
    if changed == text:
        assert codes.read(changed).ticket_id == TICKET
        return
    with pytest.raises((codes.Forged, codes.NotACode)):
        codes.read(changed)


def test_the_last_letter_has_one_spelling() -> None:
    """Base32 leaves bits of the last letter unused: another letter there is not the same code. REQ TK-02."""
    text = a_code()
    others = [text[:-1] + letter for letter in LETTERS if letter != text[-1]]
    for other in others:
        with pytest.raises((codes.Forged, codes.NotACode)):
            codes.read(other)


SIZE = len(codes.sign(ticket_id=TICKET, event_id=EVENT, generation=3, kind=CodeKind.LIVE, now=NOW)) - 4
ODD = ["hello", "MQ1:" + "A" * (SIZE - 1), "MQ1:" + "1" * SIZE, "MQ1:" + "=" * SIZE, "ü" * SIZE, "MQ1:" + "É" * SIZE,
       "MQ1:" + "A" * (SIZE - 1) + "ſ", "\ud800" * SIZE, "\x00" * SIZE, "\U0001f600" * SIZE]  # fmt: skip


@pytest.mark.parametrize("text", ["", "MQ1:", *ODD])
def test_what_is_no_code_is_told_from_a_forged_one(text: str) -> None:
    """REQ TK-02: whatever a camera reads is answered."""
    with pytest.raises(codes.NotACode):
        codes.read(text)


@pytest.mark.django_db
def test_whatever_text_is_scanned_is_refused_kept_and_counted(settings: Settings) -> None:
    """REQ TK-02, TK-03: each of them is ``invalid``, leaves its row and is one of the wrong scans of a minute; the next
    one is not looked at."""
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    settings.SCAN_INVALID_RATE_LIMIT = len(ODD)
    assert {scan(scanner, ticket.event, text).result for text in ODD} == {"invalid"}
    with pytest.raises(RateLimited):
        scan(scanner, ticket.event, ticket.manual_code)
    assert TicketScan.objects.filter(result="invalid", ticket=None).count() == len(ODD)
    assert TicketScan.objects.count() == len(ODD)


def test_keys_are_rotated_without_voiding_a_code(settings: Settings) -> None:
    """The newest key signs, all verify; a key that was dropped verifies no more. REQ TK-01."""
    settings.TICKET_SIGNING_KEYS = ["old" * 12]
    old = a_code()
    settings.TICKET_SIGNING_KEYS = ["new" * 12, "old" * 12]
    new = a_code()
    assert codes.read(old).ticket_id == codes.read(new).ticket_id == TICKET
    settings.TICKET_SIGNING_KEYS = ["new" * 12]
    assert codes.read(new).ticket_id == TICKET
    with pytest.raises(codes.Forged):
        codes.read(old)


def test_signatures_are_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Every key is tried, by the comparison that does not end early, whether the first one fits or not. REQ TK-02."""
    settings.TICKET_SIGNING_KEYS = ["a" * 32, "b" * 32, "c" * 32]
    compared: list[int] = []
    real = hmac.compare_digest

    def noting(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return real(one, other)

    text = a_code()
    monkeypatch.setattr(codes.hmac, "compare_digest", noting)
    codes.read(text)
    assert compared == [4, 32] * 3


@pytest.mark.django_db
def test_codes_for_typing_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked up by a hash, the letters compared by the comparison that does not end early: no statement has them in
    it, and a code that only shares the hash opens nothing. REQ TK-02."""
    ticket = make_ticket()
    scanner, code = make_scanner(ticket.event), ticket.manual_code
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def noting(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(verdicts.hmac, "compare_digest", noting)
    with CaptureQueriesContext(connection) as queries:
        assert scan(scanner, ticket.event, code).result == "accepted"
    assert compared == [(code, code)]
    assert not [one["sql"] for one in queries if code in one["sql"]]
    other = make_ticket(tier=ticket.tier)
    monkeypatch.setattr(verdicts, "manual_code_hash", lambda _: manual_code_hash(other.manual_code))
    assert scan(scanner, ticket.event, new_manual_code()).reason == "unknown"


@pytest.mark.django_db
def test_a_code_for_typing_has_its_index() -> None:
    """Found by the index over the hashes, whatever the number of tickets. REQ OP-07, TK-02."""
    ticket = make_ticket()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    found = Ticket.objects.alias(hash=MANUAL_CODE_HASH).filter(hash=manual_code_hash(ticket.manual_code))
    assert "ticket_manual_code_hash" in found.explain()
    assert found.get() == ticket


def test_pictures_hold_the_code_in_few_squares() -> None:
    """PNG and SVG; base32 keeps to the compact letters of a QR code (41 squares a side). REQ TK-01."""
    text = a_code()
    assert pictures.png(text)[:8] == b"\x89PNG\r\n\x1a\n"
    assert b'viewBox="0 0 49 49"' in pictures.svg(text)


def test_a_typed_code_is_read_as_people_type_it() -> None:
    """Case, dashes and spaces do not matter; letters that are mistaken for others are none of it. REQ TK-01."""
    code = new_manual_code()
    assert typed_manual_code(f" {shown_manual_code(code).lower()} ") == code
    assert len({new_manual_code() for _ in range(500)}) == 500
    assert [typed_manual_code(text) for text in ("", code + "3", code[:-1] + "0")] == [None] * 3
