"""Sockets of running processes: rooms shared by all, numbers, what was missed."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import bearer, make_user
from common import clock
from common.outbox.testing import run_due
from config.local_stack.valkey import EmbeddedValkey
from events.tests.factories import make_event, make_registration
from notifications.realtime import presence
from notifications.realtime.threads import in_thread
from notifications.tests.realtime import (
    SECONDS,
    RealtimeProcess,
    connected,
    eventually,
    start_node,
    tell,
    token_of,
)

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/realtime/missed"


@pytest.fixture
def user() -> User:
    """Give somebody who can sign in."""
    return make_user()


def test_a_room_is_shared_by_all_processes(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-04, RT-06: who joined hears the same event with the same number on whichever process; nobody else does."""
    event = make_event(private=True)
    visitors = [make_registration(event).user for _ in servers]
    room = f"event:{event.pk}"

    async def listen() -> tuple[list[Any], list[Any], Any]:
        clients = [
            await connected(server, token_of(one)) for server, one in zip(servers, visitors, strict=True)
        ]
        stranger = await connected(servers[0], token_of(user))
        acks = [await one.call("join_room", {"room": room}, timeout=SECONDS) for one in (*clients, stranger)]
        await in_thread(tell, room, 1)
        await in_thread(tell, f"user:{user.pk}", 2)
        heard = [await one.receive(timeout=SECONDS) for one in (*clients, stranger)]
        for one in (*clients, stranger):
            await one.disconnect()
        return acks, heard[:2], heard[2]

    acks, heard, strange = asyncio.run(listen())
    assert acks[:2] == [{"ok": True, "seq": 0}] * 2
    assert (acks[2]["ok"], acks[2]["code"]) == (False, "not_found")
    assert heard[0] == heard[1]
    assert (heard[0][0], heard[0][1]["seq"], heard[0][1]["stream"]) == ("TOLD", 1, room)
    assert (strange[1]["stream"], strange[1]["n"]) == (f"user:{user.pk}", 2)


