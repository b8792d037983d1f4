import asyncio
import json
import urllib.error
import urllib.request
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import socketio
from pytest_django.fixtures import Settings
from socketio.exceptions import ConnectionError as SocketRefused

from accounts.models import User
from accounts.services import tokens
from common import clock
from common.facts import PurchaseUpdated
from common.models import Job
from common.outbox import publish
from common.outbox.testing import run_due
from config.local_stack.valkey import EmbeddedValkey
from notifications.models import RealtimeEvent
from notifications.realtime import constants, emitter
from notifications.realtime.streams import RELAY_JOB
from notifications.realtime.threads import in_thread
from notifications.tests.realtime import SECONDS, RealtimeProcess, connected, start_node, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user() -> User:
    """Give somebody who can sign in."""
    return User.objects.create_user("ada@example.com")


async def refusal(url: str, **options: Any) -> Any:
    """Return what a refused client is told."""
    client = socketio.AsyncClient(reconnection=False)
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    client.on("connect_error", lambda data: told.done() or told.set_result(data))
    try:
        with pytest.raises(SocketRefused):
            await client.connect(url, transports=["websocket"], wait_timeout=SECONDS, **options)
        return await asyncio.wait_for(told, SECONDS)
    finally:
        await client.disconnect()


def announce(user_id: UUID, order_id: UUID, status: str = "COMPLETED") -> None:
    publish(PurchaseUpdated(order_id, user_id, status), now=clock.now())


def test_a_buyer_hears_of_their_order_on_any_process(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01, RT-02, RT-04: connecting joins user:{id}; the fact reaches every process, and nobody else."""
    stranger, order_id = User.objects.create_user("eve@example.com"), uuid4()

    async def listen() -> tuple[list[Any], list[Any]]:
        mine = [await connected(server, token_of(user)) for server in servers]
        other = await connected(servers[0], token_of(stranger))
        await in_thread(announce, user.id, order_id)
        # The fact's job, and the relay that its commit asked for.
        assert await in_thread(run_due) == 2
        heard = [await client.receive(timeout=SECONDS) for client in mine]
        # What comes next on the same line is theirs: nothing of the first event came before it.
        await in_thread(announce, stranger.id, UUID(int=7))
        await in_thread(run_due)
        others = await other.receive(timeout=SECONDS)
        for client in [*mine, other]:
            await client.disconnect()
        return heard, others

    heard, others = asyncio.run(listen())
    event = RealtimeEvent.objects.get(stream=f"user:{user.id}")
    data = {
        "event_id": str(event.event_id),
        "stream": f"user:{user.id}",
        "seq": 1,
        "order_id": str(order_id),
        "status": "COMPLETED",
    }
    assert heard == [["PURCHASE_UPDATE", data]] * 2
    assert others[1]["order_id"] == str(UUID(int=7))


def test_the_token_may_be_in_the_query(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01: auth.token or query.token."""

    async def ask() -> Any:
        client = socketio.AsyncSimpleClient()
        await client.connect(f"{servers[0].url}?token={token_of(user)}", transports=["websocket"])
        try:
            return await client.call("join_room", {"room": f"user:{user.id}"}, timeout=SECONDS)
        finally:
            await client.disconnect()

    assert asyncio.run(ask()) == {"ok": True, "seq": 0}


@pytest.mark.parametrize(
    "auth", [None, {}, {"token": ""}, {"token": 7}, {"token": "nonsense"}, "nonsense", ["x"]]
)
def test_without_a_valid_token_the_socket_is_refused_with_a_code(
    servers: list[RealtimeProcess], auth: Any
) -> None:
    """REQ RT-01, EV-02: connect_error carries {code}."""
    told = asyncio.run(refusal(servers[0].url, auth=auth))
    assert told["data"] == {"code": "unauthenticated"}


def test_expired_and_inactive_are_refused(servers: list[RealtimeProcess], user: User) -> None:
    """REQ EV-02: an old token, or one of somebody who may not sign in any more, opens nothing."""
    old = tokens.access_token(user, now=clock.now() - timedelta(days=1))
    assert asyncio.run(refusal(servers[0].url, auth={"token": old}))["data"] == {"code": "unauthenticated"}
    current = token_of(user)
    User.objects.update(is_active=False)
    assert asyncio.run(refusal(servers[0].url, auth={"token": current}))["data"] == {
        "code": "unauthenticated"
    }


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("join_room", {"room": f"user:{UUID(int=1)}"}, "not_found"),
        ("join_room", {"room": f"event:{UUID(int=1)}"}, "not_found"),
        ("join_room", {"room": "everybody"}, "not_found"),
        ("join_room", {"room": "user:" + "x" * 5000}, "not_found"),
        ("join_room", {"room": ""}, "invalid"),
        ("join_room", {"room": 7}, "invalid"),
        ("join_room", "everybody", "invalid"),
        ("join_room", None, "invalid"),
        ("leave_room", {}, "invalid"),
    ],
)
def test_refused_rooms_are_acknowledged_with_a_code(
    servers: list[RealtimeProcess], user: User, event: str, data: Any, code: str
) -> None:
    """REQ RT-01: rooms are authorised one by one; what is not one's own is not there."""

    async def ask() -> tuple[Any, Any]:
        client = await connected(servers[0], token_of(user))
        answer = await client.call(event, data, timeout=SECONDS)
        emitter.emit("SECRET", {"n": 1}, room=f"user:{UUID(int=1)}")
        emitter.emit("OWN", {"n": 2}, room=f"user:{user.id}")
        heard = await client.receive(timeout=SECONDS)
        await client.disconnect()
        return answer, heard

    answer, heard = asyncio.run(ask())
    assert (answer["ok"], answer["code"]) == (False, code)
    assert heard == ["OWN", {"n": 2}]


