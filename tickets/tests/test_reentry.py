"""Where people leave and come back: a live code opens once, whatever opened since. REQ TK-02."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.tests.factories import NOW
from tickets.models import CodeKind, Direction
from tickets.services import codes
from tickets.tests.factories import code_of, make_policy, make_scanner, make_ticket, scan

IN, OUT = Direction.IN, Direction.OUT


class Doors:
    """The doors of an event that counts who leaves, by minutes; each scan is by a scanner of its own."""

    def __init__(self) -> None:
        self.ticket = make_ticket()
        make_policy(self.ticket.event, allows_reentry=True, accepts_printed=True)

    def at(self, minute: float) -> datetime:
        """Return this minute's time."""
        return NOW + timedelta(minutes=minute)

    def code(self, minute: float, kind: CodeKind = CodeKind.LIVE) -> str:
        """Make a code at this minute."""
        return code_of(self.ticket, kind, now=self.at(minute))

    def scan(
        self,
        minute: float,
        direction: Direction,
        code: str = "",
        *,
        sent: float | None = None,
        gate: str = "A",
    ) -> str:
        """Scan at this minute, kept offline until another one if it was sent then; return what was answered."""
        at = self.at(minute)
        answer = scan(
            make_scanner(self.ticket.event), self.ticket.event, code or self.code(minute),
            now=at if sent is None else self.at(sent),
            scanned_at=None if sent is None else at, direction=direction, gate=gate,
        )  # fmt: skip
        return answer.reason

    def row(self) -> tuple[bool, int]:
        """Return whether the holder is inside, and how often the ticket let in."""
        self.ticket.refresh_from_db()
        return self.ticket.is_inside, self.ticket.admissions


@pytest.mark.django_db
@pytest.mark.parametrize(
    "spelled",
    [str, str.lower, lambda code: f" {code.removeprefix(codes.PREFIX)}\n"],
    ids=["same", "small", "bare"],
)
def test_a_live_code_opens_once_whatever_opened_since(spelled: Callable[[str], str]) -> None:
    """In with two codes in turn, then with the first again, also spelled otherwise: it was used. REQ TK-02."""
    doors = Doors()
    first, second = doors.code(0), doors.code(0)
    moves = [(IN, first), (OUT, first), (IN, second), (OUT, second), (IN, spelled(first)), (IN, second)]
    seen = [doors.scan(minute / 2, direction, code) for minute, (direction, code) in enumerate(moves)]
    assert seen == ["admitted", "left", "admitted", "left", "replayed", "replayed"]
    assert doors.row() == (False, 2)
    assert doors.scan(4, IN) == "admitted"


@pytest.mark.django_db
def test_paper_and_letters_open_again_where_people_come_back() -> None:
    """They have no fresh ones. REQ TK-02."""
    doors = Doors()
    for code in (doors.code(0, CodeKind.PRINTED), doors.ticket.manual_code):
        assert [doors.scan(1, way, code) for way in (IN, OUT, IN, OUT)] == ["admitted", "left"] * 2
