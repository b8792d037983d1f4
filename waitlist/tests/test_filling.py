"""Free seats go to whoever is next: how many, in which order, and what stops it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common.outbox.models import Job
from common.outbox.testing import run_due
from events.models import Attendance, Session
from events.services import sessions
from waitlist import selectors
from waitlist.models import Entry, EntryStatus, GroupRule, WaitlistPolicy
from waitlist.services import leaving, names, sweeping
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import (
    books,
    free_up,
    join,
    make_full_session,
    make_guest,
    pause,
    staff_of,
    statuses,
    waiting,
)

pytestmark = pytest.mark.django_db


def _fill(session: Session, **terms: object) -> int:
    return fill_free_seats(session_id=session.pk, **{"now": NOW, **terms})  # type: ignore[arg-type]


def test_leaving_a_session_offers_the_seat_to_the_next() -> None:
    """REQ WL-05, EV-05: somebody gives their seat back; the first in line has the offer, the second waits."""
    session = make_full_session()
    first, second = waiting(session, 2)
    guest = Attendance.objects.get(session=session).user
    sessions.leave(actor=actor_of(guest), session_id=session.pk, now=NOW)
    run_due(NOW)
    assert statuses([first, second]) == ["OFFERED", "WAITING"]
    stored, counted = books(session.pk)
    assert stored == counted
    assert (stored.attendance, stored.held, stored.waiting) == (0, 1, 1)


def test_an_offer_holds_the_seat_for_its_time() -> None:
    """REQ WL-04: the offer has a number, its time is the setting's 15 minutes, and the seat is held."""
    session = make_full_session()
    entry = join(session)
    free_up(session)
    assert _fill(session) == 1
    entry.refresh_from_db()
    assert (entry.offer_number, entry.offered_at) == (1, NOW)
    assert entry.offer_expires_at == NOW + timedelta(minutes=15)
    session.refresh_from_db()
    assert (session.held, session.free_seats) == (1, 0)
    assert _fill(session) == 0


def test_an_offer_never_outlives_the_start() -> None:
    """REQ WL-11: nobody holds a seat of a session that has begun."""
    session = make_full_session()
    entry = join(session)
    free_up(session)
    _fill(session, now=session.starts_at - timedelta(minutes=1))
    entry.refresh_from_db()
    assert entry.offer_expires_at == session.starts_at


def test_the_organizer_says_how_long_an_offer_lasts() -> None:
    """REQ WL-04: the session's own lifetime wins over the setting."""
    session = make_full_session()
    entry = join(session)
    WaitlistPolicy.objects.create(session=session, offer_seconds=300)
    free_up(session)
    _fill(session)
    entry.refresh_from_db()
    assert entry.offer_expires_at == NOW + timedelta(minutes=5)


def test_a_batchs_time_begins_when_its_last_mail_is_expected_to_have_gone(settings: object) -> None:
    """DESIGN "Waitlist": with 2 mails a minute, five offers go out over 2 minutes, and all last that much longer."""
    settings.EMAIL_RATE_PER_MINUTE = 2  # type: ignore[attr-defined]
    session = make_full_session(capacity=5)
    entries = waiting(session, 5)
    free_up(session, 5)
    assert _fill(session) == 5
    ends = set(Entry.objects.filter(session=session).values_list("offer_expires_at", flat=True))
    assert ends == {NOW + timedelta(minutes=17)}
    assert statuses(entries) == ["OFFERED"] * 5


def test_seats_go_out_in_the_queues_order() -> None:
    """REQ WL-03: two seats for VIP and the Standard who came first."""
    session = make_full_session(capacity=2)
    entries = [join(session), join(session), join(session, priority="VIP")]
    free_up(session, 2)
    assert _fill(session) == 2
    assert statuses(entries) == ["OFFERED", "WAITING", "OFFERED"]


