"""The Socket.IO process: it knows who is there, who may listen where, and nothing of the business.

Path ``/socket.io``, protocol 5. Several processes share their rooms through Redis; without Redis (or while it is away)
sockets connect and join all the same and hear what this process is told.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import socketio
import structlog
from django.conf import settings
from socketio.exceptions import ConnectionRefusedError as Refused

from common import clock
from common.errors import Failure, Unauthenticated
from notifications.realtime import constants, events, origins, people, unreadable
from notifications.realtime.keeper import Keeper
from notifications.realtime.manager import PatientRedisManager
from notifications.realtime.pace import Pace
from notifications.realtime.plain import PlainHttp
from notifications.realtime.sockets import Socket, Sockets
from notifications.realtime.threads import in_thread

# Clients say which room they want, or join a waitlist: nothing of theirs is long.
LARGEST_MESSAGE_BYTES = 16 * 1024
# For what is still to be written to a socket that is ended.
_GOODBYE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class _Server(socketio.AsyncServer):  # type: ignore[misc]
    """Drops events that would call what is not the clients' to call, or have no name, and ends a connection that
    sends what is no packet.

    Sockets in ``ending`` are ended once their event was acknowledged.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ending: set[str] = set()

    async def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: Any) -> None:  # noqa: A002
        # "*" is the name under which the answer to all events is kept.
        is_event = isinstance(data, list) and data and isinstance(data[0], str)
        if is_event and data[0] != "*" and data[0] not in self.reserved_events:
            await super()._handle_event(eio_sid, namespace, id, data)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except unreadable.ERRORS as error:
            unreadable.complaints.note(error)
            close(eio_sid)

    async def _handle_event_internal(self, server: Any, sid: str, *event: Any) -> None:
        await super()._handle_event_internal(server, sid, *event)
        if sid in self.ending:
            self.ending.discard(sid)
            await end(sid)


def _manager() -> socketio.AsyncManager:
    if settings.REDIS_URL:
        return PatientRedisManager(settings.REDIS_URL, settings.REALTIME_CHANNEL)
    return socketio.AsyncManager()


sio = _Server(
    async_mode="asgi",
    client_manager=_manager(),
    cors_allowed_origins=origins.is_allowed,
    max_http_buffer_size=LARGEST_MESSAGE_BYTES,
    # Nobody hears anything before the connection was accepted.
    always_connect=False,
)
sockets = Sockets()
_goodbyes: set[asyncio.Task[None]] = set()


@sio.event  # type: ignore[untyped-decorator]
async def connect(sid: str, environ: Mapping[str, Any], auth: object = None) -> None:
    """Accept a socket with a valid token and put it into its user's room; refuse any other with ``{code}``."""
    try:
        user_id, ends_at = await in_thread(people.admit, _token(environ, auth), clock.now())
        pace = Pace(settings.REALTIME_EVENTS_PER_SECOND, now=asyncio.get_running_loop().time())
        sockets.add(sid, Socket(user_id, ends_at, pace))
        await sio.enter_room(sid, constants.user_room(user_id))
    except Failure as failure:
        raise Refused(failure.detail, {"code": failure.code}) from failure
    except Exception as error:
        # Anything else that left here would keep the socket in limbo: neither accepted nor refused.
        log.exception("socket_connect_failed")
        sockets.remove(sid)
        raise Refused("Please try again later", {"code": "unavailable"}) from error
    log.info("socket_connected", user_id=str(user_id))


@sio.event  # type: ignore[untyped-decorator]
async def disconnect(sid: str, reason: str) -> None:
    """Forget a socket that is gone."""
    sockets.remove(sid)


async def _event(name: str, sid: str, *given: Any) -> events.Ack:
    """Acknowledge every event that a client sends, whatever its name."""
    socket = sockets.get(sid)
    if socket is None:
        return events.refusal(Unauthenticated())
    answer = await events.answer(_Here(sid), socket, name, given[0] if len(given) == 1 else None)
    if answer.ends:
        sio.ending.add(sid)
        sockets.remove(sid)
    return answer.ack


sio.on("*", _event)


class _Here:
    """What an event may do with the socket that it came by."""

    def __init__(self, sid: str) -> None:
        self._sid = sid

    async def enter(self, room: str) -> None:
        await sio.enter_room(self._sid, room)

    async def leave(self, room: str) -> None:
        await sio.leave_room(self._sid, room)


async def end(sid: str) -> None:
    """End a socket: the client is told (``io server disconnect``), then its connection is closed."""
    connection = sio.manager.eio_sid_from_sid(sid, "/")
    sockets.remove(sid)
    if sio.manager.is_connected(sid, "/"):
        await sio.disconnect(sid)
    if connection is not None:
        close(connection)


async def leave(sid: str, room: str) -> None:
    """Take a socket out of a room that it may not hear any more, and tell it."""
    if sio.manager.is_connected(sid, "/"):
        await sio.leave_room(sid, room)
        await sio.emit(constants.ROOM_LEFT, {"room": room}, to=sid, ignore_queue=True)


def close(connection: str) -> None:
    """Close a connection, beside what goes on."""
    task = asyncio.create_task(_say_goodbye(connection))
    _goodbyes.add(task)
    task.add_done_callback(_goodbyes.discard)


async def _say_goodbye(connection: str) -> None:
    # Whoever does not read what is still to be written is not waited for.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(sio.eio.disconnect(connection), _GOODBYE_SECONDS)


def _is_alive(sid: str) -> bool:
    return sio.manager.eio_sid_from_sid(sid, "/") in sio.eio.sockets


def _token(environ: Mapping[str, Any], auth: object) -> str:
    """Return the token of ``auth.token``, else of ``query.token``."""
    given = auth.get("token") if isinstance(auth, Mapping) else None
    if given is None:
        given = next(iter(parse_qs(environ.get("QUERY_STRING", "")).get("token", [])), None)
    if not isinstance(given, str) or not given:
        raise Unauthenticated("Give a token in auth.token.")
    return given


def health() -> dict[str, str]:
    """Say that this process answers, and whether it hears the others (``degraded``: Redis is away)."""
    manager = sio.manager
    if not isinstance(manager, PatientRedisManager):
        return {"status": "ok", "redis": "not configured"}
    return {"status": "ok", "redis": "connected" if manager.is_subscribed else "degraded"}


keeper = Keeper(sockets, end=end, leave=leave, is_alive=_is_alive)


async def _start() -> None:
    """Subscribe before the first socket comes, so that it misses nothing."""
    if not sio.manager_initialized:
        sio.manager_initialized = True
        sio.manager.initialize()
    keeper.start()


async def _stop() -> None:
    await keeper.stop()


logging.getLogger("engineio.server").addFilter(unreadable.NoTraces())
application = unreadable.EndsUnreadable(
    socketio.ASGIApp(
        sio,
        other_asgi_app=PlainHttp(health),
        socketio_path=constants.PATH,
        on_startup=_start,
        on_shutdown=_stop,
    )
)
"""What uvicorn serves."""
