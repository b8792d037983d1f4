"""Real-time processes as they are deployed: uvicorn, one process each, sharing Redis."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import aiohttp
import pytest
import socketio

from accounts.models import User
from accounts.services import tokens
from accounts.tests.factories import make_user
from common import clock
from common.outbox.testing import run_due
from config.local_stack.testing import patience
from notifications.models import RealtimeEvent
from notifications.realtime import relay, streams
from notifications.realtime.streams import announce
from notifications.realtime.threads import in_thread
from notifications.tests.factories import NOON
from notifications.tests.smtp import free_port

ROOT = Path(__file__).resolve().parents[2]
SECONDS = patience.SECONDS

# What the real-time processes were told since it was asked last: room, event and data, in order.
Heard = Callable[[], list[tuple[str, str, dict[str, Any]]]]


class RealtimeProcess:
    """One uvicorn with the product's ASGI application; ``environment`` has the settings that differ."""

    def __init__(self, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, log: IO[bytes] | None = None) -> None:
        """Start it, writing its log to a file where one is given; returns when it subscribed to Redis."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "notifications.tests.asgi:application", "--host", "127.0.0.1",
             "--port", str(self.port), "--log-level", "warning", "--timeout-graceful-shutdown", "1"],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            stderr=log,
        )  # fmt: skip
        self.wait_for("connected")

    def wait_for(self, redis: str) -> None:
        """Return when ``/healthz`` says so of Redis."""
        deadline = time.monotonic() + patience.SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, "the process ended"
            try:
                if self.health()["redis"] == redis:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"/healthz never said that Redis is {redis}")

    def health(self) -> dict[str, Any]:
        """Return what ``/healthz`` says."""
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 our own address
            assert answer.status == 200
            health: dict[str, Any] = json.loads(answer.read())
            return health

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(20)

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)


def token_of(user: User) -> str:
    """Return an access token of now."""
    return tokens.access_token(user, now=clock.now())


async def connected(server: RealtimeProcess, token: str, **options: Any) -> socketio.AsyncSimpleClient:
    """Return a client with an accepted connection."""
    client = socketio.AsyncSimpleClient()
    await client.connect(server.url, auth={"token": token}, transports=["websocket"], **options)
    return client


async def say(
    session: aiohttp.ClientSession, server: RealtimeProcess, *said: str | bytes, token: str = ""
) -> None:
    """Open a bare websocket, sign in where a token is given, and send what no library would."""
    url = f"{server.url}/socket.io/?EIO=4&transport=websocket"
    async with session.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=2)) as socket:
        await socket.receive(SECONDS)
        if token:
            await socket.send_str(f'40{{"token": "{token}"}}')
            assert (await socket.receive(SECONDS)).data.startswith("40")
        for one in said:
            if socket.closed:
                return
            await (socket.send_str(one) if isinstance(one, str) else socket.send_bytes(one))
        await asyncio.sleep(0.05)


def written_on(
    bother: Callable[[aiohttp.ClientSession, RealtimeProcess, str], Awaitable[None]],
    capfd: pytest.CaptureFixture[str],
) -> str:
    """Bother a process with what is wrong, see that it serves everybody on, and return what it wrote to its log."""
    token, server = token_of(make_user()), RealtimeProcess()

    async def all_of_it() -> Any:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session:
            await bother(session, server, token)
        client = await connected(server, token)
        try:
            return await client.call("nonsense", {}, timeout=SECONDS)
        finally:
            await client.disconnect()

    server.start()
    try:
        answer = asyncio.run(all_of_it())
    finally:
        server.stop()
    assert answer["code"] == "unknown_event"
    return capfd.readouterr().err


async def eventually(look: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Return when it is so; fail when it never is."""
    deadline = time.monotonic() + seconds
    while not await in_thread(look):
        assert time.monotonic() < deadline, "it never came to be"
        await asyncio.sleep(0.02)


def start_node(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a script of this folder; without the packages it needs the test is skipped."""
    if not (ROOT / "node_modules" / "socket.io-client").exists():
        pytest.skip("socket.io-client is not installed: npm ci")
    path = Path(__file__).with_name(script)
    return subprocess.Popen(
        ["node", str(path), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def tell(room: str, *numbers: int) -> None:
    """Announce, and have it relayed."""
    for number in numbers:
        announce(room, "TOLD", {"n": number}, now=clock.now())
    run_due()


async def ended(client: socketio.AsyncClient, token: str, url: str) -> asyncio.Future[str]:
    """Connect a client and return what will be the reason of its end."""
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    client.on("disconnect", lambda reason: over.done() or over.set_result(reason))
    await client.connect(url, auth={"token": token}, transports=["websocket"], wait_timeout=SECONDS)
    return over


def relay_all(now: datetime = NOON) -> None:
    """Number and push what waits."""
    for shard in range(streams.SHARDS):
        relay.relay(shard, now=now)


def numbers(stream: str) -> list[int | None]:
    """Return the numbers of a stream's events, in the order of writing."""
    return list(RealtimeEvent.objects.filter(stream=stream).order_by("id").values_list("seq", flat=True))
