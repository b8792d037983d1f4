"""A front end that listens by Socket.IO, comes back whenever it was cut off, and keeps what it heard."""

import asyncio
from typing import Any

import aiohttp
import socketio

from chaos.clients.base import Client
from chaos.clients.queues import SESSIONS
from chaos.world import OWNER

_SECONDS = 15.0


class Listener(Client):
    """Joins the rooms of the event and its sessions; notes stream, number and event of all that comes."""

    def act(self) -> None:
        """Listen until the end of one connection."""
        asyncio.run(self._listen(self.doors.token(OWNER)))

    def finish(self) -> None:
        """Read what was missed, all of it, as who comes back does."""
        stream = f"event:{self.world.event_id}"
        path = f"realtime/missed?stream={stream}&limit=200&after="
        after = 0
        while (answer := self.doors.insist("GET", f"{path}{after}", login=OWNER)).is_accepted:
            results = answer.body["results"]
            if not results:
                return
            for one in results:
                self.ledger.note("missed", stream=stream, seq=one["seq"], event=one["event_id"])
            after = results[-1]["seq"]

    async def _listen(self, token: str) -> None:
        async with aiohttp.ClientSession() as lines:
            client = socketio.AsyncClient(reconnection=False, http_session=lines)
            client.on("*", self._heard)
            try:
                await client.connect(
                    self.tools.stack.realtime,
                    auth={"token": token},
                    transports=["websocket"],
                    wait_timeout=_SECONDS,
                )
            except socketio.exceptions.ConnectionError:
                return
            try:
                await self._stay(client)
            finally:
                await client.disconnect()

    async def _stay(self, client: socketio.AsyncClient) -> None:
        rooms = [
            f"event:{self.world.event_id}",
            *(f"session:{self.world.sessions[one]}:waitlist" for one in SESSIONS),
        ]
        try:
            for room in rooms:
                await client.call("join_room", {"room": room}, timeout=_SECONDS)
        except (socketio.exceptions.SocketIOError, TimeoutError):
            return
        self.ledger.note("connected")
        while client.connected and not self.tools.stop.is_set():
            await asyncio.sleep(0.2)

    async def _heard(self, event: str, data: dict[str, Any]) -> None:
        self.ledger.note("heard", stream=data["stream"], seq=data["seq"], event=data["event_id"], name=event)
