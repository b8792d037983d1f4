"""What is no packet: refused in silence, and told to the log once."""

import aiohttp
import pytest

from notifications.tests.realtime import RealtimeProcess, say, written_on

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


async def _post(session: aiohttp.ClientSession, server: RealtimeProcess, body: bytes) -> None:
    """Send a body by long polling."""
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    async with session.get(url) as opened:
        sid = (await opened.text()).split('"sid":"')[1].split('"')[0]
    async with session.post(f"{url}&sid={sid}", data=body) as answer:
        assert answer.status < 500


async def _bother(session: aiohttp.ClientSession, server: RealtimeProcess, token: str) -> None:
    for text in [*_PACKETS, *_FRAMES]:
        await say(session, server, text, token=token)
    await say(session, server, *_PACKETS, token=token)
    for body in (b"x", b"\xff\xfe", b"4x\x1e9"):
        await _post(session, server, body)


def test_what_is_no_packet_leaves_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """REQ RT-01: no trace for strangers to fill the log with, and everybody else is served on."""
    written = written_on(_bother, capfd)
    assert "Traceback" not in written
    assert "never retrieved" not in written
    assert written.count("unreadable_packets") == 1
