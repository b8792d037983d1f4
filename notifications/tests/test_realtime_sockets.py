"""Sockets of running processes: rooms with their numbers, commands, limits, ends, who is connected."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import socketio
from django.conf import settings as django_settings
from django.test import Client

from accounts.models import User
from accounts.services import tokens
from accounts.tests.factories import bearer, make_member, make_user
from common import clock
from common.outbox.testing import run_due
from config.local_stack.valkey import EmbeddedValkey
from events.tests.factories import make_event, make_registration
from notifications.realtime import commands, presence
from notifications.realtime.streams import announce
from notifications.realtime.threads import in_thread
from notifications.tests.realtime import SECONDS, RealtimeProcess, connected, eventually, start_node, token_of

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/realtime/missed"


@pytest.fixture
def user() -> User:
    """Give somebody who can sign in."""
    return make_user()


@pytest.fixture
def spare() -> Iterator[RealtimeProcess]:
    """Give a process that a test may kill."""
    process = RealtimeProcess()
    process.start()
    yield process
    process.stop()


def tell(room: str, *numbers: int) -> None:
    """Announce, and have it relayed."""
    for number in numbers:
        announce(room, "TOLD", {"n": number}, now=clock.now())
    run_due()


async def ended(client: socketio.AsyncClient, token: str, url: str) -> asyncio.Future[str]:
    """Connect a client and return what will be the reason of its end."""
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    client.on("disconnect", lambda reason: over.done() or over.set_result(reason))
    await client.connect(url, auth={"token": token}, transports=["websocket"], wait_timeout=SECONDS)
    return over


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


@pytest.mark.parametrize(
    ("event", "data", "expected"),
    [
        ("test.refuse", {}, {"ok": False, "code": "conflict", "message": "There is another one."}),
        (
            "test.refuse",
            {"busy": True},
            {"ok": False, "code": "rate_limited", "message": "Not so fast.", "retry_after": 7},
        ),
        ("test.echo", "text", {"ok": False, "code": "invalid", "message": "Send one object."}),
        ("test.echo", None, {"ok": False, "code": "invalid", "message": "Send one object."}),
        (
            "test.echo",
            {"said": "\0"},
            {
                "ok": False,
                "code": "invalid",
                "message": "Some fields are not valid",
                "errors": [
                    {
                        "field": "said",
                        "code": "unreadable_text",
                        "message": "This text contains characters that are not text.",
                    }
                ],
            },
        ),
        ("nonsense", {}, {"ok": False, "code": "unknown_event", "message": "There is no such event"}),
        (
            "test.break",
            {},
            {"ok": False, "code": "internal_error", "message": "Something went wrong on our side"},
        ),
        (
            "test.unsendable",
            {},
            {"ok": False, "code": "internal_error", "message": "Something went wrong on our side"},
        ),
    ],
)
def test_every_event_is_acknowledged(
    servers: list[RealtimeProcess], user: User, event: str, data: object, expected: dict[str, Any]
) -> None:
    """REQ RT-03: commands of other rooms, what they refuse, what nobody answers, and our own faults."""

    async def ask() -> Any:
        client = await connected(servers[0], token_of(user))
        try:
            return await client.call(event, data, timeout=SECONDS)
        finally:
            await client.disconnect()

    assert asyncio.run(ask()) == expected


def test_a_command_is_told_who_asks(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-03: the user of the socket, what they said, and when."""

    async def ask() -> Any:
        client = await connected(servers[0], token_of(user))
        try:
            return await client.call("test.echo", {"said": {"n": 1}}, timeout=SECONDS)
        finally:
            await client.disconnect()

    answer = asyncio.run(ask())
    assert answer.pop("at").endswith("+00:00")
    assert answer == {"ok": True, "user_id": str(user.pk), "said": {"n": 1}}


def test_a_command_has_one_answer() -> None:
    """REQ RT-03: a second registration, or of what the process answers itself, is a defect found at start-up."""
    commands.register("test.once", lambda user, data, now: {})
    try:
        for name in ("test.once", "join_room", "connect", "disconnect", "*", ""):
            with pytest.raises(ValueError, match="answer"):
                commands.register(name, lambda user, data, now: {})
    finally:
        commands.unregister("test.once")
    with pytest.raises(commands.UnknownEvent):
        commands.find("test.once")


def test_events_that_are_not_the_clients_to_send_do_nothing(
    servers: list[RealtimeProcess], user: User
) -> None:
    """REQ RT-01: a client cannot call our connect or disconnect, nor send an event that has no name."""
    stranger = make_user()

    async def ask() -> tuple[Any, Any]:
        client = await connected(servers[0], token_of(user))
        await client.emit("connect", ({}, {"token": token_of(stranger)}))
        await client.emit("disconnect", "done")
        await client.emit({"no": "name"}, 1)
        answer = await client.call("join_room", {"room": f"user:{user.pk}"}, timeout=SECONDS)
        await in_thread(tell, f"user:{stranger.pk}", 1)
        await in_thread(tell, f"user:{user.pk}", 2)
        heard = await client.receive(timeout=SECONDS)
        await client.disconnect()
        return answer, heard

    answer, heard = asyncio.run(ask())
    assert answer == {"ok": True, "seq": 0}
    assert heard[1]["n"] == 2


