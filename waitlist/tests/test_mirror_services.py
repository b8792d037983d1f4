"""The mirror beside the real acts: after each of them it is what the database says."""

from collections.abc import Callable

import pytest
from django.test import TestCase

from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common import redis
from common.outbox.models import Job
from common.outbox.testing import run_due
from common.outbox.types import Lane
from events.models import Session
from tickets.models import Priority, Ticket
from tickets.services import reissuing
from tickets.tests.factories import make_ticket, make_tier
from waitlist import mirror, selectors
from waitlist.models import Entry
from waitlist.services import answering, filling, leaving, moving, staff
from waitlist.tests.factories import free_up, join, make_full_session, staff_of, token_of
from waitlist.tests.queues import Queue, positions, shown, wanted

pytestmark = pytest.mark.django_db


def _committed(act: Callable[[], object]) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        act()


@pytest.fixture
def session() -> Session:
    """Give a full session with two in each tier's queue."""
    made = make_full_session(capacity=3)
    for priority in [*Priority, *Priority]:
        _committed(lambda priority=priority: join(made, priority=priority))
    return made


def _entries(session: Session) -> list[Entry]:
    return Queue(session.pk).waiting


def _void(session: Session, entry: Entry, *, with_lesser: bool) -> None:
    best = Ticket.objects.get(holder=entry.user)
    if with_lesser:
        make_ticket(holder=entry.user, tier=make_tier(event=session.event, priority=Priority.STANDARD))
    admin = staff_of(session, "admin")
    reissuing.void_ticket(actor=admin, ticket_id=best.pk, reason="Refunded", now=NOW)
    run_due(NOW)


def test_every_act_reaches_the_mirror(session) -> None:
    """Join, leave, offer, accept, decline, remove, lose a ticket, capacity: always exact. REQ WL-05 WL-06 WL-07."""
    member = staff_of(session)
    terms = {"session_id": session.pk, "now": NOW}

    def first_offered() -> Entry:
        return Entry.objects.of_session(session.pk).offered().select_related("user").order_by("rank")[0]

    def free_and_fill() -> None:
        free_up(session, 2)
        filling.fill_free_seats(**terms)

    def accept() -> None:
        entry = first_offered()
        answering.accept(actor=actor_of(entry.user), join_token=token_of(entry), **terms)

    def decline() -> None:
        entry = first_offered()
        answering.decline(actor=actor_of(entry.user), join_token=token_of(entry), **terms)

    def more_seats() -> None:
        staff.change_capacity(actor=member, maximum_capacity=4, **terms)

    acts: list[tuple[Callable[[], object], int]] = [
        (lambda: None, 6),
        (lambda: join(session), 7),
        (lambda: leaving.leave(actor=actor_of(_entries(session)[1].user), **terms), 6),
        (lambda: staff.remove(actor=member, entry_id=_entries(session)[3].pk, **terms), 5),
        (lambda: _void(session, _entries(session)[0], with_lesser=True), 5),
        (lambda: join(session, priority=Priority.VIP), 6),
        (lambda: _void(session, _entries(session)[0], with_lesser=False), 5),
        (free_and_fill, 3),
        (accept, 3),
        (decline, 2),
        (more_seats, 1),
    ]
    for act, left in acts:
        _committed(act)
        assert positions(Queue(session.pk)) == list(range(1, left + 1))
        assert shown(Queue(session.pk)) == wanted(Queue(session.pk))


def test_a_move_that_shifts_many_is_rebuilt_by_its_job(session) -> None:
    """Between two neighbours there is no room: those before are shifted, the mirror is rebuilt. REQ WL-06 WL-07."""
    member = staff_of(session)
    for _ in range(3):
        _committed(lambda: join(session))
    last = _entries(session)[-1]

    def between() -> None:
        moving.move(
            actor=member, session_id=session.pk, entry_id=last.pk, position=7, reason="Speaker", now=NOW
        )

    _committed(between)
    assert Job.objects.filter(kind=mirror.REBUILD).count() == 1
    assert positions(Queue(session.pk)) == [None] * 9
    _committed(lambda: run_due(NOW, [Lane.REALTIME]))
    assert positions(Queue(session.pk)) == list(range(1, 10))
    assert shown(Queue(session.pk)) == wanted(Queue(session.pk))
    assert _entries(session)[6] == last


def test_the_job_without_redis_leaves_it_to_healing(session, valkey) -> None:
    """No dead letter for a mirror: the job ends, and the next heal finds it. REQ WL-06."""

    def shift() -> None:
        with filling.locked_queue(session.pk, now=NOW) as queue:
            queue.is_changed = queue.is_reordered = True

    _committed(shift)
    valkey.stop()
    redis.breaker.reset()
    _committed(lambda: run_due(NOW, [Lane.REALTIME]))
    assert Job.objects.get(kind=mirror.REBUILD).status == "done"
    valkey.start()
    redis.breaker.reset()
    assert [done.session_id for done in mirror.heal(now=NOW, patience=0)] == [session.pk]
    assert positions(Queue(session.pk)) == list(range(1, 7))


def test_a_place_by_its_door_is_one_statement_or_two(session, django_assert_num_queries) -> None:
    """With the mirror one statement, without it one more for the count, and the same answer. REQ WL-06."""
    actors = [actor_of(entry.user) for entry in _entries(session)]
    with django_assert_num_queries(len(actors)):
        mirrored = [selectors.place_of(actor, session.pk, now=NOW) for actor in actors]
    redis.client().flushall()
    with django_assert_num_queries(2 * len(actors)):
        counted = [selectors.place_of(actor, session.pk, now=NOW) for actor in actors]
    assert mirrored == counted
    assert [place.position for place in mirrored] == [1, 2, 3, 4, 5, 6]
