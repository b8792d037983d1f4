"""Whatever others write, and whatever got lost: positions stay right, and the mirror is made right again."""

from datetime import timedelta

import pytest

from accounts.tests.factories import NOW, make_user
from common import redis
from common.errors import NotFound
from events.models import Session
from waitlist import mirror
from waitlist.mirror import contents, keys, truth
from waitlist.mirror.rebuilding import build, inspect, publish
from waitlist.tasks import heal_mirror
from waitlist.tests.queues import Queue, make_people, make_queue, position, positions, shown, wanted

pytestmark = pytest.mark.django_db

# Within so many minutes each mirror was compared entry by entry.
ROUND = [NOW.replace(minute=minute) for minute in range(11, 21)]


@pytest.fixture
def queue() -> Queue:
    """Give a queue of five over all tiers."""
    made = make_queue()
    for number, person in enumerate(make_people(5)):
        made.join(person.pk, rank=number % 3)
    return made


def _heal() -> list[mirror.Rebuilt]:
    return [done for now in ROUND for done in mirror.heal(now=now, patience=0)]


def _standard(queue: Queue) -> tuple[str, bytes]:
    """Return the public key of the last tier, and who is first in it."""
    key = keys.public(queue.session_id, "STANDARD")
    return key, redis.client().zrange(key, 0, 0)[0]


def _add_foreign(queue: Queue) -> None:
    redis.client().zadd(_standard(queue)[0], {"somebody": 1})


def _remove(queue: Queue) -> None:
    redis.client().zrem(*_standard(queue))


def _replace(queue: Queue) -> None:
    _add_foreign(queue)
    redis.client().zpopmax(_standard(queue)[0])


def _move(queue: Queue) -> None:
    key, first = _standard(queue)
    redis.client().zadd(key, {first: 1})


def _delete_tier(queue: Queue) -> None:
    redis.client().delete(_standard(queue)[0])


def _make_text(queue: Queue) -> None:
    redis.client().set(_standard(queue)[0], "no set at all")


def _forget_version(queue: Queue) -> None:
    redis.client().delete(keys.public(queue.session_id, "version"))


def _wrong_version(queue: Queue) -> None:
    redis.client().set(keys.public(queue.session_id, "version"), "99")


def _make_version_a_list(queue: Queue) -> None:
    key = keys.public(queue.session_id, "version")
    redis.client().delete(key)
    redis.client().rpush(key, "5")


@pytest.mark.parametrize(
    "meddle",
    [_add_foreign, _remove, _replace, _move, _delete_tier, _make_text, _forget_version, _wrong_version,
     _make_version_a_list],
)  # fmt: skip
def test_what_others_write_makes_no_position_wrong(queue, meddle) -> None:
    """Positions come from our own copy; what others see is healed. REQ WL-06."""
    meddle(queue)
    assert positions(queue) == [1, 2, 3, 4, 5]
    assert [done.session_id for done in _heal()] == [queue.session_id]
    assert shown(queue) == wanted(queue)
    assert redis.client().get(keys.public(queue.session_id, "version")) == b"5"
    assert _heal() == []


@pytest.mark.parametrize("copy", [keys.own, keys.public])
@pytest.mark.parametrize("part", ["STANDARD", "version", "parked"])
def test_keys_of_another_type_are_replaced(queue, copy, part) -> None:
    """A list where a set should be: the next act neither fails nor builds upon it. REQ WL-06."""
    key = copy(queue.session_id, part)
    redis.client().delete(key)
    redis.client().rpush(key, "x")
    for person in make_people(3):
        queue.join(person.pk)
    # Three errors would keep everybody in this process from Redis for a while.
    assert not redis.breaker.is_open
    assert positions(queue) in ([None] * 8, list(range(1, 9)))
    _heal()
    assert positions(queue) == list(range(1, 9))
    assert shown(queue) == wanted(queue)


