"""What clients send: joining and leaving rooms, and the commands of other rooms. Each is acknowledged.

``{ok: true, ...}``, or ``{ok: false, code, message}`` with ``errors`` (as on REST) and ``retry_after`` where there are.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import structlog

from common import clock
from common.errors import Conflict, Failure, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated
from common.requests import tracing
from notifications.realtime import commands, constants, history, people
from notifications.realtime.pace import Verdict
from notifications.realtime.rooms import rooms
from notifications.realtime.sockets import Socket
from notifications.realtime.threads import in_thread

MOST_ROOMS = 50
# What says that somebody may not be there; anything else says nothing of it.
_REFUSALS = (NotFound, Forbidden, Unauthenticated)

Ack = dict[str, Any]

log = structlog.get_logger(__name__)


class TooManyRooms(Conflict):
    """One socket listens to enough."""

    code = "too_many_rooms"
    title = f"A connection may be in {MOST_ROOMS} rooms at most"


class Here(Protocol):
    """The connection that an event came by."""

    async def enter(self, room: str) -> None:
        """Listen to a room."""

    async def leave(self, room: str) -> None:
        """Listen to it no longer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is acknowledged, and whether the connection is ended after it."""

    ack: Ack
    ends: bool = False


async def answer(here: Here, socket: Socket, event: str, data: object) -> Answer:
    """Answer one event of a client, failures too. Raises nothing.

    Under an id of its own, which its line in the log has and the jobs that it begins.
    """
    started = time.perf_counter()
    with tracing("", user_id=socket.user_id):
        answered = await _answered(here, socket, event, data)
        took = round((time.perf_counter() - started) * 1000, 1)
        code = "ok" if answered.ack["ok"] else answered.ack["code"]
        log.info("socket_event", event_name=event[:80], code=code, duration_ms=took)
    return answered


async def _answered(here: Here, socket: Socket, event: str, data: object) -> Answer:
    try:
        verdict = socket.pace.take(asyncio.get_running_loop().time())
        if verdict is not Verdict.FINE:
            return Answer(refusal(RateLimited(retry_after=1)), ends=verdict is Verdict.FLOOD)
        if socket.ends_at <= clock.now():
            return Answer(refusal(Unauthenticated("The token has expired.")), ends=True)
        handler = _HANDLERS.get(event)
        if handler is not None:
            return Answer(await handler(here, socket, data))
        return Answer({"ok": True, **await in_thread(_command, event, socket.user_id, data)})
    except Failure as failure:
        return Answer(refusal(failure), ends=isinstance(failure, Unauthenticated))
    except Exception:
        log.exception("socket_event_failed", event_name=event[:80])
        return Answer({"ok": False, "code": "internal_error", "message": "Something went wrong on our side"})


def refusal(failure: Failure) -> Ack:
    """Return a failure as it is acknowledged."""
    ack: Ack = {"ok": False, "code": failure.code, "message": failure.detail}
    if failure.errors:
        ack["errors"] = [
            {"field": error.field, "code": error.code, "message": error.message} for error in failure.errors
        ]
    if failure.retry_after is not None:
        ack["retry_after"] = failure.retry_after
    return ack


async def join_room(here: Here, socket: Socket, data: object) -> Ack:
    """Join a room; ``seq`` is its stream's newest number, read after joining, so that what follows it is heard.

    ``missed`` (when ``after`` was given): other numbers than the client's have been, to be read at
    ``realtime/missed``. Whoever is refused is not in the room after it, also where they were in it before.
    """
    room, after = _room(data), _after(data)
    is_own = room == constants.user_room(socket.user_id)
    is_new = not is_own and room not in socket.rooms
    if is_new and len(socket.rooms) >= MOST_ROOMS:
        raise TooManyRooms
    if is_new:
        # Before anything is waited for: the next event counts it. Nobody is taken out of where they are not yet.
        socket.rooms[room] = math.inf
    try:
        await in_thread(_authorise, room, socket.user_id)
        if not is_own:
            socket.rooms[room] = _now()
        await here.enter(room)
        seq = await in_thread(history.newest, room)
    except BaseException as error:
        if is_new or (isinstance(error, _REFUSALS) and not is_own):
            await _leave(here, socket, room)
        raise
    return {"ok": True, "seq": seq} | ({} if after is None else {"missed": after != seq})


async def leave_room(here: Here, socket: Socket, data: object) -> Ack:
    """Leave a room; leaving where one is not is fine. The own room stays."""
    room = _room(data)
    if room == constants.user_room(socket.user_id):
        raise Forbidden("The own room cannot be left.")
    await _leave(here, socket, room)
    return {"ok": True}


_HANDLERS: dict[str, Callable[[Here, Socket, object], Awaitable[Ack]]] = {
    constants.JOIN_ROOM: join_room,
    constants.LEAVE_ROOM: leave_room,
}


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _leave(here: Here, socket: Socket, room: str) -> None:
    socket.rooms.pop(room, None)
    await here.leave(room)


def _authorise(room: str, user_id: UUID) -> None:
    rooms.authorise(room, people.current(user_id), now=clock.now())


def _command(event: str, user_id: UUID, data: object) -> Mapping[str, Any]:
    run = commands.find(event)
    said = dict(run(people.current(user_id), commands.checked(data), clock.now()))
    json.dumps(said, allow_nan=False)  # what cannot be sent is found here, where it is logged and answered
    return said


def _room(data: object) -> str:
    room = data.get("room") if isinstance(data, Mapping) else None
    if not isinstance(room, str) or not room:
        raise Invalid.field("room", "required", "Name the room.")
    return room


def _after(data: object) -> int | None:
    after = data.get("after") if isinstance(data, Mapping) else None
    if after is not None and (isinstance(after, bool) or not isinstance(after, int) or after < 0):
        raise Invalid.field("after", "not_a_number", "Give the number of the last event that you know.")
    return after
