"""What clients send: commands, what is refused and bounded, and what ends a socket."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import socketio
from django.conf import settings as django_settings

from accounts.models import User
from accounts.services import tokens
from accounts.tests.factories import make_member, make_user
from common import clock
from events.tests.factories import make_event
from notifications.realtime import commands
from notifications.realtime.threads import in_thread
from notifications.tests.realtime import (
    SECONDS,
    RealtimeProcess,
    connected,
    ended,
    tell,
    token_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user() -> User:
    """Give somebody who can sign in."""
    return make_user()


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
    token = tokens.access_token(user, now=begun + timedelta(seconds=3))

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


def test_a_deactivated_users_sockets_end(
    servers: list[RealtimeProcess], spare: RealtimeProcess, user: User
) -> None:
    """REQ RT-01, EV-02: by the check, and at once where a room is asked for; others' stay."""
    other = make_user()

    async def wait() -> tuple[str, Any, str, Any]:
        checked, asking = socketio.AsyncClient(reconnection=False), socketio.AsyncClient(reconnection=False)
        by_check = await ended(checked, token_of(user), servers[0].url)
        by_asking = await ended(asking, token_of(user), spare.url)
        stays = await connected(servers[0], token_of(other))
        await in_thread(lambda: User.objects.filter(pk=user.pk).update(is_active=False))
        ack = await asking.call("join_room", {"room": f"user:{user.pk}"}, timeout=SECONDS)
        # Half the time after which the process that was asked looks by itself.
        at_once = await asyncio.wait_for(by_asking, django_settings.REALTIME_CHECK_SECONDS / 2)
        in_turn = await asyncio.wait_for(by_check, SECONDS)
        still = await stays.call("join_room", {"room": f"user:{other.pk}"}, timeout=SECONDS)
        for client in (checked, asking, stays):
            await client.disconnect()
        return in_turn, ack["code"], at_once, still

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