def test_a_mirror_that_is_wrong_is_read_by_nobody(queue) -> None:
    """One who sees that our copy is off puts it out of use for all, until it is healed. REQ WL-06."""
    first, second, *_ = queue.waiting
    redis.client().zadd(keys.own(queue.session_id, "VIP"), {str(second.user_id): 1.0})
    assert position(second) is None
    assert positions(queue) == [None] * 5
    (healed,) = _heal()
    assert (healed.drift, positions(queue)) == (1, [1, 2, 3, 4, 5])
    assert position(first) == 1


def test_a_lost_change_is_healed(queue) -> None:
    """A process that died between the commit and the telling. REQ WL-06."""
    Queue(queue.session_id, lambda *_: None).join(make_user().pk)
    queue.join(make_user().pk)
    assert positions(queue) == [None] * 7
    (healed,) = mirror.heal(now=NOW, patience=0)
    assert (healed.entries, healed.drift) == (7, 2)
    assert positions(queue) == list(range(1, 8))


def test_a_change_on_its_way_is_no_drift(queue, monkeypatch) -> None:
    """Told while the heal waits: nothing is rebuilt. REQ WL-06."""
    told: list = []
    Queue(queue.session_id, lambda *what: told.append(what)).join(make_user().pk)
    monkeypatch.setattr("waitlist.mirror.healing.time.sleep", lambda _: queue.tell(*told[0]))
    assert mirror.heal(now=NOW) == []
    assert positions(queue) == list(range(1, 7))


def test_a_mirror_of_another_history_is_replaced(queue) -> None:
    """The database was restored from a backup, so its versions went back. REQ WL-06."""
    queue.join(make_user().pk)
    Session.objects.filter(pk=queue.session_id).update(queue_version=4)
    assert positions(queue) == [None] * 6
    assert len(mirror.heal(now=NOW, patience=0)) == 1
    assert positions(queue) == list(range(1, 7))
    assert redis.client().get(keys.public(queue.session_id, "version")) == b"4"


def test_a_rebuild_takes_over_what_came_meanwhile(queue) -> None:
    """Read at one version, published two later: the changes in between are applied after it. REQ WL-06."""
    contents.put_out_of_use(queue.session_id)
    read = truth.read(queue.session_id)
    queue.leave(queue.waiting[0])
    queue.join(make_user().pk)
    assert positions(queue) == [None] * 5
    assert publish(queue.session_id, read, build(read)) is True
    assert positions(queue) == [1, 2, 3, 4, 5]
    assert shown(queue) == wanted(queue)


def test_a_slow_rebuild_does_not_undo_a_faster_one(queue) -> None:
    """Never an older version over a newer one. REQ WL-06."""
    read = truth.read(queue.session_id)
    queue.leave(queue.waiting[0])
    mirror.rebuild(queue.session_id)
    assert publish(queue.session_id, read, build(read)) is True
    assert positions(queue) == [1, 2, 3, 4]
    assert shown(queue) == wanted(queue)
    assert list(redis.client().scan_iter("waitlist:building:*")) == []


def test_a_change_that_was_counted_already_is_not_applied_again(queue) -> None:
    """Committed before the rebuild read, told after it was published. REQ WL-06."""
    told: list = []
    late = Queue(queue.session_id, lambda *what: told.append(what))
    entry = late.join(make_user().pk)
    late.leave(entry)
    mirror.rebuild(queue.session_id)
    for what in told:
        queue.tell(*what)
    assert positions(queue) == [1, 2, 3, 4, 5]


def test_comparing_tells_and_changes_nothing(queue) -> None:
    """Entry by entry, in both copies. REQ WL-06."""
    right = inspect(queue.session_id)
    assert right is not None
    assert (right.entries, right.drift, right.mirrored, right.is_off) == (5, 0, 5, False)
    _replace(queue)
    before = shown(queue)
    wrong = inspect(queue.session_id)
    assert wrong is not None
    assert (wrong.drift, wrong.is_off, shown(queue)) == (2, True, before)
    with pytest.raises(NotFound):
        inspect(make_user().pk)


