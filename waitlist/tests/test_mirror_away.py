"""Redis stopped, hanging, flushed, killed while a mirror is built: slower, never wrong, never an error."""

import socket
import time
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import NOW, make_user
from common import redis
from waitlist import mirror
from waitlist.mirror import contents, keys, truth
from waitlist.mirror.rebuilding import build, publish
from waitlist.tests.queues import make_people, make_queue, position, positions, shown, wanted

pytestmark = pytest.mark.django_db

# Seconds that a busy machine may add.
_SLACK = 3


@pytest.fixture(autouse=True)
def _closed_breaker() -> Iterator[None]:
    redis.breaker.reset()
    yield
    redis.breaker.reset()


def test_with_redis_stopped_everything_goes_on(valkey) -> None:
    """Acts, positions, healing and rebuilding before, without and after Redis. REQ WL-06."""
    queue = make_queue()
    queue.join(make_user().pk)
    valkey.stop()
    entry = queue.join(make_user().pk)
    assert positions(queue) == [None, None]
    assert mirror.heal(now=NOW, patience=0) == []
    with pytest.raises(mirror.MirrorAway):
        mirror.rebuild(queue.session_id)
    queue.touch(None)
    valkey.start()
    redis.breaker.reset()
    assert position(entry) is None
    (healed,) = mirror.heal(now=NOW, patience=0)
    assert (healed.entries, healed.drift) == (2, 2)
    assert positions(queue) == [1, 2]
    assert shown(queue) == wanted(queue)


def test_a_redis_that_hangs_costs_little(settings) -> None:
    """Three wait half a second each; then one in a second tries again, and the others do not wait. REQ WL-06."""
    queue = make_queue()
    entry = queue.join(make_user().pk)
    people = make_people(20)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.monotonic()
        assert position(entry) is None
        assert time.monotonic() - started < 0.5 + _SLACK
        for person in people:
            queue.join(person.pk)
        assert redis.breaker.is_open
        assert positions(queue) == [None] * 21
        elapsed = time.monotonic() - started
        assert _connections(silent) <= 3 + elapsed


def _connections(server: socket.socket) -> int:
    """Count who tried: each that got no answer has closed its connection, and the next opens another."""
    server.setblocking(False)
    for number in range(100):
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return number
    raise AssertionError("more than a hundred tried")


def test_a_flush_in_between_is_healed() -> None:
    """Changes after it do not make a mirror of half the queue. REQ WL-06."""
    queue = make_queue()
    queue.join(make_user().pk)
    redis.client().flushall()
    redis.client().script_flush()
    last = queue.join(make_user().pk)
    assert position(last) is None
    assert shown(queue) == [{}, {}, {}]
    (healed,) = mirror.heal(now=NOW, patience=0)
    assert (healed.session_id, healed.entries, healed.drift) == (queue.session_id, 2, 2)
    queue.join(make_user().pk)
    assert positions(queue) == [1, 2, 3]
    assert shown(queue) == wanted(queue)


def test_a_flush_during_a_rebuild_publishes_nothing_half() -> None:
    """What was built is gone: nothing takes the mirror's place, and it is found missing. REQ WL-06."""
    queue = make_queue()
    entry = queue.join(make_user().pk)
    read = truth.read(queue.session_id)
    built = build(read)
    redis.client().flushall()
    assert publish(queue.session_id, read, built) is False
    assert position(entry) is None
    assert len(mirror.heal(now=NOW, patience=0)) == 1
    assert position(entry) == 1


def test_what_a_dead_process_was_building_is_gone_by_itself() -> None:
    """Each key that is not published yet expires. REQ WL-06."""
    queue = make_queue()
    queue.join(make_user().pk)
    built = build(truth.read(queue.session_id))
    there = [key for key in built if redis.client().exists(key)]
    assert len(there) == 2
    assert all(0 < redis.client().ttl(key) <= 60 for key in there)
    # And the published ones do not.
    mirror.rebuild(queue.session_id)
    assert redis.client().ttl(keys.public(queue.session_id, "STANDARD")) == -1


def test_redis_away_in_the_middle_of_a_rebuild(valkey) -> None:
    """Stopped after the building, or before it: a clear answer, and nothing half. REQ WL-06."""
    queue = make_queue()
    entry = queue.join(make_user().pk)
    read = truth.read(queue.session_id)
    built = build(read)
    valkey.stop()
    for act in (
        lambda: build(read),
        lambda: publish(queue.session_id, read, built),
        lambda: contents.read(queue.session_id),
        lambda: contents.look_at([queue.session_id]),
        lambda: list(contents.sessions_with_keys()),
        lambda: contents.put_out_of_use(queue.session_id),
        lambda: contents.forget(queue.session_id),
    ):
        redis.breaker.reset()
        with pytest.raises(mirror.MirrorAway):
            act()
    valkey.start()
    redis.breaker.reset()
    assert publish(queue.session_id, read, built) is False
    assert position(entry) is None
    assert len(mirror.heal(now=NOW, patience=0)) == 1
    assert position(entry) == 1


def test_the_command_says_that_redis_is_away(valkey) -> None:
    """Exit code 2: nobody can say whether something is off. REQ WL-06."""
    queue = make_queue()
    queue.join(make_user().pk)
    valkey.stop()
    with pytest.raises(CommandError) as refused:
        call_command("rebuild_waitlist", stdout=StringIO())
    assert refused.value.returncode == 2


def test_a_full_redis_is_no_error() -> None:
    """Where it refuses to take more the mirror is put out of use, not left half built. REQ WL-06."""
    queue = make_queue()
    first = queue.join(make_user().pk)
    client = redis.client()
    client.config_set("maxmemory", 1)
    try:
        queue.join(make_user().pk)
        assert position(first) in (None, 1)
        with pytest.raises(mirror.MirrorAway):
            mirror.rebuild(queue.session_id)
    finally:
        client.config_set("maxmemory", 0)
    redis.breaker.reset()
    assert position(first) is None
    assert len(mirror.heal(now=NOW, patience=0)) == 1
    assert positions(queue) == [1, 2]