def test_the_own_room_cannot_be_left(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01: a connected socket is in its user's room."""

    async def ask() -> Any:
        client = await connected(servers[0], token_of(user))
        try:
            return await client.call("leave_room", {"room": f"user:{user.id}"}, timeout=SECONDS)
        finally:
            await client.disconnect()

    assert asyncio.run(ask())["code"] == "forbidden"


def test_a_message_that_is_too_large_ends_the_connection(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01: clients' messages are bounded."""

    async def shout() -> tuple[Any, str]:
        client, over = socketio.AsyncClient(reconnection=False), asyncio.get_running_loop().create_future()
        client.on("disconnect", over.set_result)
        await client.connect(servers[0].url, auth={"token": token_of(user)}, transports=["websocket"])
        # The largest that is read: 16 KB with its frame round it.
        answer = await client.call("join_room", {"room": "x" * 16_000}, timeout=SECONDS)
        await client.emit("join_room", {"room": "x" * 17_000}, callback=answers.append)
        reason = await asyncio.wait_for(over, SECONDS)
        await client.disconnect()
        return answer, reason

    answers: list[Any] = []
    answer, reason = asyncio.run(shout())
    assert answer == {"ok": False, "code": "not_found", "message": "There is no such room."}
    assert (reason, answers) == ("transport error", [])
    assert servers[0].health()["status"] == "ok"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://front.test", True),
        (None, True),
        ("https://evil.test", False),
        ("http://front.test", False),
        ("https://front.test.evil.test", False),
        ("null", False),
        ("http://[", False),
    ],
)
def test_only_known_pages_connect(servers: list[RealtimeProcess], origin: str | None, allowed: bool) -> None:
    """REQ OP-05: origins are an exact list (FRONTEND_URL and CORS_ALLOWED_ORIGINS)."""
    request = urllib.request.Request(f"{servers[0].url}/socket.io/?EIO=4&transport=polling")  # noqa: S310
    if origin:
        request.add_header("Origin", origin)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            status, cors = answer.status, answer.headers["Access-Control-Allow-Origin"]
    except urllib.error.HTTPError as error:
        status, cors = error.code, error.headers["Access-Control-Allow-Origin"]
        error.close()
    assert status == (200 if allowed else 400)
    assert cors == (origin if allowed else None)


