"""The Socket.IO process: it knows who is there, who may listen where, and nothing of the business.

Path ``/socket.io``, protocol 5. Several processes share their rooms through Redis; without Redis (or while it is away)
sockets connect and join all the same and hear what this process is told.
"""

import functools
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import socketio
import structlog
from django.conf import settings
from socketio.exceptions import ConnectionRefusedError as Refused

from accounts.models import User
from accounts.services import tokens
from common import clock
from common.errors import Conflict, Failure, Forbidden, Invalid, Unauthenticated
from notifications.realtime import constants, origins
from notifications.realtime.manager import PatientRedisManager
from notifications.realtime.rooms import rooms
from notifications.realtime.threads import in_thread

# Clients say which room they want, or join a waitlist: nothing of theirs is long.
LARGEST_MESSAGE_BYTES = 16 * 1024
MOST_ROOMS = 50

Ack = dict[str, Any]
Handler = Callable[[str, Any], Awaitable[Ack]]

log = structlog.get_logger(__name__)


class TooManyRooms(Conflict):
    """One socket listens to enough."""

    code = "too_many_rooms"
    title = f"A connection may be in {MOST_ROOMS} rooms at most"


def _manager() -> socketio.AsyncManager:
    if settings.REDIS_URL:
        return PatientRedisManager(settings.REDIS_URL, settings.REALTIME_CHANNEL)
    return socketio.AsyncManager()


sio = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=_manager(),
    cors_allowed_origins=origins.is_allowed,
    max_http_buffer_size=LARGEST_MESSAGE_BYTES,
    # Nobody hears anything before the connection was accepted.
    always_connect=False,
)


@sio.event  # type: ignore[untyped-decorator]
async def connect(sid: str, environ: Mapping[str, Any], auth: object = None) -> None:
    """Accept a socket with a valid token and put it into its user's room; refuse any other with ``{code}``."""
    try:
        user = await in_thread(tokens.authenticate, _token(environ, auth), now=clock.now())
        await sio.save_session(sid, {"user": user, "rooms": set()})
        await sio.enter_room(sid, constants.user_room(user.id))
    except Failure as failure:
        raise Refused(failure.detail, {"code": failure.code}) from failure
    except Exception as error:
        # Anything else that left here would keep the socket in limbo: neither accepted nor refused.
        log.exception("socket_connect_failed")
        raise Refused("Please try again later", {"code": "unavailable"}) from error
    log.info("socket_connected", user_id=str(user.id))


def answers(event: str) -> Callable[[Handler], Handler]:
    """Register the handler of a client's event: it always acknowledges, failures as ``{ok: false, code}``."""

    def register(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def answer(sid: str, *given: Any) -> Ack:
            try:
                return await handler(sid, given[0] if len(given) == 1 else None)
            except Failure as failure:
                return {"ok": False, "code": failure.code, "message": failure.detail}
            except Exception:
                log.exception("socket_event_failed", event_name=event)
                return {"ok": False, "code": "internal_error", "message": "Something went wrong on our side"}

        sio.on(event, answer)
        return answer

    return register


@answers(constants.JOIN_ROOM)
async def join_room(sid: str, data: object) -> Ack:
    """Join a room that the user may listen to; ``seq`` is where its stream stands (0: its events are not numbered)."""
    room = _room(data)
    session = await sio.get_session(sid)
    user: User = session["user"]
    await in_thread(rooms.authorise, room, user, now=clock.now())
    if room != constants.user_room(user.id):
        if room not in session["rooms"] and len(session["rooms"]) >= MOST_ROOMS:
            raise TooManyRooms
        session["rooms"].add(room)
    await sio.enter_room(sid, room)
    return {"ok": True, "seq": 0}


@answers(constants.LEAVE_ROOM)
async def leave_room(sid: str, data: object) -> Ack:
    """Leave a room; leaving where one is not is fine. The own room stays."""
    room = _room(data)
    session = await sio.get_session(sid)
    if room == constants.user_room(session["user"].id):
        raise Forbidden("The own room cannot be left.")
    session["rooms"].discard(room)
    await sio.leave_room(sid, room)
    return {"ok": True}


def _token(environ: Mapping[str, Any], auth: object) -> str:
    """Return the token of ``auth.token``, else of ``query.token``."""
    given = auth.get("token") if isinstance(auth, Mapping) else None
    if given is None:
        given = next(iter(parse_qs(environ.get("QUERY_STRING", "")).get("token", [])), None)
    if not isinstance(given, str) or not given:
        raise Unauthenticated("Give a token in auth.token.")
    return given


def _room(data: object) -> str:
    room = data.get("room") if isinstance(data, Mapping) else None
    if not isinstance(room, str) or not room:
        raise Invalid.field("room", "required", "Name the room.")
    return room


async def plain_http(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    """Answer what is not Socket.IO: ``/healthz``, and 404 for the rest."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})
        return
    healthy = scope["path"].rstrip("/") == "/healthz" and scope["method"] in ("GET", "HEAD")
    body = json.dumps(
        health() if healthy else {"title": "Not found", "status": 404, "code": "not_found"}
    ).encode()
    kind = b"application/json" if healthy else b"application/problem+json"
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200 if healthy else 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def health() -> dict[str, str]:
    """Say that this process answers, and whether it hears the others (``degraded``: Redis is away)."""
    manager = sio.manager
    if not isinstance(manager, PatientRedisManager):
        return {"status": "ok", "redis": "not configured"}
    return {"status": "ok", "redis": "connected" if manager.is_subscribed else "degraded"}


async def _start() -> None:
    """Subscribe before the first socket comes, so that it misses nothing."""
    if not sio.manager_initialized:
        sio.manager_initialized = True
        sio.manager.initialize()


application = socketio.ASGIApp(
    sio, other_asgi_app=plain_http, socketio_path=constants.PATH, on_startup=_start
)
