"""Where people leave and come back, what a scanner kept offline is put where its time says. REQ TK-02, TK-03."""

import threading

import pytest
from django.db import connections, transaction

from config.local_stack.testing.race import until_waiting
from tickets.models import Direction, ScanAnomaly, TicketScan
from tickets.tests.test_reentry import IN, OUT, Doors


def flagged() -> list[str]:
    return list(ScanAnomaly.objects.order_by("kind").values_list("kind", flat=True))


@pytest.mark.django_db
def test_who_left_before_the_upload_may_come_back() -> None:
    """In at 0 without a network, out at 60, uploaded at 90: counted, and nobody is inside. REQ TK-02."""
    doors = Doors()
    code = doors.code(0)
    assert doors.scan(60, OUT) == "already_out"
    assert doors.scan(0, IN, code, sent=90, gate="B") == "admitted"
    assert doors.row() == (False, 1)
    assert (doors.ticket.first_scanned_at, doors.ticket.first_gate) == (doors.at(0), "B")
    assert doors.scan(0.5, IN, doors.code(0.5), sent=91, gate="C") == "already_in"
    assert flagged() == ["LATE_DUPLICATE", "TWO_DOORS"]
    assert doors.scan(120, IN) == "admitted"
    assert doors.row() == (True, 2)


@pytest.mark.django_db
def test_a_late_way_out_frees_nobody_who_came_back_since() -> None:
    """Out at 10 at two scanners, one without a network; in at 20: who is inside stays inside. REQ TK-02, TK-03."""
    doors = Doors()
    assert [doors.scan(0, IN), doors.scan(10, OUT), doors.scan(20, IN)] == ["admitted", "left", "admitted"]
    for minute in (9, 10):
        assert doors.scan(minute, OUT, sent=30, gate="B") == "already_out"
        assert doors.row() == (True, 2)
    kept = TicketScan.objects.filter(is_late=True).values_list("direction", "result", "reason")
    assert list(kept) == [("OUT", "duplicate", "already_out")] * 2
    assert doors.scan(31, IN, gate="C") == "already_in"
    assert flagged() == ["TWO_DOORS"]


@pytest.mark.django_db
@pytest.mark.parametrize("is_same", [True, False])
def test_let_in_twice_while_offline_is_flagged_after_the_holder_left(is_same: bool) -> None:
    """In at 1 at A and at 2 at B without a network, out at 60: the upload is a duplicate, and told. REQ TK-03."""
    doors = Doors()
    code = doors.code(1)
    other = code if is_same else doors.code(2)
    assert [doors.scan(1, IN, code), doors.scan(60, OUT)] == ["admitted", "left"]
    assert doors.scan(2, IN, other, sent=90, gate="B") == ("replayed" if is_same else "already_in")
    assert doors.row() == (False, 1)
    assert "LATE_DUPLICATE" in flagged()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("order", "told", "row"),
    [
        # Nothing was seen after it: the last thing known counts, however late it comes.
        ([(0, IN, None), (10, OUT, 40)], ["admitted", "left"], (False, 1)),
        ([(0, IN, None), (20, IN, None), (10, OUT, 40)], ["admitted", "already_in", "left"], (False, 1)),
        # The scanner of the way out was faster than that of the way in.
        ([(10, OUT, 40), (0, IN, 41)], ["already_out", "admitted"], (False, 1)),
        # Back inside by the time that the first way in is told of.
        (
            [(10, OUT, None), (20, IN, None), (0, IN, 40)],
            ["already_out", "admitted", "admitted"],
            (True, 2),
        ),
        ([(5, IN, None), (10, OUT, None), (0, IN, 40)], ["admitted", "left", "already_in"], (False, 1)),
        # Let in by a door that was told of nothing: another one who came then is one too many.
        (
            [(0, IN, None), (20, IN, 29), (40, OUT, None), (30, OUT, 50), (25, IN, 51)],
            ["admitted", "already_in", "left", "already_out", "already_in"],
            (False, 1),
        ),
    ],
)
def test_what_comes_late_goes_where_its_time_says(
    order: list[tuple[int, Direction, int | None]], told: list[str], row: tuple[bool, int]
) -> None:
    """Whatever the order of arrival, who is inside is as doors saw it last. REQ TK-02."""
    doors = Doors()
    codes = [doors.code(at) for at, _, _ in order]
    answers = [
        doors.scan(at, way, code, sent=sent) for (at, way, sent), code in zip(order, codes, strict=True)
    ]
    assert (answers, doors.row()) == (told, row)
    is_inside = row[0]
    assert doors.scan(60, OUT) == ("left" if is_inside else "already_out")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("before", "first", "second", "told", "is_inside"),
    [
        ([(0, IN), (10, OUT)], (20, IN, None), (9, OUT, 30), "already_out", True),
        ([], (0, IN, 61), (61, OUT, None), "left", False),
    ],
)
def test_a_late_scan_and_a_live_one_at_once_come_one_after_the_other(
    before: list[tuple[int, Direction]],
    first: tuple[int, Direction, int | None],
    second: tuple[int, Direction, int | None],
    told: str,
    is_inside: bool,
) -> None:
    """The second waits for the first and knows of it. REQ TK-02."""
    doors = Doors()
    for minute, way in before:
        doors.scan(minute, way)
    answers: list[str] = []
    code = doors.code(second[0])

    def act() -> None:
        try:
            answers.append(doors.scan(second[0], second[1], code, sent=second[2], gate="B"))
        finally:
            connections.close_all()

    thread = threading.Thread(target=act)
    with transaction.atomic():
        assert doors.scan(first[0], first[1], sent=first[2]) == "admitted"
        thread.start()
        until_waiting()
    thread.join(20)
    assert (answers, doors.row()[0]) == ([told], is_inside)
