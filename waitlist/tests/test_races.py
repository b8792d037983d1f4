"""Many hands at one queue at once: nobody overtakes, nothing is offered twice, the books agree; and what happens
without the lock (REQUIREMENTS WL-03 to WL-05)."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common.errors import NotFound
from config.local_stack.testing.race import Race
from events.errors import SessionFull
from events.models import Attendance, AttendanceStatus, Session
from events.services import sessions
from waitlist import selectors
from waitlist.errors import AlreadyWaiting, TokenExpired, TokenInvalid
from waitlist.models import Entry, EntryStatus
from waitlist.services import answering, expiring, joining, leaving, staff
from waitlist.services import queue as queues
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
    token_of,
    waiting,
)

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 200


def _without_lock(monkeypatch: pytest.MonkeyPatch, contenders: int) -> None:
    """Let everybody read the session, unlocked, before the first goes on, as may happen on any day."""
    everybody_looked = threading.Barrier(contenders)

    def read(session_id: Any) -> Session:
        session = Session.objects.select_related("event").get(pk=session_id)
        everybody_looked.wait(30)
        return session

    monkeypatch.setattr(queues, "lock_session", read)


def _right(session: Session) -> None:
    stored, counted = books(session.pk)
    assert stored == counted
    session.refresh_from_db()
    assert session.maximum_capacity is not None
    assert stored.attendance + stored.held <= max(session.maximum_capacity, session.seats_kept)


def test_two_hundred_join_at_once(race: Race) -> None:
    """REQ WL-03: 200 distinct positions 1..200, and every answer counted no more than there were."""
    session = make_full_session()
    guests = [actor_of(make_guest(session.event)) for _ in range(PEOPLE)]

    def some(worker: int) -> list[int | None]:
        mine = guests[worker * 4 : worker * 4 + 4]
        return [joining.join(actor=guest, session_id=session.pk, now=NOW).position for guest in mine]

    answers: list[Any] = race(PEOPLE // 4, some)
    assert all(1 <= position <= PEOPLE for answer in answers for position in answer)
    entries = list(Entry.objects.of_session(session.pk))
    assert sorted(selectors.positions_of(entries).values()) == list(range(1, PEOPLE + 1))
    assert len({entry.queue_at for entry in entries}) == PEOPLE
    _right(session)


def test_joining_without_the_lock_gives_one_place_to_two(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with everybody reading the session before one writes, places and counters are wrong. REQ WL-03."""
    session = make_full_session()
    guests = [actor_of(make_guest(session.event)) for _ in range(10)]
    _without_lock(monkeypatch, 10)
    race(10, lambda number: joining.join(actor=guests[number], session_id=session.pk, now=NOW))
    assert len(set(Entry.objects.values_list("queue_at", flat=True))) == 1
    stored, counted = books(session.pk)
    assert (stored.waiting, counted.waiting) == (1, 10)


def test_one_person_in_twenty_tabs_has_one_place(race: Race) -> None:
    """REQ WL-01: one joins, the others are told."""
    session = make_full_session()
    guest = actor_of(make_guest(session.event))
    outcomes = race(20, lambda _: joining.join(actor=guest, session_id=session.pk, now=NOW))
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Place": 1, "AlreadyWaiting": 19}
    assert AlreadyWaiting.code == "already_waiting"
    _right(session)


def test_ten_workers_run_the_cascade(race: Race) -> None:
    """REQ WL-05: one seat, one offer, whoever runs it and however often."""
    session = make_full_session()
    entries = waiting(session, 5)
    free_up(session)
    offers = race(10, lambda _: fill_free_seats(session_id=session.pk, now=NOW))
    assert sorted(offers, key=str) == [0] * 9 + [1]
    assert statuses(entries) == ["OFFERED"] + ["WAITING"] * 4
    _right(session)


def _two_staff(session: Session, entries: list[Entry], race: Race) -> list[Any]:
    actor = staff_of(session)
    return race(
        2,
        lambda number: staff.offer(
            actor=actor, session_id=session.pk, user_id=entries[number].user_id, now=NOW
        ),
    )


def test_two_staff_offer_the_last_seat(race: Race) -> None:
    """REQ WL-05, WL-07: one offer, one refusal."""
    session = make_full_session()
    entries = waiting(session, 2)
    pause(session)
    free_up(session)
    outcomes = _two_staff(session, entries, race)
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Entry": 1, "SessionFull": 1}
    assert SessionFull.code == "session_full"
    assert sorted(statuses(entries)) == ["OFFERED", "WAITING"]
    _right(session)


