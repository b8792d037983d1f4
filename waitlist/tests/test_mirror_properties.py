"""Any sequence of acts, losses, flushes and foreign writes: a position is right or not given, and healing ends it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.tests.factories import NOW
from common import redis
from events.models import Session
from waitlist import mirror
from waitlist.mirror import contents, keys, truth
from waitlist.mirror.rebuilding import build, publish
from waitlist.models import Entry
from waitlist.tests.queues import at_once, make_people, make_queue, shown, wanted

pytestmark = pytest.mark.django_db

ANY = st.integers(0, 10_000)
RANK = st.integers(0, 2)
PUBLIC = st.sampled_from(["VIP", "PREMIUM", "STANDARD"])


class Mirrored(RuleBasedStateMachine):
    """One queue; what its acts tell is delivered late, twice, in another order, or never."""

    people: list[Any]

    def __init__(self) -> None:
        super().__init__()
        redis.client().flushall()
        self.told: list[tuple[Any, ...]] = []
        self.queue = make_queue(lambda *what: self.told.append(what))
        self.building: list[tuple[Any, list[str]]] = []

    def pick(self, choice: int) -> Entry:
        waiting = self.queue.waiting
        return waiting[choice % len(waiting)]

    @property
    def is_empty(self) -> bool:
        return not self.queue.waiting

    # What happens to the queue

    @rule(rank=RANK, at_once=st.booleans())
    def join(self, rank: int, at_once: bool) -> None:
        waiting = {entry.user_id for entry in self.queue.waiting}
        free = [person for person in self.people if person.pk not in waiting]
        if free:
            self.queue.join(free[0].pk, rank)
            self._deliver_if(at_once)

    @precondition(lambda self: not self.is_empty)
    @rule(choice=ANY, at_once=st.booleans())
    def leave(self, choice: int, at_once: bool) -> None:
        self.queue.leave(self.pick(choice))
        self._deliver_if(at_once)

    @precondition(lambda self: not self.is_empty)
    @rule(choice=ANY, rank=RANK, at_once=st.booleans())
    def move_to_the_end(self, choice: int, rank: int, at_once: bool) -> None:
        self.queue.move(self.pick(choice), rank)
        self._deliver_if(at_once)

    @precondition(lambda self: not self.is_empty)
    @rule(choice=ANY, other=ANY, at_once=st.booleans())
    def move_ahead(self, choice: int, other: int, at_once: bool) -> None:
        """It may end at the same time as somebody else, which the services do not do."""
        ahead_of = self.pick(other)
        self.queue.move(self.pick(choice), ahead_of.rank, ahead_of=ahead_of)
        self._deliver_if(at_once)

    @rule(changes=st.sampled_from([(), None]), at_once=st.booleans())
    def touch(self, changes: tuple[()] | None, at_once: bool) -> None:
        self.queue.touch(changes)
        self._deliver_if(at_once)

    # What becomes of what was told

    def _deliver_if(self, now: bool) -> None:
        if now:
            at_once(*self.told.pop())

    @precondition(lambda self: self.told)
    @rule(choice=ANY, is_last_time=st.booleans())
    def deliver(self, choice: int, is_last_time: bool) -> None:
        number = choice % len(self.told)
        at_once(*(self.told.pop(number) if is_last_time else self.told[number]))

    @precondition(lambda self: self.told)
    @rule(choice=ANY)
    def lose(self, choice: int) -> None:
        self.told.pop(choice % len(self.told))

    # What happens to Redis

    @rule()
    def flush(self) -> None:
        redis.client().flushall()

    @rule(tier=PUBLIC, score=st.sampled_from([0, NOW.timestamp() * 1_000_000, 10**17]))
    def add_somebody(self, tier: str, score: float) -> None:
        self._write("zadd", tier, {"somebody": score})

    @precondition(lambda self: not self.is_empty)
    @rule(choice=ANY, tier=PUBLIC, score=st.sampled_from([0, 10**17]))
    def move_in_the_mirror(self, choice: int, tier: str, score: float) -> None:
        self._write("zadd", tier, {str(self.pick(choice).user_id): score})

    @precondition(lambda self: not self.is_empty)
    @rule(choice=ANY, tier=PUBLIC)
    def remove_from_the_mirror(self, choice: int, tier: str) -> None:
        self._write("zrem", tier, str(self.pick(choice).user_id))

    @rule(
        part=st.sampled_from(["VIP", "PREMIUM", "STANDARD", "version"]), value=st.sampled_from(["", "7", "x"])
    )
    def overwrite(self, part: str, value: str) -> None:
        redis.client().set(keys.public(self.queue.session_id, part), value)

    @rule(name=st.sampled_from(range(9)), is_list=st.booleans())
    def delete_any_key(self, name: int, is_list: bool) -> None:
        key = keys.all_of(self.queue.session_id)[name]
        redis.client().delete(key)
        if is_list:
            redis.client().rpush(key, "x")

    def _write(self, command: str, tier: str, value: Any) -> None:
        key = keys.public(self.queue.session_id, tier)
        if redis.client().type(key) in (b"zset", b"none"):
            getattr(redis.client(), command)(key, value)

    # What mends it

    @rule()
    def begin_to_rebuild(self) -> None:
        contents.put_out_of_use(self.queue.session_id)
        read = truth.read(self.queue.session_id)
        self.building.append((read, build(read)))

    @precondition(lambda self: self.building)
    @rule(choice=ANY)
    def end_a_rebuild(self, choice: int) -> None:
        read, built = self.building.pop(choice % len(self.building))
        publish(self.queue.session_id, read, built)

    @rule()
    def heal(self) -> None:
        """A round of ten minutes, in which each mirror is compared entry by entry. Nothing is off after it."""
        for minute in range(11, 21):
            mirror.heal(now=NOW.replace(minute=minute), patience=0)
        if not self.is_empty:
            assert shown(self.queue) == wanted(self.queue)
            version = redis.client().get(keys.public(self.queue.session_id, "version"))
            assert version == str(self.queue.version).encode()
        times = [(entry.rank, entry.queue_at) for entry in self.queue.waiting]
        expected = [place if times.count(mine) == 1 else None for place, mine in enumerate(times, start=1)]
        assert self.positions() == expected

    @invariant()
    def never_wrong(self) -> None:
        for place, found in enumerate(self.positions(), start=1):
            assert found in (None, place)

    def positions(self) -> list[int | None]:
        session = Session.objects.get(pk=self.queue.session_id)
        return [
            mirror.position(
                session_id=session.pk,
                version=session.queue_version,
                waiting=session.waiting,
                rank=entry.rank,
                queue_at=entry.queue_at,
                user_id=entry.user_id,
            )
            for entry in self.queue.waiting
        ]

    def teardown(self) -> None:
        self.heal()


def test_a_position_is_right_or_not_given() -> None:
    """Acts, losses, flushes, foreign writes and rebuilds in any order. REQ WL-03 WL-06."""

    class Machine(Mirrored):
        people = make_people(6)

    redis.breaker.reset()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert not redis.breaker.is_open
