"""A queue of 50,000: exact positions, bounded lists, statements that do not grow with it, plans that hold (WL-05..07).

The queue is built once for the whole file, by SQL, and each test takes back what it did.
"""

import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import bearer, make_membership, make_superuser
from common import clock, redis
from common.outbox.models import Job
from config.local_stack.valkey import EmbeddedValkey
from events.models import Session
from events.tests.factories import make_event, make_session
from waitlist import figures, mirror, selectors
from waitlist.models import Entry
from waitlist.services import names, staff
from waitlist.services.expiring import due_sessions
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import join, make_full_session

pytestmark = pytest.mark.django_db

CROWD, RANKS = 50_000, 3
_PEOPLE = """
INSERT INTO accounts_user (id, email, name, password, is_active, is_staff, is_superuser, created_at)
SELECT gen_random_uuid(), 'crowd' || n || '@example.test', '', '!', true, false, false, now()
FROM generate_series(0, %(crowd)s - 1) AS n
"""
# Number n has rank n % 3, so that the order of joining is not the order of the queue.
_ENTRIES = """
INSERT INTO waitlist_entry (id, session_id, user_id, quantity, priority_tier, rank, queue_at, status, joined_at,
    offer_number, end_reason)
SELECT gen_random_uuid(), %(session)s, id, 1, (ARRAY['VIP', 'PREMIUM', 'STANDARD'])[n %% 3 + 1], n %% 3,
    %(now)s + n * interval '1 microsecond', 'WAITING', %(now)s, 0, ''
FROM (SELECT id, substring(email FROM 6 FOR position('@' IN email) - 6)::int AS n FROM accounts_user
      WHERE email LIKE 'crowd%%') AS people
"""


