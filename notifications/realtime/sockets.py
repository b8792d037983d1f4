"""The sockets of this process: whose they are, how long they may stay, and which people came or went."""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from prometheus_client import Gauge

from notifications.realtime.pace import Pace

_OPEN = Gauge(
    "marquee_realtime_sockets", "Sockets that are connected and signed in", multiprocess_mode="livesum"
)


@dataclass(slots=True)
class Socket:
    """One connection of one person; ``rooms`` are those beside the person's own, with when (the event loop's time)
    they were allowed last; never yet: infinity."""

    user_id: UUID
    ends_at: datetime
    pace: Pace
    rooms: dict[str, float] = field(default_factory=dict)


class Sockets:
    """All of them, by their id. Used by the event loop alone."""

    def __init__(self) -> None:
        self._sockets: dict[str, Socket] = {}
        self._of_user: dict[UUID, int] = {}
        self._touched: set[UUID] = set()
        # Set while somebody came or went who was not told of yet.
        self.changed = asyncio.Event()

    def __iter__(self) -> Iterator[tuple[str, Socket]]:
        return iter(list(self._sockets.items()))

    def get(self, sid: str) -> Socket | None:
        """Return the socket, None when it is gone."""
        return self._sockets.get(sid)

    def users(self) -> Collection[UUID]:
        """Return who is connected to this process."""
        return self._of_user.keys()

    def add(self, sid: str, socket: Socket) -> None:
        """Note a new socket."""
        self.remove(sid)
        self._sockets[sid] = socket
        _OPEN.inc()
        before = self._of_user.get(socket.user_id, 0)
        self._of_user[socket.user_id] = before + 1
        if before == 0:
            self._touch(socket.user_id)

    def remove(self, sid: str) -> None:
        """Forget a socket; one that is not known is fine."""
        socket = self._sockets.pop(sid, None)
        if socket is None:
            return
        _OPEN.dec()
        left = self._of_user[socket.user_id] - 1
        if left:
            self._of_user[socket.user_id] = left
        else:
            del self._of_user[socket.user_id]
            self._touch(socket.user_id)

    def take_changes(self) -> tuple[set[UUID], set[UUID]]:
        """Return who came and who went since this was asked last, as it is now."""
        touched, self._touched = self._touched, set()
        self.changed.clear()
        came = {user_id for user_id in touched if user_id in self._of_user}
        return came, touched - came

    def _touch(self, user_id: UUID) -> None:
        self._touched.add(user_id)
        self.changed.set()
