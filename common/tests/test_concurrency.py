"""How much may be under way at once: with Redis, without it, and after somebody died (REQ AN-11)."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from common import concurrency, redis
from common.concurrency import AtOnce, Place, forget_local, take
from common.errors import RateLimited
from config.local_stack.testing.race import Race

LIMIT = AtOnce("test.work", of_one=2, in_all=4, lease=60, retry_after=10)
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    forget_local()
    redis.breaker.reset()
    yield
    redis.breaker.reset()
    forget_local()


@pytest.fixture(params=["redis", "alone"])
def _either_way(request: Any, settings: Any) -> None:
    """With Redis, and in a process that has to count by itself."""
    if request.param == "alone":
        settings.REDIS_URL = NOWHERE


def full(key: str, limit: AtOnce = LIMIT) -> bool:
    """Say whether a key finds no place; one that it finds is left again."""
    try:
        take(limit, key).leave()
    except RateLimited:
        return True
    return False


@pytest.mark.usefixtures("_either_way")
def test_as_many_as_the_limit_says() -> None:
    """Two of one, four in all; the others are told when to come again; who leaves makes room, once."""
    first, second = take(LIMIT, "a"), take(LIMIT, "a")
    with pytest.raises(RateLimited) as caught:
        take(LIMIT, "a")
    assert (caught.value.retry_after, caught.value.retryable) == (10, True)
    third, fourth = take(LIMIT, "b"), take(LIMIT, "c")
    assert full("d")
    assert not full("d", AtOnce("test.other", 1, 1, 60, 10))
    for _ in range(2):
        third.leave()
    assert not full("d")
    assert full("a")
    for place in (first, second, fourth):
        place.leave()
    assert [full(key) for key in "abcd"] == [False] * 4


def test_who_died_keeps_no_place_and_who_goes_on_keeps_theirs() -> None:
    """A lease ends by Redis's own clock; renewing it begins a new one."""
    limit = AtOnce("test.lease", of_one=2, in_all=2, lease=60, retry_after=10)
    take(limit, "a")
    alive = take(limit, "a")
    store, now = redis.client(), int(time.time())
    for member in store.zrange(limit.set_name, 0, -1):
        store.zadd(limit.set_name, {member: now + 1})
    alive._renewed -= 21
    alive.renew()
    ends = {member.decode(): score for member, score in store.zrange(limit.set_name, 0, -1, withscores=True)}
    assert ends.pop(alive.member) >= now + 59
    assert list(ends.values()) == [now + 1]
    # The other's lease is over.
    store.zadd(limit.set_name, dict.fromkeys(ends, now - 1))
    assert not full("a", limit)
    assert store.zcard(limit.set_name) == 1


def winners(outcomes: list[Any]) -> int:
    """Count those who have a place; everybody else was refused."""
    assert all(isinstance(one, Place | RateLimited) for one in outcomes), outcomes
    return sum(isinstance(one, Place) for one in outcomes)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_either_way")
def test_many_at_once(race: Race) -> None:
    """Of twelve that come in one moment two have a place."""
    assert winners(race(12, lambda _: take(LIMIT, "a"))) == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_without_counting_ones_own_takes_all_there_is(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: where the script does not look at one's own, all four are taken by one."""
    monkeypatch.setattr(concurrency, "_TAKE", concurrency._TAKE.replace(" or own >= tonumber(ARGV[4])", ""))
    assert winners(race(12, lambda _: take(LIMIT, "a"))) == 4


@pytest.mark.django_db(transaction=True)
def test_the_same_without_the_lock_takes_too_many(
    race: Race, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both look, both see one place left, both take it."""
    settings.REDIS_URL = NOWHERE
    take(LIMIT, "a")
    both_looked = threading.Barrier(2)

    class Watched(set[str]):
        """Places that wait, when looked through, until the other has looked too."""

        def __iter__(self) -> Iterator[str]:
            seen = list(super().__iter__())
            both_looked.wait(30)
            return iter(seen)

    class Open:
        """A lock that locks nothing."""

        def __enter__(self) -> None:
            """Let in."""

        def __exit__(self, *_: object) -> None:
            """Let out."""

    monkeypatch.setitem(concurrency._local, LIMIT.name, Watched(concurrency._local[LIMIT.name]))
    monkeypatch.setattr(concurrency, "_lock", Open())
    assert winners(race(2, lambda _: take(LIMIT, "a"))) == 2
    monkeypatch.undo()