def test_what_moves_all_the_time_is_not_judged(queue, monkeypatch) -> None:
    """A queue that changes while it is read is not called off: that changes arrive is what one sees. REQ WL-06."""
    read = truth.read

    def read_while_somebody_joins(session_id):
        queue.join(make_user().pk)
        return read(session_id)

    monkeypatch.setattr("waitlist.mirror.rebuilding.truth.read", read_while_somebody_joins)
    assert inspect(queue.session_id, patience=0) is None


def test_a_session_that_counts_wrong_is_told_of(queue, caplog) -> None:
    """Its mirror can agree with nothing: positions are counted, and the log names the session. REQ WL-06."""
    Session.objects.filter(pk=queue.session_id).update(waiting=4)
    assert positions(queue) == [None] * 5
    assert len(mirror.heal(now=NOW, patience=0)) == 1
    assert positions(queue) == [None] * 5
    (record,) = [record for record in caplog.records if "waitlist_counter_off" in record.getMessage()]
    assert str(queue.session_id) in record.getMessage()
    assert record.levelname == "ERROR"


def test_the_longest_queue_is_healed_first() -> None:
    """Where counting in the database costs most. REQ WL-06."""
    queues = [make_queue(lambda *_: None) for _ in range(3)]
    for queue, size in zip(queues, (1, 3, 2), strict=True):
        for person in make_people(size):
            queue.join(person.pk)
    assert [done.entries for done in mirror.heal(now=NOW, patience=0)] == [3, 2, 1]


def test_many_queues_cost_few_round_trips(django_assert_num_queries) -> None:
    """Looking at all that is right: one statement, and nothing is rebuilt. REQ WL-06."""
    for person in make_people(12):
        make_queue().join(person.pk)
    minute = NOW.replace(minute=11)
    closely = sum(1 for session_id in truth.queues() if session_id.int % 10 == 1)
    with django_assert_num_queries(1 + closely):
        assert mirror.heal(now=minute) == []


def test_what_is_over_is_removed_each_hour(queue) -> None:
    """Sessions that began, queues that are empty, keys of nobody. REQ WL-06."""
    empty = make_queue()
    empty.leave(empty.join(make_user().pk))
    over = make_queue()
    over.leave(over.join(make_user().pk))
    Session.objects.filter(pk=over.session_id).update(starts_at=NOW - timedelta(hours=1))
    littered = make_queue()
    redis.client().zadd(keys.public(littered.session_id, "VIP"), {"somebody": 1})
    nobody = make_user().pk
    redis.client().zadd(keys.public(nobody, "VIP"), {"somebody": 1})
    redis.client().set("waitlist:session:no-id:version", 1)

    mirror.heal(now=NOW.replace(minute=30), patience=0)
    assert set(contents.sessions_with_keys()) == {
        queue.session_id, empty.session_id, over.session_id, littered.session_id, nobody,
    }  # fmt: skip
    mirror.heal(now=NOW.replace(minute=0), patience=0)
    assert set(contents.sessions_with_keys()) == {queue.session_id, empty.session_id}
    assert positions(queue) == [1, 2, 3, 4, 5]
    empty.join(make_user().pk)
    assert positions(empty) == [1]


def test_an_empty_mirror_of_another_history_is_removed() -> None:
    """Nobody waits, and the restored database is behind it: it would take the next changes for old. REQ WL-06."""
    queue = make_queue()
    queue.leave(queue.join(make_user().pk))
    Session.objects.filter(pk=queue.session_id).update(queue_version=0)
    mirror.heal(now=NOW.replace(minute=0), patience=0)
    assert list(contents.sessions_with_keys()) == []
    queue.join(make_user().pk)
    assert positions(queue) == [1]


def test_beat_heals(queue, monkeypatch) -> None:
    """The task that runs each minute. REQ WL-06."""
    redis.client().flushall()
    monkeypatch.setattr("waitlist.mirror.healing.time.sleep", lambda _: None)
    assert heal_mirror() == 1
    assert positions(queue) == [1, 2, 3, 4, 5]
