"""What is over is closed, and its seats go on: by each offer's own job, by the sweep, at the session's start."""

from datetime import timedelta

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common.outbox.testing import run_due
from events.models import Session
from events.services import sessions
from events.tests.factories import make_session
from waitlist.models import Entry
from waitlist.services import sweeping
from waitlist.services.expiring import SESSION_BEGAN, due_sessions, expire_due
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import books, free_up, join, make_full_session, make_guest, statuses, waiting

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=15)


def _offer(session: Session, seats: int = 1) -> None:
    free_up(session, seats)
    fill_free_seats(session_id=session.pk, now=NOW)


def test_each_offer_has_a_job_that_ends_it() -> None:
    """REQ WL-05: at its end, and not before, the offer expires and the next one has the seat."""
    session = make_full_session()
    first, second, third = waiting(session, 3)
    _offer(session)
    run_due(LATER - timedelta(seconds=1))
    assert statuses([first, second, third]) == ["OFFERED", "WAITING", "WAITING"]
    run_due(LATER)
    assert statuses([first, second, third]) == ["EXPIRED", "OFFERED", "WAITING"]
    run_due(LATER + timedelta(minutes=15))
    assert statuses([first, second, third]) == ["EXPIRED", "EXPIRED", "OFFERED"]


def test_an_expired_holder_is_not_first_again() -> None:
    """REQ WL-11: joining again is the end of the queue, whatever the tier's others do."""
    session = make_full_session()
    first, second = waiting(session, 2)
    _offer(session)
    expire_due(session_id=session.pk, now=LATER)
    again = join(session, first.user, now=LATER)
    assert statuses([first, second, again]) == ["EXPIRED", "OFFERED", "WAITING"]


def test_expiring_twice_ends_nothing_twice() -> None:
    """REQ WL-05: the second run finds nothing; the books agree."""
    session = make_full_session(capacity=2)
    waiting(session, 3)
    _offer(session, 2)
    assert expire_due(session_id=session.pk, now=LATER) == 2
    assert expire_due(session_id=session.pk, now=LATER) == 0
    stored, counted = books(session.pk)
    assert stored == counted
    assert (stored.held, stored.waiting) == (1, 0)


def test_beat_finds_what_is_over() -> None:
    """REQ WL-05: each minute the sweep has overdue offers closed, of every session, one job for each."""
    sessions_due = [make_full_session() for _ in range(2)]
    entries = [join(session) for session in sessions_due]
    for session in sessions_due:
        _offer(session)
    assert list(due_sessions(now=LATER - timedelta(seconds=1))) == []
    assert sweeping.sweep_due(now=LATER) == 2
    assert sweeping.sweep_due(now=LATER) == 0
    run_due(LATER)
    assert statuses(entries) == ["EXPIRED", "EXPIRED"]


def test_a_session_that_began_closes_its_queue() -> None:
    """REQ WL-11: offers are over, nobody waits, and free seats can be walked into again."""
    session = make_full_session(capacity=2)
    offered, *rest = waiting(session, 3)
    _offer(session)
    assert list(due_sessions(now=session.starts_at)) == [session.pk]
    assert expire_due(session_id=session.pk, now=session.starts_at) == 3
    assert statuses([offered, *rest]) == ["EXPIRED", "REMOVED", "REMOVED"]
    assert set(Entry.objects.filter(status="REMOVED").values_list("end_reason", flat=True)) == {SESSION_BEGAN}
    stored, counted = books(session.pk)
    assert stored == counted
    assert (stored.held, stored.waiting) == (0, 0)
    walker = make_guest(session.event)
    sessions.attend(actor=actor_of(walker), session_id=session.pk, now=session.starts_at)
    assert list(due_sessions(now=session.starts_at)) == []


def test_sessions_without_a_queue_are_left_alone() -> None:
    """REQ WL-05: the sweep names nobody that has nothing to close."""
    session = make_session(capacity=2)
    assert list(due_sessions(now=session.ends_at)) == []
    assert expire_due(session_id=session.pk, now=session.ends_at) == 0