def test_other_addresses_are_not_found(servers: list[RealtimeProcess]) -> None:
    """REQ OP-02: this port has /healthz and Socket.IO, no more."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{servers[0].url}/admin/", timeout=SECONDS)  # noqa: S310
    assert (refused.value.code, json.loads(refused.value.read())["code"]) == (404, "not_found")
    refused.value.close()


def test_redis_may_go_and_come_back(
    servers: list[RealtimeProcess], user: User, valkey: EmbeddedValkey
) -> None:
    """REQ RT-04: without Redis sockets stay, connect and join; with it back they hear again."""

    async def live() -> Any:
        early = await connected(servers[0], token_of(user))
        valkey.stop()
        await in_thread(servers[0].wait_for, "degraded")
        late = await connected(servers[0], token_of(user))
        answer = await late.call("join_room", {"room": f"user:{user.id}"}, timeout=SECONDS)
        assert answer["ok"]
        with pytest.raises(emitter.NotEmitted):
            emitter.emit("LOST", {}, room=f"user:{user.id}")
        order_id = uuid4()
        await in_thread(announce, user.id, order_id)
        await in_thread(run_due)
        job = await in_thread(Job.objects.get, kind=RELAY_JOB)
        assert (job.status, job.attempts) == ("pending", 0)
        valkey.start()
        await in_thread(servers[0].wait_for, "connected")
        assert await in_thread(run_due, job.run_at) == 1
        heard = [await client.receive(timeout=SECONDS) for client in (early, late)]
        for client in (early, late):
            await client.disconnect()
        return [event[1]["order_id"] for event in heard], str(order_id)

    heard, order_id = asyncio.run(live())
    assert heard == [order_id] * 2
    for server in servers:
        server.wait_for("connected")


@pytest.mark.parametrize(
    "data", [{"id": uuid4()}, {"price": Decimal(1)}, {"at": clock.now()}, {"n": float("nan")}]
)
def test_only_json_is_emitted(data: dict[str, Any]) -> None:
    """REQ RT-02: payloads are JSON primitives; anything else is an error here, not silence there."""
    with pytest.raises((TypeError, ValueError)):
        emitter.emit("X", data, room="user:1")


def test_a_room_is_always_named(settings: Settings) -> None:
    """REQ RT-02: nothing is ever told to everybody by accident; without Redis the caller is told."""
    with pytest.raises(ValueError, match="room"):
        emitter.emit("X", {}, room="")
    settings.REDIS_URL = ""
    with pytest.raises(emitter.NotEmitted):
        emitter.emit("X", {}, room="user:1")


# What clients rely on (CONTRACT, REQUIREMENTS RT-02, RT-03), and what the house tells besides.
NAMES = {
    "join_room", "leave_room", "monetization.waitlist.join", "WAITLIST_POSITION_UPDATE", "WAITLIST_OFFER",
    "WAITLIST_OFFER_EXPIRED", "WAITLIST_ACCEPTED", "WAITLIST_REMOVED", "WAITLIST_CHANGED", "PURCHASE_UPDATE",
    "OFFER_AVAILABILITY", "AD_INJECTED", "DASHBOARD_CHANGED", "SPONSOR_LEAD", "ROOM_LEFT",
    "monetization.waitlist.spot_available", "monetization.ad.injected",
}  # fmt: skip


def test_names_are_told_once() -> None:
    """REQ RT-02: every event has its own name in the one module of names."""
    names = [
        value for name, value in vars(constants).items() if name.isupper() and name not in ("PATH", "UUID")
    ]
    assert sorted(names) == sorted(NAMES)


@pytest.mark.node
def test_the_javascript_client_connects_joins_and_hears(servers: list[RealtimeProcess], user: User) -> None:
    """REQ RT-01, RT-02: the real socket.io-client speaks with us."""
    order_id = uuid4()
    room = f"user:{user.id}"
    with start_node("socket_client.mjs", servers[0].url, token_of(user), room) as client:
        assert client.stdout is not None
        assert json.loads(client.stdout.readline()) == {"kind": "ack", "data": {"ok": True, "seq": 0}}
        announce(user.id, order_id)
        run_due()
        heard = json.loads(client.stdout.readline())
    assert heard["kind"] == "PURCHASE_UPDATE"
    assert (heard["data"]["order_id"], heard["data"]["stream"]) == (str(order_id), room)


@pytest.mark.node
def test_the_javascript_client_is_told_why_not(servers: list[RealtimeProcess]) -> None:
    """REQ RT-01: connect_error with {code} in the real client."""
    with start_node("socket_client.mjs", servers[0].url, "", "user:x") as client:
        assert client.stdout is not None
        assert json.loads(client.stdout.readline()) == {
            "kind": "connect_error",
            "data": {"code": "unauthenticated"},
        }
