"""The mirror follows the queue: what it shows to others, and positions that are right or not given."""

from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from redis import Redis

from accounts.tests.factories import NOW, make_user
from common import redis
from waitlist import mirror
from waitlist.mirror import keys
from waitlist.models import Entry
from waitlist.tests.queues import Queue, at_once, make_people, make_queue, position, positions, shown, wanted

pytestmark = pytest.mark.django_db


def _told_later(told: list) -> Queue:
    return make_queue(lambda *what: told.append(what))


def _deliver(what: tuple) -> None:
    queue = make_queue()
    queue.tell(*what)


def test_what_others_read_is_the_queue() -> None:
    """Names, members, scores and version are those of the contract, from the first join on. REQ WL-06."""
    queue = make_queue()
    user = make_user()
    queue.join(user.pk, rank=0)
    queue.join(make_user().pk, rank=2)
    client = redis.client()
    name = f"waitlist:session:{queue.session_id}"
    assert client.zrange(f"{name}:VIP", 0, -1, withscores=True) == [
        (str(user.pk).encode(), NOW.timestamp() * 1_000_000)
    ]
    assert [client.zcard(f"{name}:{tier}") for tier in ("VIP", "PREMIUM", "STANDARD")] == [1, 0, 1]
    assert client.get(f"{name}:version") == b"2"
    assert shown(queue) == wanted(queue)


def test_positions_over_the_tiers() -> None:
    """1, 2, 3 over all ranks, through joins, moves and departures. REQ WL-03 WL-06."""
    queue = make_queue()
    people = make_people(9)
    entries = [queue.join(person.pk, rank=number % 3) for number, person in enumerate(people)]
    assert positions(queue) == list(range(1, 10))
    queue.leave(entries[0])
    queue.move(entries[8], 0, ahead_of=entries[3])
    queue.move(entries[6], 2)
    queue.touch()
    assert positions(queue) == list(range(1, 9))
    assert position(entries[8]) == 1
    assert shown(queue) == wanted(queue)


def test_a_position_is_one_round_trip_and_no_statement(settings, django_assert_num_queries) -> None:
    """Reading costs one call to Redis. REQ WL-06."""
    queue = make_queue()
    entry = queue.join(make_user().pk)
    assert position(entry) == 1
    version = queue.version
    with Redis.from_url(settings.REDIS_URL) as watcher, watcher.monitor() as monitor:
        with django_assert_num_queries(0):
            found = mirror.position(
                session_id=queue.session_id,
                version=version,
                waiting=1,
                rank=entry.rank,
                queue_at=entry.queue_at,
                user_id=entry.user_id,
            )
        redis.client().echo("end")
        sent = []
        for command in monitor.listen():
            if command["command"].startswith("ECHO"):
                break
            if command["client_type"] != "lua":
                sent.append(command["command"].split()[0])
    assert (found, sent) == (1, ["EVALSHA"])


def test_an_act_costs_no_statement_more(django_assert_num_queries) -> None:
    """Telling the mirror is no work for the database. REQ WL-06."""
    session_id, user_id = uuid4(), uuid4()
    with django_assert_num_queries(0):
        at_once(session_id, 1, [mirror.Put(0, user_id, NOW)])
    assert redis.client().zcard(keys.public(session_id, "VIP")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 1},
        {"version": 3},
        {"waiting": 1},
        {"waiting": 3},
        {"rank": 1},
        {"queue_at": NOW},
        {"user_id": UUID(int=7)},
    ],
    ids=str,
)
def test_in_doubt_there_is_no_position(wrong) -> None:
    """Another version, number, rank, time or person than the mirror's: the database is asked. REQ WL-06."""
    queue = make_queue()
    queue.join(make_user().pk)
    entry = queue.join(make_user().pk)
    right = {
        "session_id": queue.session_id,
        "version": 2,
        "waiting": 2,
        "rank": entry.rank,
        "queue_at": entry.queue_at,
        "user_id": entry.user_id,
    }
    assert mirror.position(**right) == 2
    assert mirror.position(**{**right, **wrong}) is None


def test_the_first_who_joins_finds_nobody_there() -> None:
    """What others wrote for a session before its queue began is not counted in. REQ WL-06."""
    queue = make_queue()
    for key in (*keys.to_show(queue.session_id)[1:], *keys.to_read(queue.session_id)[1:]):
        redis.client().zadd(key, {"somebody": 1})
    entry = queue.join(make_user().pk)
    assert position(entry) == 1
    assert shown(queue) == wanted(queue)