def test_two_staff_without_the_lock_offer_it_twice(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: both see the seat free, both offer it. REQ WL-05."""
    session = make_full_session()
    entries = waiting(session, 2)
    pause(session)
    free_up(session)
    _without_lock(monkeypatch, 2)
    _two_staff(session, entries, race)
    assert statuses(entries) == ["OFFERED", "OFFERED"]
    stored, counted = books(session.pk)
    assert (stored.held, counted.held) == (1, 2)


def _offered(session: Session) -> Entry:
    entry = join(session)
    free_up(session)
    fill_free_seats(session_id=session.pk, now=NOW)
    return entry


def test_one_token_in_twenty_tabs_is_accepted_once(race: Race) -> None:
    """REQ WL-04: one attendance; the others are told that the token was used."""
    session = make_full_session()
    entry = _offered(session)
    token, actor = token_of(entry), actor_of(entry.user)
    outcomes = race(
        20, lambda _: answering.accept(actor=actor, session_id=session.pk, join_token=token, now=NOW)
    )
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Attendance": 1, "TokenInvalid": 19}
    assert Attendance.objects.filter(user=entry.user, status=AttendanceStatus.ATTENDING).count() == 1
    _right(session)


@pytest.mark.parametrize("_round", range(6))
def test_every_way_out_at_the_same_moment(race: Race, _round: int) -> None:
    """REQ WL-04, WL-05: accept, decline, leave, expire, remove and lower the capacity at once: one of them ends
    the offer, and the seat is taken once or offered on once."""
    session = make_full_session()
    entry = _offered(session)
    following = join(session)
    token, actor, manager = token_of(entry), actor_of(entry.user), staff_of(session)
    about: dict[str, Any] = {"session_id": session.pk, "now": NOW}
    late = NOW + timedelta(minutes=16)
    acts: list[Callable[[], object]] = [
        lambda: answering.accept(actor=actor, join_token=token, **about),
        lambda: answering.decline(actor=actor, join_token=token, **about),
        lambda: leaving.leave(actor=actor, **about),
        lambda: expiring.expire_due(session_id=session.pk, now=late),
        lambda: staff.remove(actor=manager, entry_id=entry.pk, **about),
        lambda: staff.change_capacity(actor=manager, maximum_capacity=2, **about),
        lambda: staff.change_capacity(actor=manager, maximum_capacity=1, **about),
    ]
    race.each(acts)
    [ended] = statuses([entry])
    assert ended in {"ACCEPTED", "DECLINED", "LEFT", "EXPIRED", "REMOVED"}
    has_seat = Attendance.objects.filter(user=entry.user, status=AttendanceStatus.ATTENDING).exists()
    assert has_seat == (ended == EntryStatus.ACCEPTED)
    _right(session)
    session.refresh_from_db()
    assert session.free_seats == 0 or statuses([following]) != ["WAITING"]


def test_nobody_walks_in_past_the_queue(race: Race) -> None:
    """REQ WL-03: a seat comes free while ten try to walk in: the first in line has it."""
    session = make_full_session()
    entry = join(session)
    holder = actor_of(Attendance.objects.get(session=session).user)
    walkers = [actor_of(make_guest(session.event)) for _ in range(10)]
    acts: list[Callable[[], object]] = [
        lambda: sessions.leave(actor=holder, session_id=session.pk, now=NOW),
        lambda: fill_free_seats(session_id=session.pk, now=NOW),
    ]
    acts += [
        lambda walker=walker: sessions.attend(actor=walker, session_id=session.pk, now=NOW)
        for walker in walkers
    ]
    outcomes = race.each(acts)
    assert [type(outcome) for outcome in outcomes[2:]] == [SessionFull] * 10
    fill_free_seats(session_id=session.pk, now=NOW)
    assert statuses([entry]) == ["OFFERED"]
    _right(session)


def test_a_busy_queue_keeps_its_books(race: Race) -> None:
    """REQ WL-03, WL-05: 40 people join, leave and answer while seats come and go; all of it adds up in the end."""
    session = make_full_session(capacity=6)
    guests = [make_guest(session.event) for _ in range(40)]
    holders = [seat.user for seat in Attendance.objects.filter(session=session).select_related("user")]

    def live(number: int) -> None:
        actor = actor_of(guests[number])
        place = joining.join(actor=actor, session_id=session.pk, quantity=1 + number % 2, now=NOW)
        if number % 5 == 0:
            leaving.leave(actor=actor, session_id=session.pk, now=NOW)
        elif number % 7 == 0:
            sessions.leave(actor=actor_of(holders[number % 6]), session_id=session.pk, now=NOW)
        place = selectors.place_of(actor, session.pk, now=NOW)
        if place.offer is not None:
            answering.accept(actor=actor, session_id=session.pk, join_token=place.offer.join_token, now=NOW)

    outcomes = race(40, live)
    unexpected = (NotFound, TokenInvalid, TokenExpired)
    assert [out for out in outcomes if isinstance(out, Exception) and not isinstance(out, unexpected)] == []
    fill_free_seats(session_id=session.pk, now=NOW)
    _right(session)
    session.refresh_from_db()
    head = Entry.objects.of_session(session.pk).waiting().order_by("rank", "queue_at", "id").first()
    assert head is None or (session.free_seats or 0) < head.quantity
