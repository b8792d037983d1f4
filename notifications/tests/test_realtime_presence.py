"""Who is connected, over all processes, and for how long that is believed."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from accounts.models import User
from accounts.tests.factories import make_user
from common import clock
from config.local_stack.valkey import EmbeddedValkey
from notifications.realtime import presence
from notifications.realtime.threads import in_thread
from notifications.tests.realtime import (
    RealtimeProcess,
    connected,
    eventually,
    token_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user() -> User:
    """Give somebody who can sign in."""
    return make_user()


def test_who_is_connected_is_known_over_all_processes(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-02: from the first socket to the last, on whichever process."""
    other, absent = make_user(), make_user()

    async def live() -> list[set[UUID]]:
        first = await connected(servers[0], token_of(user))
        second = await connected(servers[1], token_of(user))
        third = await connected(servers[1], token_of(other))
        both, known = {user.pk, other.pk}, []
        await eventually(lambda: presence.online_users() == both)
        known.append(await in_thread(presence.online_among, [user.pk, absent.pk]))
        known.append(await in_thread(presence.online_among, []))
        await third.disconnect()
        await first.disconnect()
        await eventually(lambda: presence.online_users() == {user.pk})
        await second.disconnect()
        await eventually(lambda: presence.online_users() == set())
        return known

    assert asyncio.run(live()) == [{user.pk}, set()]


def test_a_killed_processes_people_vanish(spare: RealtimeProcess, user: User, valkey: EmbeddedValkey) -> None:
    """REQ RT-02: nobody takes them off, but what was said of them ends by itself, within 90 seconds."""

    async def live() -> None:
        client = await connected(spare, token_of(user))
        await eventually(lambda: presence.online_users() == {user.pk})
        spare.kill()
        await client.disconnect()

    asyncio.run(live())
    assert presence.online_users() == {user.pk}
    with valkey.client() as redis:
        keys = redis.keys("*")
        assert len(keys) == 2
        assert all(0 < redis.ttl(key) <= 90 for key in keys)


def test_a_process_that_ends_in_order_takes_its_people_off(spare: RealtimeProcess, user: User) -> None:
    """REQ RT-02: a deployment leaves no ghosts."""

    async def live() -> None:
        client = await connected(spare, token_of(user))
        await eventually(lambda: presence.online_users() == {user.pk})
        await in_thread(spare.stop)
        await client.disconnect()

    asyncio.run(live())
    assert presence.online_users() == set()


def test_people_of_a_process_that_says_nothing_are_not_there(user: User, valkey: EmbeddedValkey) -> None:
    """REQ RT-02: 80 seconds after it was last heard of; without Redis nobody is known."""
    now = clock.now()
    assert presence.renew("old", [user.pk], now=now - presence.KEPT_FOR - timedelta(seconds=1))
    assert presence.online_users() == set()
    assert presence.renew("new", [user.pk, *(uuid4() for _ in range(2_500))], now=now)
    assert len(presence.online_users()) == 2_501
    assert presence.changed("new", came=[], went=[user.pk], now=now)
    assert presence.online_among([user.pk]) == set()
    assert presence.ended("new")
    assert presence.online_users() == set()
    valkey.stop()
    assert presence.online_users() == presence.online_among([user.pk]) == set()
    assert not presence.renew("new", [user.pk], now=now)
    assert not presence.changed("new", came=[user.pk], went=[], now=now)
    assert not presence.ended("new")