def test_two_at_one_time_are_counted_by_the_database() -> None:
    """Whose id goes first is not for Redis to say: neither of them gets a position from it. REQ WL-03."""
    queue = make_queue()
    first, second, third = (queue.join(person.pk) for person in make_people(3))
    second.queue_at = first.queue_at
    second.save()
    queue.touch([mirror.Put(2, second.user_id, second.queue_at)])
    assert position(third) == 3
    assert position(second) is None
    mirror.rebuild(queue.session_id)
    assert position(first) is None


def test_changes_in_the_wrong_order_wait_for_those_before_them() -> None:
    """A join and the departure after it, told the other way round: no ghost stays. REQ WL-06."""
    told: list = []
    queue = _told_later(told)
    stayer = queue.join(make_user().pk)
    leaver = queue.join(make_user().pk)
    queue.leave(leaver)
    first, second, third = told
    for what in (third, second):
        _deliver(what)
        assert position(stayer) is None
    _deliver(first)
    assert position(stayer) == 1
    assert shown(queue) == wanted(queue)
    assert redis.client().exists(keys.own(queue.session_id, "parked")) == 0


def test_a_change_told_twice_counts_once() -> None:
    """A join that arrives again after its departure does not bring anybody back. REQ WL-06."""
    told: list = []
    queue = _told_later(told)
    entry = queue.join(make_user().pk)
    queue.leave(entry)
    for what in (*told, told[0], told[1], told[0]):
        _deliver(what)
    assert shown(queue) == wanted(queue) == [{}, {}, {}]


def test_changes_without_effect_are_parked_apart() -> None:
    """Two empty changes in the wrong order are two, not one. REQ WL-06."""
    told: list = []
    queue = _told_later(told)
    entry = queue.join(make_user().pk)
    queue.touch()
    queue.touch()
    for what in reversed(told):
        _deliver(what)
    assert position(entry) == 1


def test_what_is_parked_is_bounded_and_expires(monkeypatch) -> None:
    """A change that never comes costs no memory for long; the oldest are given up first. REQ WL-06."""
    told: list = []
    queue = _told_later(told)
    for person in make_people(6):
        queue.join(person.pk)
    monkeypatch.setattr("waitlist.mirror.writing._MOST_PARKED", 3)
    for what in told[1:]:
        _deliver(what)
    parked = keys.own(queue.session_id, "parked")
    assert [score for _, score in redis.client().zrange(parked, 0, -1, withscores=True)] == [4, 5, 6]
    assert 0 < redis.client().ttl(parked) <= 60


@pytest.mark.parametrize("many", [None, mirror.LARGEST_DELTA + 1], ids=["unknown", "too many"])
def test_too_much_for_a_change_needs_a_rebuild(many) -> None:
    """Until then the mirror is not read, and changes after it wait. REQ WL-06."""
    queue = make_queue()
    entry = queue.join(make_user().pk)
    queue.touch(None if many is None else [mirror.Put(entry.rank, entry.user_id, entry.queue_at)] * many)
    assert redis.client().get(keys.public(queue.session_id, "version")) is None
    last = queue.join(make_user().pk)
    assert position(last) is None
    assert mirror.rebuild(queue.session_id).entries == 2
    queue.join(make_user().pk)
    assert positions(queue) == [1, 2, 3]


def test_as_many_as_fit_are_one_change() -> None:
    """A thousand at once need no rebuild. REQ WL-06."""
    queue = make_queue()
    people = make_people(mirror.LARGEST_DELTA)
    Queue(queue.session_id, lambda *_: None).fill(people)
    queue.tell(
        queue.session_id,
        1,
        [mirror.Put(entry.rank, entry.user_id, entry.queue_at) for entry in queue.waiting],
    )
    assert shown(queue) == wanted(queue)
    assert [position(entry) for entry in queue.waiting[:: len(people) // 4]] == [1, 251, 501, 751]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_of_what_was_rolled_back() -> None:
    """Before the commit the mirror knows nothing, after a rollback neither. REQ RT-04 WL-06."""
    queue = make_queue(mirror.changed)
    queue.join(make_user().pk)
    with transaction.atomic():
        queue.join(make_user().pk)
        assert shown(queue) != wanted(queue)
        transaction.set_rollback(True)
    assert shown(queue) == wanted(queue)
    with transaction.atomic():
        with transaction.atomic():
            queue.join(make_user().pk)
            transaction.set_rollback(True)
        mine = queue.join(make_user().pk)
        # Our own change, that nobody else sees yet: the mirror is of the version before.
        assert position(mine) is None
    assert positions(queue) == [1, 2]
    assert shown(queue) == wanted(queue)
    assert Entry.objects.count() == 2
    assert connection.in_atomic_block is False
