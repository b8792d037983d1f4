"""Where people leave and come back: the order of uploads, and gaps of seconds without a network. REQ TK-02, TK-03."""

import threading
from collections.abc import Iterator
from itertools import permutations, product
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from config.local_stack.testing.race import until_waiting
from tickets.models import ScanAnomaly, TicketScan
from tickets.services import passing
from tickets.tests.factories import make_ticket
from tickets.tests.test_reentry import IN, OUT, Doors

MOVES = (IN, OUT, IN)
Step = tuple[str, int]


def walks() -> Iterator[tuple[Step, ...]]:
    """Yield each order in which three moves, and the uploads of those that were kept offline, may come."""
    numbers = range(len(MOVES))
    for is_kept in product((False, True), repeat=len(MOVES)):
        made = [("keep" if is_kept[number] else "scan", number) for number in numbers]
        kept = [number for number in numbers if is_kept[number]]
        for order in permutations([*made, *(("upload", number) for number in kept)]):
            is_in_turn = [step for step in order if step in made] == made
            if is_in_turn and all(order.index(("keep", one)) < order.index(("upload", one)) for one in kept):
                yield order


def walk_through(doors: Doors, walk: tuple[Step, ...], gap: float) -> bool:
    """Walk an honest holder in, out and in; return whether they are inside at the end.

    A door without a network lets them pass; who is turned away stays outside.
    """
    is_inside, now = False, 0.0
    for step, number in walk:
        way, made_at = MOVES[number], number * gap
        if step == "upload":
            now += gap / 5
            doors.scan(made_at, way, doors.code(made_at), sent=now, gate="B")
        else:
            now = max(now, made_at)
            is_let_in = step == "keep" or doors.scan(made_at, way) != "already_in"
            is_inside = way == IN and is_let_in
    return is_inside


@pytest.mark.django_db
@pytest.mark.parametrize("gap", [10, 0.1], ids=["minutes", "seconds"])
def test_when_all_is_uploaded_the_holder_is_where_they_are(gap: float) -> None:
    """In, out and in, each with or without a network, uploaded in any order: whoever is inside keeps all others out,
    and who was turned away, for nobody had told of the way out, comes in. REQ TK-02."""
    doors, wrong, orders = Doors(), [], list(walks())
    tier = doors.ticket.tier
    for walk in orders:
        doors.ticket = make_ticket(tier=tier)
        is_inside = walk_through(doors, walk, gap)
        known = doors.row()[0]
        another = doors.scan(9 * gap, IN, gate="C")
        if (known, another) != (is_inside, "already_in" if is_inside else "admitted"):
            wrong.append((walk, known, another))
    assert (len(orders), wrong) == (37, [])


@pytest.mark.django_db
def test_scans_that_were_not_kept_ask_for_nothing_more() -> None:
    """The policy, the verdict, the ticket and the row, and a lock for a way out: what doors saw is asked for what was
    kept alone. REQ TK-02 (query budget)."""
    doors, costs = Doors(), []
    for minute, way in enumerate(MOVES):
        code = doors.code(minute)
        with CaptureQueriesContext(connection) as queries:
            assert doors.scan(minute, way, code) in {"admitted", "left"}
        costs.append([one["sql"] for one in queries if "tickets_" in one["sql"]])
    assert [len(statements) for statements in costs] == [4, 5, 4], costs


@pytest.mark.django_db
@pytest.mark.parametrize(("code_at", "told"), [(0.1, "replayed"), (0.3, "already_in")])
def test_let_in_twice_within_seconds_is_told(code_at: float, told: str) -> None:
    """In and out at A; B had no network for a moment, and turned nobody away. REQ TK-03."""
    doors = Doors()
    code = doors.code(0.1)
    assert [doors.scan(0.1, IN, code), doors.scan(0.5, OUT)] == ["admitted", "left"]
    other = code if told == "replayed" else doors.code(code_at)
    assert doors.scan(0.3, IN, other, sent=0.6, gate="B") == told
    assert not TicketScan.objects.filter(is_late=True).exists()
    assert ScanAnomaly.objects.filter(kind="LATE_DUPLICATE").count() == 1
    assert doors.row() == (False, 1)


@pytest.mark.django_db
def test_the_first_time_is_the_first_in_time() -> None:
    """In at 0 at A and out at 10, in at 20 at B, and A tells of it last; what is told stays the first. REQ TK-02."""
    doors = Doors()
    code = doors.code(0)
    assert [doors.scan(10, OUT), doors.scan(20, IN, gate="B")] == ["already_out", "admitted"]
    assert doors.scan(0, IN, code, sent=40, gate="A") == "admitted"
    assert (doors.row(), doors.ticket.first_scanned_at) == ((True, 2), doors.at(0))
    assert doors.ticket.first_gate == "A"
    # Who is inside came by B, whatever was told of since.
    assert doors.scan(50, IN, gate="B") == "already_in"
    assert not ScanAnomaly.objects.exists()
    assert [doors.scan(60, OUT), doors.scan(70, IN, gate="C")] == ["left", "admitted"]
    assert (doors.row(), doors.ticket.first_scanned_at) == ((True, 3), doors.at(0))
    assert doors.ticket.first_gate == "A"


def opened_late_and_live_at_once() -> tuple[list[str], int]:
    """Upload a code while a live scan of the very same waits for its row; return what that was told, and the
    admissions."""
    doors = Doors()
    code, told = doors.code(0), []
    assert doors.scan(1, OUT) == "already_out"

    def act() -> None:
        try:
            told.append(doors.scan(4, IN, code, gate="C"))
        finally:
            connections.close_all()

    thread = threading.Thread(target=act)
    with transaction.atomic():
        assert doors.scan(0.5, IN, code, sent=4, gate="B") == "admitted"
        thread.start()
        until_waiting()
    thread.join(20)
    return told, doors.row()[1]


@pytest.mark.django_db(transaction=True)
def test_one_code_opens_once_late_or_live() -> None:
    """Whichever comes first, the other hears that it was used. REQ TK-02."""
    assert opened_late_and_live_at_once() == (["replayed"], 1)


@pytest.mark.django_db(transaction=True)
def test_control_by_the_log_alone_it_opens_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the race above: who waits for the row sees the log as it was before. REQ TK-02."""
    let_in = passing._let_in

    def without_the_code(*given: Any, last_code_nonce: str, **more: Any) -> bool:
        return let_in(*given, **more)

    monkeypatch.setattr(passing, "_let_in", without_the_code)
    assert opened_late_and_live_at_once() == (["admitted"], 2)