def test_the_head_waits_for_its_whole_group() -> None:
    """REQ WL-10: by default three seats do not pass a group of four, and the screen says so."""
    session = make_full_session(capacity=4)
    group = join(session, quantity=4)
    single = join(session)
    free_up(session, 3)
    assert _fill(session) == 0
    standing = selectors.standing(staff_of(session), session.pk, now=NOW)
    assert [reason.code for reason in standing.why_not] == ["group_too_large"]
    assert standing.why_not[0].message == "The next group needs 4 seats, 3 free."
    free_up(session, 1)
    assert _fill(session) == 1
    assert statuses([group, single]) == ["OFFERED", "WAITING"]


@pytest.mark.parametrize("rule", GroupRule.values)
def test_a_group_that_the_session_has_no_room_for_any_more_holds_nobody_up(rule: str) -> None:
    """REQ WL-10, WL-11, WL-12: capacity went below the head's group: by either rule others are offered past it. It
    keeps its place, the screen names it where only such wait, and a raised capacity has it offered."""
    session = make_full_session(capacity=4)
    WaitlistPolicy.objects.create(session=session, group_rule=rule)
    group, first, second = join(session, quantity=4), join(session, quantity=2), join(session)
    staff = staff_of(session)
    sessions.change_capacity(actor=staff, session_id=session.pk, maximum_capacity=3, now=NOW)
    free_up(session, 4)
    assert _fill(session) == 2
    assert statuses([group, first, second]) == ["WAITING", "OFFERED", "OFFERED"]
    assert selectors.positions_of([group]) == {group.pk: 1}
    for entry in (first, second):
        leaving.leave(actor=actor_of(entry.user), session_id=session.pk, now=NOW)
    [why_not] = selectors.standing(staff, session.pk, now=NOW).why_not
    assert (why_not.code, why_not.message) == ("group_too_large", "The next group needs 4 seats, 3 free.")
    sessions.change_capacity(actor=staff, session_id=session.pk, maximum_capacity=4, now=NOW)
    run_due(NOW)
    assert statuses([group]) == ["OFFERED"]


def test_the_screen_names_the_next_group_that_the_session_has_room_for() -> None:
    """REQ WL-11: behind a group of four in a session of three, the group of two is what the free seat waits for."""
    session = make_full_session(capacity=4)
    join(session, quantity=4)
    join(session, quantity=2)
    staff = staff_of(session)
    sessions.change_capacity(actor=staff, session_id=session.pk, maximum_capacity=3, now=NOW)
    free_up(session, 2)
    assert _fill(session) == 0
    [why_not] = selectors.standing(staff, session.pk, now=NOW).why_not
    assert why_not.message == "The next group needs 2 seats, 1 free."


@pytest.mark.parametrize(
    ("free", "quantities", "offered"),
    [
        (3, [4, 1, 3, 2], [False, True, False, True]),
        (3, [4, 4, 2, 2, 1], [False, False, True, False, True]),
        (3, [4, 3, 1], [False, True, False]),
        (5, [2, 4, 4, 3, 1], [True, False, False, True, False]),
        (2, [4, 3], [False, False]),
        (1, [2, 3, 1, 1], [False, False, True, False]),
        (6, [3, 4, 2, 2, 1, 1], [True, False, True, False, True, False]),
    ],
)
def test_smaller_groups_pass_where_the_organizer_says_so(
    free: int, quantities: list[int], offered: list[bool]
) -> None:
    """REQ WL-10: with "skip", whoever fits next in the order gets what is free; the head keeps its place."""
    session = make_full_session(capacity=8)
    WaitlistPolicy.objects.create(session=session, group_rule=GroupRule.SKIP)
    entries = [join(session, quantity=quantity) for quantity in quantities]
    free_up(session, free)
    _fill(session)
    expected = [EntryStatus.OFFERED if is_offered else EntryStatus.WAITING for is_offered in offered]
    assert statuses(entries) == expected
    stored, counted = books(session.pk)
    assert stored == counted


def test_paused_offers_stay_in_until_they_are_resumed() -> None:
    """REQ WL-07, WL-11: nothing goes out while paused, and the screen says why."""
    session = make_full_session()
    entry = join(session)
    pause(session)
    free_up(session)
    assert _fill(session) == 0
    standing = selectors.standing(staff_of(session), session.pk, now=NOW)
    assert [reason.code for reason in standing.why_not] == ["offers_paused"]
    assert statuses([entry]) == ["WAITING"]


