"""What goes on beside the sockets: says who is connected, ends sockets that may not stay, and takes those out of rooms
that may not hear them any more."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import Error

from common import clock
from notifications.realtime import people, presence, rights
from notifications.realtime.rooms import rooms
from notifications.realtime.sockets import Sockets
from notifications.realtime.threads import in_thread

# People who come or go within so short a time are told of together.
_GATHER_SECONDS = 0.05

log = structlog.get_logger(__name__)


class Keeper:
    """One task a process. Its writes about who is connected follow one another, so that the last one holds."""

    def __init__(
        self,
        sockets: Sockets,
        *,
        end: Callable[[str], Awaitable[None]],
        leave: Callable[[str, str], Awaitable[None]],
        is_alive: Callable[[str], bool],
    ) -> None:
        self.process = uuid4().hex
        self._sockets, self._end, self._leave, self._is_alive = sockets, end, leave, is_alive
        self._turns = rights.Turns(rooms.is_asked_first)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; a second time it changes nothing."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """End, and take this process's people off at once."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await in_thread(presence.ended, self.process)

    async def _keep(self) -> None:
        every = min(settings.REALTIME_CHECK_SECONDS, presence.RENEWED_EVERY.total_seconds())
        check_at = time.monotonic() + every
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._sockets.changed.wait(), max(0.0, check_at - time.monotonic()))
            try:
                if time.monotonic() >= check_at:
                    check_at = time.monotonic() + every
                    await self.check()
                else:
                    await asyncio.sleep(_GATHER_SECONDS)
                    await self._tell()
            except Exception:
                # Whatever it was, the sockets of this process go on being looked after.
                log.exception("realtime_keeper_failed")

    async def check(self) -> None:
        """End the sockets whose token or user is no longer good; say anew who is connected; take those out of their
        rooms who may not be there any more."""
        now = clock.now()
        for sid, _socket in self._sockets:
            if not self._is_alive(sid):
                self._sockets.remove(sid)
        active = await self._active()
        for sid, socket in self._sockets:
            if socket.ends_at <= now or (active is not None and socket.user_id not in active):
                log.info("socket_ended", user_id=str(socket.user_id), is_token_over=socket.ends_at <= now)
                await self._end(sid)
        self._sockets.take_changes()
        await in_thread(presence.renew, self.process, list(self._sockets.users()), now=now)
        await self._check_rooms()

    async def _check_rooms(self) -> None:
        """Ask the database again who may be where. Only its no counts: what it does not answer changes nothing."""
        began = asyncio.get_running_loop().time()
        asked = self._turns.take({(one.user_id, room) for _, one in self._sockets for room in one.rooms})
        try:
            refused = await in_thread(rooms.refused, asked)
        except Error as error:
            log.warning("realtime_rooms_without_database", error=type(error).__name__)
            return
        for sid, socket in self._sockets if refused else ():
            for room, allowed_at in list(socket.rooms.items()):
                # Whoever was let in since was asked for later than this.
                if (socket.user_id, room) in refused and allowed_at <= began:
                    log.info("socket_left_room", user_id=str(socket.user_id), room=room)
                    socket.rooms.pop(room)
                    await self._leave(sid, room)

    async def _active(self) -> set[object] | None:
        """Return who may stay; None when the database is away: then everybody does."""
        asked = list(self._sockets.users())
        try:
            # Somebody who comes while this is asked was asked for at the door.
            active = await in_thread(people.active_among, asked)
        except Error as error:
            log.warning("realtime_check_without_database", error=type(error).__name__)
            return None
        return {*active, *(set(self._sockets.users()) - set(asked))}

    async def _tell(self) -> None:
        came, went = self._sockets.take_changes()
        if came or went:
            await in_thread(presence.changed, self.process, came=came, went=went, now=clock.now())
