"""Packets that are packets, and wrong: before a sign-in, at it, after it, and addresses that no client asks for."""

import asyncio

import aiohttp
import pytest

from notifications.tests.realtime import RealtimeProcess, say, written_on

pytestmark = pytest.mark.django_db(transaction=True)

_DEEP = "[" * 3000 + "]" * 3000
# Instead of a sign-in: no object, no token, a token of another kind, elsewhere, events before it.
_SIGN_INS = [
    "40",
    "40{",
    "40[]",
    '40"token"',
    "40null",
    '40{"token": 5}',
    '40{"token": ["a"]}',
    '40{"token": "\\ud800"}',
    '40{"token": "' + "x" * 9000 + '"}',
    "40" + _DEEP,
    '40/admin,{"token": "x"}',
    '42["join_room", {}]',
    "41",
    '451-["join_room", {"_placeholder": true, "num": 0}]',
]
# After it: again, elsewhere, odd numbers of acks, odd arguments, attachments that are wrong, missing or not announced.
_PACKETS: list[str | bytes] = [
    '40{"token": "x"}',
    '40/admin,{"token": "x"}',
    '42/admin,["join_room", {}]',
    "429" + "9" * 400 + '["join_room", {}]',
    '427["join_room"]',
    '427["join_room", ' + _DEEP + "]",
    '427["join_room", {"room": ' + _DEEP + "}]",
    '427["join_room", {"room": "event:\\ud800"}]',
    '427["join_room", {"room": "event:\\u0000", "after": 1e999}]',
    '427["join_room", {"room": NaN}]',
    '427["join_room", {"room": "user:x", "after": ' + "9" * 5000 + "}]",
    '427["monetization.waitlist.join", {"session_id": {}, "idempotency_key": []}]',
    '427["connect", {}]',
    '427["disconnect", "x"]',
    "427[5, {}]",
    "42[null]",
    '43999["nobody asked"]',
    '451-7["join_room", {"_placeholder": true, "num": 9}]',
    b"attachment",
    '451-7["join_room", {"_placeholder": true, "num": -1}]',
    b"",
    '4599999999999-["join_room"]',
    '452-["join_room", {"_placeholder": true, "num": 0}]',
    '42["join_room", {}]',
    b"not announced",
]
_ADDRESSES = [
    ("GET", "?EIO=3&transport=polling"),
    ("GET", "?EIO=4&transport=carrier-pigeon"),
    ("GET", "?EIO=4&transport=polling&sid=nobody"),
    ("POST", "?EIO=4&transport=polling&sid=%00%ff"),
    ("POST", "?EIO=4&transport=polling"),
    ("PUT", "?EIO=4&transport=polling"),
    ("GET", "?EIO=4&transport=websocket"),
    ("GET", "?EIO=4&transport=polling&j=x"),
    ("GET", "?" + "x" * 6000),
]


async def _bother(session: aiohttp.ClientSession, server: RealtimeProcess, token: str) -> None:
    for method, query in _ADDRESSES:
        async with session.request(method, f"{server.url}/socket.io/{query}") as answer:
            assert answer.status < 500, (method, query, answer.status)
    await asyncio.gather(*(say(session, server, text) for text in _SIGN_INS))
    await asyncio.gather(*(say(session, server, one, token=token) for one in _PACKETS))
    await say(session, server, *_PACKETS, token=token)


def test_what_is_wrong_breaks_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """REQ RT-01: refused or ignored without a trace of a defect, and everybody else is served on."""
    written = written_on(_bother, capfd)
    for defect in ("Traceback", "never retrieved", "socket_event_failed", "socket_connect_failed"):
        assert defect not in written, written[-3000:]
