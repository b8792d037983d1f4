"""Joining over the socket with the JavaScript client that front ends use."""

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from common import clock
from notifications.tests.realtime import ROOT, RealtimeProcess, token_of
from waitlist.models import Entry
from waitlist.tests.doors import RestDoor
from waitlist.tests.factories import make_full_session, make_guest

pytestmark = [pytest.mark.node, pytest.mark.django_db(transaction=True)]

_CLIENT = Path(__file__).with_name("join_client.mjs")


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[RealtimeProcess]:
    """Give a real-time process of this module's own."""
    process = RealtimeProcess()
    process.start()
    yield process
    process.stop()


def ask(server: RealtimeProcess, user: User, *wishes: dict[str, Any]) -> list[dict[str, Any]]:
    """Have a JavaScript client send these joins, and return what it was answered."""
    if not (ROOT / "node_modules" / "socket.io-client").exists():
        pytest.skip("socket.io-client is not installed: npm ci")
    done = subprocess.run(
        ["node", str(_CLIENT), server.url, token_of(user), *map(json.dumps, wishes)],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_front_end_joins_once(server: RealtimeProcess) -> None:
    """REQ RT-03: the place as REST tells it; the same key, the same place; refusals with REST's codes."""
    start = clock.now() + timedelta(days=1)
    session = make_full_session(starts_at=start, ends_at=start + timedelta(hours=1))
    guest = make_guest(session.event)
    wish = {"session_id": str(session.pk), "idempotency_key": "key-of-a-click"}
    first, again, without, unknown, elsewhere = ask(
        server,
        guest,
        wish,
        wish,
        {"session_id": str(session.pk)},
        {**wish, "position": 1},
        {"session_id": str(uuid4())},
    )
    assert first == again == {"ok": True, **RestDoor(guest).place(session.pk).data}
    assert (without["ok"], without["code"]) == (False, "already_waiting")
    assert [(one["field"], one["code"]) for one in unknown["errors"]] == [("position", "unknown_field")]
    assert (elsewhere["ok"], elsewhere["code"]) == (False, "not_found")
    assert Entry.objects.count() == 1
