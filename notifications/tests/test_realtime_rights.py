"""Who lost a right hears no more: sockets are taken out of rooms that they may not be in any longer."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from accounts.models import User
from accounts.tests.factories import make_member
from common import clock
from common.errors import NotFound
from events.models import Registration
from events.tests.factories import make_event, make_registration
from notifications.realtime.events import join_room
from notifications.realtime.keeper import Keeper
from notifications.realtime.pace import Pace
from notifications.realtime.rights import Turns
from notifications.realtime.rooms import RoomRegistry, are_own, own_room, rooms
from notifications.realtime.sockets import Socket, Sockets
from notifications.realtime.threads import in_thread
from notifications.tests.realtime import SECONDS, RealtimeProcess, connected, tell, token_of


async def _joined(server: RealtimeProcess, user: User, *names: str) -> Any:
    client = await connected(server, token_of(user))
    for room in names:
        assert (await client.call("join_room", {"room": room}, timeout=SECONDS))["ok"]
    return client


@pytest.mark.django_db(transaction=True)
def test_who_lost_a_right_is_taken_out_of_the_room(servers: list[RealtimeProcess]) -> None:
    """REQ RT-01: a registration and a role that ended: told which room was left, and nothing of it any more."""
    event = make_event(private=True)
    analyst = make_member("analyst", organization=event.organization)
    guest, other = make_registration(event).user, make_registration(event).user
    open_room, figures = f"event:{event.pk}", f"dashboard:{event.pk}"

    async def listen() -> list[list[Any]]:
        clients = [
            await _joined(servers[0], guest, open_room),
            await _joined(servers[0], analyst, open_room, figures),
            await _joined(servers[0], other, open_room),
        ]
        await in_thread(lambda: Registration.objects.filter(user=guest).delete())
        await in_thread(lambda: analyst.memberships.update(role="scanner"))
        heard = [[await one.receive(timeout=SECONDS)] for one in clients[:2]] + [[]]
        await in_thread(tell, open_room, 1)
        await in_thread(tell, figures, 2)
        for one in (guest, analyst, other):
            await in_thread(tell, f"user:{one.pk}", 3)
        for client, told in zip(clients, heard, strict=True):
            while not told or told[-1][1].get("n") != 3:
                told.append(await client.receive(timeout=SECONDS))
            await client.disconnect()
        return heard

    heard = asyncio.run(listen())
    assert [told[0] for told in heard[:2]] == [
        ["ROOM_LEFT", {"room": open_room}],
        ["ROOM_LEFT", {"room": figures}],
    ]
    assert [[data["n"] for name, data in told if name == "TOLD"] for told in heard] == [[3], [1, 3], [1, 3]]


@pytest.mark.django_db(transaction=True)
def test_a_refused_join_leaves_the_room_at_once(spare: RealtimeProcess) -> None:
    """REQ RT-01: a socket that was in it is out, without waiting for the check."""
    event = make_event(private=True)
    guest, room = make_registration(event).user, f"event:{event.pk}"

    async def listen() -> tuple[Any, Any]:
        client = await _joined(spare, guest, room)
        await in_thread(lambda: Registration.objects.filter(user=guest).delete())
        again = await client.call("join_room", {"room": room}, timeout=SECONDS)
        await in_thread(tell, room, 1)
        await in_thread(tell, f"user:{guest.pk}", 2)
        heard = await client.receive(timeout=SECONDS)
        await client.disconnect()
        return again["code"], heard[1]["n"]

    assert asyncio.run(listen()) == ("not_found", 2)


def _checked(may_stay: Callable[..., Any], *, rejoins: bool = False) -> set[str]:
    """Let the keeper look once through a socket in two rooms of a kind of its own; return which it stays in."""
    user, kept, lost = make_member("owner"), uuid4(), uuid4()
    sockets, socket = Sockets(), Socket(user.pk, clock.now().replace(year=9999), Pace(20, now=0.0))
    names = {kept: f"test:{kept}", lost: f"test:{lost}"}

    async def leave(sid: str, room: str) -> None:
        assert (sid, room) == ("a", names[lost])

    async def look() -> None:
        socket.rooms = dict.fromkeys(names.values(), 0.0)
        sockets.add("a", socket)
        keeper = Keeper(sockets, end=lambda _: asyncio.sleep(0), leave=leave, is_alive=lambda _: True)
        await keeper.check()

    def answer(pairs: Any) -> Any:
        if rejoins:
            socket.rooms[names[lost]] = float("inf")
        return may_stay({pair for pair in pairs if pair[1] != lost})

    rooms.register("test:{id}", lambda *_: None, may_stay=answer, is_asked_first=False)
    try:
        asyncio.run(look())
    finally:
        rooms.remove("test:{id}")
    return {"kept" if room == names[kept] else "lost" for room in socket.rooms}


@pytest.mark.django_db(transaction=True)
def test_nobody_is_taken_out_of_a_room_that_they_only_ask_for() -> None:
    """REQ RT-01: a look while the database is asked for a join: the answer is a refusal, not a room that was left."""
    user, name = make_member("owner"), f"test:{uuid4()}"
    asked, go_on = threading.Event(), threading.Event()
    left: list[str] = []

    def authorise(*_: object) -> None:
        asked.set()
        assert go_on.wait(SECONDS)
        raise NotFound

    class Here:
        async def enter(self, room: str) -> None:
            raise AssertionError(room)

        async def leave(self, room: str) -> None:
            """It is in none."""

    async def leave(_: str, room: str) -> None:
        left.append(room)

    async def ask() -> Socket:
        sockets, socket = Sockets(), Socket(user.pk, clock.now().replace(year=9999), Pace(20, now=0.0))
        sockets.add("a", socket)
        keeper = Keeper(sockets, end=lambda _: asyncio.sleep(0), leave=leave, is_alive=lambda _: True)
        joining = asyncio.create_task(join_room(Here(), socket, {"room": name}))
        await asyncio.to_thread(asked.wait, SECONDS)
        await keeper.check()
        go_on.set()
        with pytest.raises(NotFound):
            await joining
        return socket

    rooms.register("test:{id}", authorise, may_stay=lambda _: set(), is_asked_first=False)
    try:
        assert asyncio.run(ask()).rooms == {}
    finally:
        rooms.remove("test:{id}")
    assert left == []


@pytest.mark.django_db(transaction=True)
def test_only_a_definite_no_takes_somebody_out() -> None:
    """REQ RT-01: a database that answers nothing takes nobody's room; nor does a no that a newer yes has overtaken."""

    def away(_: object) -> None:
        raise OperationalError

    assert _checked(lambda allowed: allowed) == {"kept"}
    assert _checked(away) == {"kept", "lost"}
    assert _checked(lambda allowed: allowed, rejoins=True) == {"kept", "lost"}


def test_a_check_asks_so_much_and_everybody_has_a_turn() -> None:
    """REQ RT-01: rooms that registered so each time, the others as many as are left over, in turn."""
    registry = RoomRegistry()
    registry.register("leads:{id}", own_room, may_stay=are_own, is_asked_first=True)
    registry.register("event:{id}", own_room, may_stay=are_own, is_asked_first=False)
    leads = [(uuid4(), f"leads:{uuid4()}") for _ in range(3)]
    visits = [(uuid4(), f"event:{uuid4()}") for _ in range(10)]
    turns, asked = Turns(registry.is_asked_first, most=7), []
    for _ in range(3):
        taken = turns.take([*visits, *leads])
        assert len(taken) == len(set(taken)) == 7
        assert set(leads) <= set(taken)
        asked += taken
    assert set(asked) == {*visits, *leads}
    assert set(Turns(registry.is_asked_first, most=99).take([*visits, *leads])) == {*visits, *leads}