def test_nothing_is_offered_after_the_closing_time_or_the_start() -> None:
    """REQ WL-11: each reason by its name."""
    session = make_full_session()
    entry = join(session)
    free_up(session)
    assert _fill(session, now=session.starts_at) == 0
    begun = selectors.standing(staff_of(session), session.pk, now=session.starts_at)
    assert [reason.code for reason in begun.why_not] == ["session_started"]
    WaitlistPolicy.objects.create(session=session, closes_at=NOW)
    assert _fill(session) == 0
    closed = selectors.standing(staff_of(session), session.pk, now=NOW)
    assert [reason.code for reason in closed.why_not] == ["sales_closed"]
    assert statuses([entry]) == ["WAITING"]


def test_why_nothing_is_offered_when_all_is_well() -> None:
    """REQ WL-11: no free seat; nobody waits."""
    session = make_full_session()
    codes = [reason.code for reason in selectors.standing_of(session, now=NOW).why_not]
    assert codes == ["nobody_waiting", "no_free_seat"]
    join(session)
    session.refresh_from_db()
    assert [reason.code for reason in selectors.standing_of(session, now=NOW).why_not] == ["no_free_seat"]


def test_unlimited_capacity_offers_to_everybody() -> None:
    """REQ WL-12: lifting the limit leaves nobody waiting."""
    session = make_full_session()
    entries = waiting(session, 4)
    staff = staff_of(session)
    sessions.change_capacity(actor=staff, session_id=session.pk, maximum_capacity=None, now=NOW)
    run_due(NOW)
    assert statuses(entries) == ["OFFERED"] * 4


def test_capacity_below_attendance_takes_nobodys_seat_and_stops_offers() -> None:
    """REQ WL-12, WL-04: three sit, capacity goes to one; one leaves: two are still too many for an offer."""
    session = make_full_session(capacity=3)
    entry = join(session)
    staff = staff_of(session)
    sessions.change_capacity(actor=staff, session_id=session.pk, maximum_capacity=1, now=NOW)
    for left, status in ((2, "WAITING"), (1, "WAITING"), (0, "OFFERED")):
        guest = Attendance.objects.filter(session=session, status="ATTENDING").first()
        assert guest is not None
        sessions.leave(actor=actor_of(guest.user), session_id=session.pk, now=NOW)
        run_due(NOW)
        assert (books(session.pk)[0].attendance, statuses([entry])) == (left, [status])


def test_beat_fills_what_every_event_missed() -> None:
    """REQ WL-05: a free seat nobody was told of is offered by the sweep; a second sweep offers nothing twice."""
    session, other = make_full_session(), make_full_session()
    entry, elsewhere = join(session), join(other)
    free_up(session)
    assert sweeping.sweep_free(now=NOW) == 1
    assert sweeping.sweep_free(now=NOW) == 0
    run_due(NOW)
    assert statuses([entry, elsewhere]) == ["OFFERED", "WAITING"]


def _statements(session: Session, seats: int) -> int:
    session.refresh_from_db()
    session.maximum_capacity = seats
    session.save()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert _fill(session) == seats - 1
    return len(queries)


def test_the_number_of_statements_does_not_grow_with_the_seats() -> None:
    """REQ WL-05: 3 seats or 400 cost the same statements; people are told by jobs of 200."""
    small, large = make_full_session(), make_full_session()
    waiting(small, 2)
    many = [join(large) for _ in range(3)]
    template = many[0]
    Entry.objects.bulk_create(
        Entry(
            session=large, user=make_guest(large.event), priority_tier="STANDARD",
            rank=2, queue_at=template.queue_at + timedelta(milliseconds=number), joined_at=NOW,
        )
        for number in range(1, 398)
    )  # fmt: skip
    large.refresh_from_db()
    large.waiting = 400
    large.save()
    assert _statements(small, 3) == _statements(large, 401)
    told = Job.objects.filter(kind=names.TELL_PEOPLE).order_by("id")
    assert sorted(len(job.payload["entry_ids"]) for job in told) == [2, 200, 200]
