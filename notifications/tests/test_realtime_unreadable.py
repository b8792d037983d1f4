"""What is no packet: refused in silence, and told to the log once."""

import asyncio
from typing import Any

import aiohttp
import pytest

from accounts.tests.factories import make_user
from notifications.tests.realtime import SECONDS, RealtimeProcess, connected, token_of

pytestmark = pytest.mark.django_db(transaction=True)

# Socket.IO's: no such type, half a type, no list, the name of our own answer to all, binary that was not announced.
_PACKETS = [
    "4",
    "49",
    "4x",
    "42",
    '42{"0": 1}',
    '42["*", {}]',
    '42["*", {}, {}]',
    "45",
    "450-",
    "42[[]]",
    "43",
    "44x",
]
# Engine.io's: no such type, nothing, broken base64.
_FRAMES = ["x", "", "b!", "é"]


async def _say(session: aiohttp.ClientSession, server: RealtimeProcess, token: str, *texts: str) -> None:
    """Sign in over a bare websocket, and send what no library would."""
    url = f"{server.url}/socket.io/?EIO=4&transport=websocket"
    async with session.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=2)) as socket:
        await socket.receive(SECONDS)
        await socket.send_str(f'40{{"token": "{token}"}}')
        assert (await socket.receive(SECONDS)).data.startswith("40")
        for text in texts:
            if not socket.closed:
                await socket.send_str(text)
        await asyncio.sleep(0.05)


async def _post(session: aiohttp.ClientSession, server: RealtimeProcess, body: bytes) -> None:
    """Send a body by long polling."""
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    async with session.get(url) as opened:
        sid = (await opened.text()).split('"sid":"')[1].split('"')[0]
    async with session.post(f"{url}&sid={sid}", data=body) as answer:
        assert answer.status < 500


async def _all(server: RealtimeProcess, token: str) -> Any:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session:
        for text in [*_PACKETS, *_FRAMES]:
            await _say(session, server, token, text)
        await _say(session, server, token, *_PACKETS)
        for body in (b"x", b"\xff\xfe", b"4x\x1e9"):
            await _post(session, server, body)
    client = await connected(server, token)
    try:
        return await client.call("nonsense", {}, timeout=SECONDS)
    finally:
        await client.disconnect()


def test_what_is_no_packet_leaves_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """REQ RT-01: no trace for strangers to fill the log with, and everybody else is served on."""
    token = token_of(make_user())
    server = RealtimeProcess()
    server.start()
    try:
        answer = asyncio.run(_all(server, token))
    finally:
        server.stop()
    assert answer["code"] == "unknown_event"
    written = capfd.readouterr().err
    assert "Traceback" not in written
    assert "never retrieved" not in written
    assert written.count("unreadable_packets") == 1