def test_who_left_a_room_hears_no_more(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01: leave_room."""
    room = f"event:{make_event().pk}"

    async def listen() -> Any:
        client = await connected(servers[0], token_of(user))
        await client.call("join_room", {"room": room}, timeout=SECONDS)
        assert await client.call("leave_room", {"room": room}, timeout=SECONDS) == {"ok": True}
        await in_thread(tell, room, 1)
        await in_thread(tell, f"user:{user.pk}", 2)
        heard = await client.receive(timeout=SECONDS)
        await client.disconnect()
        return heard

    assert asyncio.run(listen())[1]["n"] == 2


@pytest.mark.parametrize(
    ("after", "missed"), [(0, True), (2, True), (3, False), (4, True)], ids=["all", "one", "none", "restored"]
)
def test_joining_says_what_was_missed(
    servers: list[RealtimeProcess], user: User, after: int, missed: bool
) -> None:
    """REQ RT-06: the newest number, and whether the client's own is another."""
    room = f"user:{user.pk}"
    tell(room, 1, 2, 3)

    async def ask() -> Any:
        client = await connected(servers[0], token_of(user))
        try:
            return await client.call("join_room", {"room": room, "after": after}, timeout=SECONDS)
        finally:
            await client.disconnect()

    assert asyncio.run(ask()) == {"ok": True, "seq": 3, "missed": missed}


@pytest.mark.parametrize("after", [-1, "3", 1.5, True])
def test_a_number_that_is_none_is_refused_and_nothing_joined(
    servers: list[RealtimeProcess], user: User, after: object
) -> None:
    """REQ RT-06: bad input is named by field."""
    room = f"event:{make_event().pk}"

    async def ask() -> tuple[Any, Any]:
        client = await connected(servers[0], token_of(user))
        answer = await client.call("join_room", {"room": room, "after": after}, timeout=SECONDS)
        await in_thread(tell, room, 1)
        await in_thread(tell, f"user:{user.pk}", 2)
        heard = await client.receive(timeout=SECONDS)
        await client.disconnect()
        return answer, heard

    answer, heard = asyncio.run(ask())
    assert (answer["code"], answer["errors"][0]["field"]) == ("invalid", "after")
    assert heard[1]["n"] == 2


def test_a_client_that_was_away_loses_nothing_and_hears_nothing_twice(
    servers: list[RealtimeProcess], user: User, client: Client
) -> None:
    """REQ RT-06: heard, away, read, heard again: every number once, in order, on another process too."""
    room = f"user:{user.pk}"

    async def live() -> list[int]:
        seen = []
        first = await connected(servers[0], token_of(user))
        await in_thread(tell, room, 1, 2, 3)
        seen += [(await first.receive(timeout=SECONDS))[1]["seq"] for _ in range(3)]
        await first.disconnect()
        await in_thread(tell, room, 4, 5, 6, 7, 8)
        second = await connected(servers[1], token_of(user))
        ack = await second.call("join_room", {"room": room, "after": seen[-1]}, timeout=SECONDS)
        assert ack == {"ok": True, "seq": 8, "missed": True}
        query = {"stream": room, "after": seen[-1]}
        page = (await in_thread(client.get, URL, query, headers=bearer(user))).json()
        seen += [one["seq"] for one in page["results"]]
        await in_thread(tell, room, 9)
        seen.append((await second.receive(timeout=SECONDS))[1]["seq"])
        await second.disconnect()
        return seen

    assert asyncio.run(live()) == list(range(1, 10))


def test_a_flushed_redis_costs_nothing(
    servers: list[RealtimeProcess], user: User, valkey: EmbeddedValkey
) -> None:
    """REQ RT-04: numbers are in the database; sockets stay, and people are known to be there again by themselves."""
    room = f"user:{user.pk}"

    async def live() -> Any:
        client = await connected(servers[0], token_of(user))
        await in_thread(tell, room, 1)
        await client.receive(timeout=SECONDS)
        await in_thread(valkey.flush)
        await in_thread(tell, room, 2)
        heard = await client.receive(timeout=SECONDS)
        await eventually(lambda: presence.online_users() == {user.pk})
        await client.disconnect()
        return heard

    assert asyncio.run(live())[1]["seq"] == 2


def test_what_was_announced_while_redis_was_away_comes_late_or_is_read(
    servers: list[RealtimeProcess], user: User, client: Client, valkey: EmbeddedValkey
) -> None:
    """REQ RT-04: Redis stopped: announcing goes on, what was announced can be read at once and is heard afterwards."""
    room = f"user:{user.pk}"

    async def live() -> Any:
        listener = await connected(servers[0], token_of(user))
        valkey.stop()
        await in_thread(servers[0].wait_for, "degraded")
        await in_thread(tell, room, 1)
        query = {"stream": room, "after": 0}
        page = (await in_thread(client.get, URL, query, headers=bearer(user))).json()
        valkey.start()
        await in_thread(servers[0].wait_for, "connected")
        await in_thread(run_due, clock.now() + timedelta(seconds=2))
        heard = await listener.receive(timeout=SECONDS)
        await listener.disconnect()
        return page["results"], heard

    read, heard = asyncio.run(live())
    assert read == [{"event": heard[0], **heard[1]}]


@pytest.mark.node
def test_the_recipe_of_the_docs_recovers_in_the_javascript_client(
    servers: list[RealtimeProcess], user: User, live_server: Any
) -> None:
    """REQ RT-06: more than a page was missed; every event is applied once and in order, and what follows is heard."""
    room = f"user:{user.pk}"
    api = f"{live_server.url}/api/v1"
    tell(room, 1)
    with start_node("recovering_client.mjs", servers[0].url, api, token_of(user), room) as front_end:
        assert said(front_end) == {"kind": "reload"}
        tell(room, 2, 3)
        assert [said(front_end)["data"]["seq"] for _ in range(2)] == [2, 3]
        order(front_end, "away")
        assert said(front_end) == {"kind": "away"}
        tell(room, *range(4, 300))
        order(front_end, "back")
        caught_up = [said(front_end)["data"] for _ in range(4, 300)]
        tell(room, 300)
        last = said(front_end)["data"]
        order(front_end, "quit")
    assert [(one["seq"], one["n"]) for one in caught_up] == [(number, number) for number in range(4, 300)]
    assert (last["seq"], last["event"]) == (300, "TOLD")


def said(front_end: Any) -> Any:
    return json.loads(front_end.stdout.readline())


def order(front_end: Any, line: str) -> None:
    front_end.stdin.write(f"{line}\n")
    front_end.stdin.flush()