@pytest.fixture(scope="module")
def _crowd(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[UUID]:
    with django_db_blocker.unblock():
        start = clock.now() + timedelta(days=1)
        session = make_session(
            event=make_event(),
            capacity=0,
            starts_at=start,
            ends_at=start + timedelta(hours=1),
            waiting=CROWD,
            queue_version=1,
            last_queue_at=start,
        )
        terms = {"crowd": CROWD, "session": session.pk, "now": clock.now() - timedelta(hours=1)}
        with connection.cursor() as cursor:
            cursor.execute(_PEOPLE, terms)
            cursor.execute(_ENTRIES, terms)
            cursor.execute("VACUUM ANALYZE accounts_user")
            cursor.execute("VACUUM ANALYZE waitlist_entry")
    yield session.pk
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT pristine.restore()")
        cursor.execute("VACUUM ANALYZE accounts_user")
        cursor.execute("VACUUM ANALYZE waitlist_entry")


@pytest.fixture
def session(_crowd: UUID, db: None) -> Session:
    """Give the full session with 50,000 waiting."""
    return Session.objects.get(pk=_crowd)


def place_of(number: int) -> int:
    """Return the position of a number of the crowd, by arithmetic."""
    in_rank = [len(range(rank, CROWD, RANKS)) for rank in range(RANKS)]
    return sum(in_rank[: number % RANKS]) + number // RANKS + 1


def _there(session: Session, _: EmbeddedValkey) -> None:
    mirror.rebuild(session.pk)


def _flushed(_: Session, valkey: EmbeddedValkey) -> None:
    valkey.flush()


def _stopped(_: Session, valkey: EmbeddedValkey) -> None:
    valkey.stop()


@pytest.mark.parametrize(
    ("redis_is", "statements"),
    [(_there, 1), (_flushed, 2), (_stopped, 2)],
    ids=["there", "flushed", "stopped"],
)
def test_positions_are_exact_and_take_two_statements(
    session: Session, valkey: EmbeddedValkey, redis_is: Any, statements: int
) -> None:
    """By REST, at both addresses: the user with the entry, and without the mirror one count. REQ WL-05 WL-06."""
    redis_is(session, valkey)
    client = Client()
    for number in (0, 1, 2, 12_345, 25_000, CROWD - 2, CROWD - 1):
        user = User.objects.get(email=f"crowd{number}@example.test")
        for address in ("waitlist", "waitlist/position"):
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(f"/api/v1/sessions/{session.pk}/{address}", headers=bearer(user))
            assert len(queries) == statements
            assert (answer.json()["position"], answer.json()["total"]) == (place_of(number), CROWD)
    redis.breaker.reset()


@pytest.mark.parametrize(
    ("query", "first"),
    [("", 1), ("&status=WAITING", 1), ("&tier=PREMIUM", place_of(1))],
    ids=["all", "waiting", "tier"],
)
def test_the_staffs_list_is_bounded(session: Session, query: str, first: int) -> None:
    """A page has 200 rows at most, and takes as many statements as the page of a short queue. REQ WL-09."""
    client, operator = Client(), make_superuser()
    start = clock.now() + timedelta(days=1)
    short = make_full_session(event=session.event, starts_at=start, ends_at=start + timedelta(hours=1))
    join(short, priority="PREMIUM", now=clock.now())

    def page(session_id: UUID, offset: int) -> tuple[list[int], int]:
        address = f"/api/v1/sessions/{session_id}/waitlist/entries?limit=200&offset={offset}{query}"
        with CaptureQueriesContext(connection) as queries:
            found = client.get(address, headers=bearer(operator)).json()["results"]
        return [entry["position"] for entry in found], len(queries)

    positions, statements = page(session.pk, 0)
    assert positions == list(range(first, first + 200))
    assert page(session.pk, 16_000) == (list(range(first + 16_000, first + 16_200)), statements)
    assert page(short.pk, 0) == ([1], statements)


def test_five_thousand_seats_more_take_the_statements_of_fifty(session: Session) -> None:
    """Raising the capacity: a fixed number of statements, told in jobs of 200. REQ WL-03 WL-08."""
    member = actor_of(make_membership("admin", organization=session.event.organization).user)

    def raise_to(seats: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            standing = staff.change_capacity(
                actor=member, session_id=session.pk, maximum_capacity=seats, now=clock.now()
            )
        assert (standing.held, standing.waiting) == (seats, CROWD - seats)
        return len(queries)

    few = raise_to(50)
    Job.objects.all().delete()
    assert raise_to(5_050) == few
    told = [job.payload["entry_ids"] for job in Job.objects.filter(kind=names.TELL_PEOPLE)]
    assert [len(ids) for ids in told] == [names.TOLD_AT_ONCE] * 25
    assert len({one for ids in told for one in ids}) == 5_000
    offered = Entry.objects.of_session(session.pk).offered()
    assert offered.filter(rank=0).count() == 5_050


def test_unlimited_seats_are_offered_to_all_who_wait(session: Session) -> None:
    """Fifty thousand offers at once end, and the books agree. REQ WL-03."""
    Session.objects.filter(pk=session.pk).update(maximum_capacity=None)
    start = time.perf_counter()
    assert fill_free_seats(session_id=session.pk, now=clock.now()) == CROWD
    sys.stdout.write(f"50,000 offers: {time.perf_counter() - start:.1f} s\n")
    session.refresh_from_db()
    assert (session.held, session.waiting) == (CROWD, 0)
    assert Entry.objects.of_session(session.pk).offered().count() == CROWD
    assert Job.objects.filter(kind=names.TELL_PEOPLE).count() == CROWD // names.TOLD_AT_ONCE


@pytest.fixture
def _large(session: Session) -> None:
    """Have plans made as beside many such queues; one alone is read whole nearly as well."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")


def plan_of(rows: QuerySet[Any] | str, **terms: Any) -> str:
    """Return how PostgreSQL reads these rows."""
    if isinstance(rows, QuerySet):
        return rows.explain()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {rows}", terms)
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.usefixtures("_large")
def test_each_hot_query_has_its_index(session: Session) -> None:
    """Nothing reads the whole table, or sorts a queue: each finds its order in an index. REQ WL-05 WL-06 WL-09."""
    now, queue = clock.now(), Entry.objects.of_session(session.pk)
    entry = queue.get(user__email="crowd25000@example.test")
    terms = {"session": session.pk, "user": entry.user_id, "users": [entry.user_id], "ids": [entry.pk]}
    terms |= {"rank": entry.rank, "queue_at": entry.queue_at, "id": entry.pk}
    window = {"since": now - selectors.TURNOVER_WINDOW, "now": now}
    asked = {
        "Index Only Scan using waitlist_queue": (
            plan_of(selectors._AHEAD, **terms),
            plan_of(selectors._POSITIONS, **terms),
            plan_of(selectors._POSITIONS_OF_PEOPLE, **terms),
        ),
        "Index Scan using waitlist_queue": (
            plan_of(queue.waiting().order_by("rank", "queue_at", "id")[:5_000]),
        ),
        "waitlist_listed": tuple(
            plan_of(queue.listed(statuses).select_related("user")[:200])
            for statuses in ((), ("WAITING",), ("WAITING", "OFFERED"))
        ),
        "waitlist_person": (plan_of(selectors._OF_PERSON, **terms, **window),),
        "waitlist_once_per_person": (plan_of(queue.live().filter(user_id=entry.user_id).order_by()),),
        "waitlist_turnover": (plan_of(selectors._OF_PERSON, **terms, **window),),
        "waitlist_open_offers": (
            plan_of(Entry.objects.overdue(now).order_by()),
            plan_of(due_sessions(now=now)),
        ),
    }
    for index, plans in asked.items():
        for plan in plans:
            assert index in plan, plan
            assert "Seq Scan on waitlist_entry" not in plan, plan
            if "queue" in index or "listed" in index:
                assert "Sort" not in plan, plan


@pytest.mark.usefixtures("_large")
def test_an_events_figures_are_read_by_its_sessions() -> None:
    """The entries of other events are not looked at. REQ WL-09."""
    other = make_session(event=make_event())
    plan = plan_of(figures._QUERY.replace("%s", "%(event)s"), event=other.event_id)
    assert "Seq Scan on waitlist_entry" not in plan, plan
