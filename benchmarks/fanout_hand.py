"""The ends of a fan-out: ``announce``, or ``listen URL TOKEN ROOM SOCKETS``. One JSON order a line, one answer.

Listeners speak the protocol themselves (Engine.IO 4, Socket.IO 5 over a websocket): a client library would be most of
what is measured.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from datetime import timedelta
from typing import Any

import aiohttp

_CONNECTING_AT_ONCE = 50


def announce() -> None:
    """Announce to one event's room, in a transaction or straight to Redis, and say which number it was."""
    import django

    django.setup()
    from django.db import transaction

    from accounts.models import Organization, User
    from accounts.services import tokens
    from common import clock
    from events.models import Event
    from notifications.realtime import constants, emitter, streams

    now = clock.now()
    user = User.objects.create_user(f"fanout-{time.time_ns()}@bench.test")
    organization = Organization.objects.create(slug=f"fanout-{time.time_ns()}", name="Fan-out")
    event = Event.objects.create(
        organization=organization,
        slug="fanout",
        title="Fan-out",
        starts_at=now,
        ends_at=now + timedelta(days=1),
    )
    room = constants.event_room(event.pk)
    print(json.dumps({"token": tokens.access_token(user, now=now), "room": room}), flush=True)
    for number, line in enumerate(sys.stdin, start=1):
        payload = {"number": number, "sent": time.time()}
        if json.loads(line)["how"] == "announce":
            with transaction.atomic():
                streams.announce(room, "BENCH", payload, now=clock.now())
        else:
            emitter.emit("BENCH", payload, room=room)
        print(json.dumps({"number": number}), flush=True)


class Listeners:
    """So many sockets in one room; each notes when it heard a number."""

    def __init__(self, url: str, token: str, room: str, count: int) -> None:
        self._address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        self._token, self._room, self._count = token, room, count
        self._heard: dict[int, list[float]] = defaultdict(list)
        self._complete = asyncio.Condition()
        self._gate = asyncio.Semaphore(_CONNECTING_AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, session: aiohttp.ClientSession) -> None:
        """Connect all and join the room with each."""
        sockets = await asyncio.gather(*(self._connect(session) for _ in range(self._count)))
        self._tasks = [asyncio.create_task(self._listen(socket)) for socket in sockets]

    async def milliseconds(self, number: int) -> list[float]:
        """Return what this number took to each socket, once all have heard it."""
        async with self._complete, asyncio.timeout(30):
            await self._complete.wait_for(lambda: len(self._heard[number]) == self._count)
        return self._heard.pop(number)

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        async with self._gate:
            socket = await session.ws_connect(self._address)
            await socket.receive_str()
            await socket.send_str("40" + json.dumps({"token": self._token}))
            assert (await socket.receive_str()).startswith("40"), "refused"
            await socket.send_str("420" + json.dumps(["join_room", {"room": self._room}]))
            assert '"ok":true' in await socket.receive_str(), "not joined"
            return socket

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            now, text = time.time(), str(message.data)
            if text == "2":
                await socket.send_str("3")
            elif text.startswith("42"):
                _event, data = json.loads(text[2:])
                heard = self._heard[data["number"]]
                heard.append((now - data["sent"]) * 1000)
                if len(heard) == self._count:
                    async with self._complete:
                        self._complete.notify_all()


async def listen(url: str, token: str, room: str, count: str) -> None:
    """Connect, say so, then answer each order with the figures of its number."""
    listeners = Listeners(url, token, room, int(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await listeners.connect(session)
        print(json.dumps({"ready": 1}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order: dict[str, Any] = json.loads(line)
            figures = await listeners.milliseconds(order["number"])
            print(json.dumps({"milliseconds": figures}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "announce":
        announce()
    else:
        asyncio.run(listen(*sys.argv[2:]))