def test_rooms_are_bounded_even_when_asked_for_at_once(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01: 50 rooms beside the own one, however they are asked for; a refused one takes no place."""
    events = [make_event() for _ in range(52)]

    async def ask() -> list[str]:
        client = await connected(servers[0], token_of(user))
        refused = await client.call("join_room", {"room": f"event:{uuid4()}"}, timeout=SECONDS)
        codes = [refused["code"]]
        joins = [client.call("join_room", {"room": f"event:{event.pk}"}, timeout=SECONDS) for event in events]
        codes += sorted(ack.get("code", "ok") for ack in await asyncio.gather(*joins))
        await client.disconnect()
        return codes

    assert asyncio.run(ask()) == ["not_found", *["ok"] * 50, *["too_many_rooms"] * 2]


def test_who_sends_too_much_is_told_and_a_flood_is_ended(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01: 20 events a second, then rate_limited; who goes on all the same is disconnected."""

    async def flood() -> tuple[list[Any], str]:
        client = socketio.AsyncClient(reconnection=False)
        over = await ended(client, token_of(user), servers[1].url)
        acks: list[Any] = []
        for _ in range(400):
            await client.emit("nonsense", {}, callback=acks.append)
        reason = await asyncio.wait_for(over, SECONDS)
        await client.disconnect()
        return acks, reason

    acks, reason = asyncio.run(flood())
    codes = [ack["code"] for ack in acks]
    assert codes.count("unknown_event") >= 20
    assert "rate_limited" in codes
    assert len(codes) < 300
    assert acks[codes.index("rate_limited")]["retry_after"] == 1
    assert reason == "server disconnect"
    assert servers[1].health()["status"] == "ok"


def test_a_socket_ends_with_its_token(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01, EV-02: within the interval of the check."""
    begun = clock.now() - django_settings.ACCESS_TOKEN_LIFETIME
    token = tokens.issue(user, now=begun + timedelta(seconds=3)).access

    async def wait() -> tuple[str, bool]:
        client = socketio.AsyncClient(reconnection=False)
        over = await ended(client, token, servers[0].url)
        other = await connected(servers[0], token_of(user))
        reason = await asyncio.wait_for(over, SECONDS)
        stays = (await other.call("join_room", {"room": f"user:{user.pk}"}, timeout=SECONDS))["ok"]
        await other.disconnect()
        await client.disconnect()
        return reason, stays

    assert asyncio.run(wait()) == ("server disconnect", True)


def test_a_deactivated_users_sockets_end(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01, EV-02: by the check, and at once where a room is asked for; others' stay."""
    other = make_user()

    async def wait() -> tuple[str, Any, str, Any]:
        checked, asking = socketio.AsyncClient(reconnection=False), socketio.AsyncClient(reconnection=False)
        by_check = await ended(checked, token_of(user), servers[0].url)
        # This process looks through its sockets only after the test.
        by_asking = await ended(asking, token_of(user), servers[1].url)
        stays = await connected(servers[0], token_of(other))
        await in_thread(lambda: User.objects.filter(pk=user.pk).update(is_active=False))
        ack = await asking.call("join_room", {"room": f"user:{user.pk}"}, timeout=SECONDS)
        reasons = [await asyncio.wait_for(over, SECONDS) for over in (by_check, by_asking)]
        still = await stays.call("join_room", {"room": f"user:{other.pk}"}, timeout=SECONDS)
        for client in (checked, asking, stays):
            await client.disconnect()
        return reasons[0], ack["code"], reasons[1], still

    assert asyncio.run(wait()) == (
        "server disconnect",
        "unauthenticated",
        "server disconnect",
        {"ok": True, "seq": 0},
    )


def test_a_role_that_was_lost_opens_no_room(servers: list[RealtimeProcess]) -> None:
    """REQ RT-01: a room is authorised by what somebody may do now, not when they connected."""
    event = make_event()
    analyst = make_member("analyst", organization=event.organization)
    room = f"dashboard:{event.pk}"

    async def ask() -> list[Any]:
        client = await connected(servers[0], token_of(analyst))
        before = await client.call("join_room", {"room": room}, timeout=SECONDS)
        await client.call("leave_room", {"room": room}, timeout=SECONDS)
        await in_thread(lambda: analyst.memberships.update(role="scanner"))
        after = await client.call("join_room", {"room": room}, timeout=SECONDS)
        await client.disconnect()
        return [before["ok"], after["code"]]

    assert asyncio.run(ask()) == [True, "forbidden"]


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
