"""Webhooks accepted over HTTP, against an empty view on the same server with the same client and bodies."""

import hmac
import json
import shutil
import time
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from benchmarks.lua import HEADED_BODIES
from benchmarks.serving import SECONDS, load, serving
from benchmarks.world import WEBHOOK_SECRET, Row, World, middle

_ROUNDS = 3
_EVENTS = 60_000
_PATH = "/api/v1/webhooks/stripe/offers"


def measure(world: World) -> list[Row]:
    """Return requests a second; without ``wrk`` there is no client that is faster than the server, and no figure."""
    if shutil.which("wrk") is None:
        print("webhook: left out, wrk is not installed (Debian: apt-get install wrk)")
        return []
    ours, peer = [], []
    with serving(world, OUTBOX_WAKE="true") as port:
        for _ in range(_ROUNDS):
            ours.append(_load(world, port, _PATH))
            peer.append(_load(world, port, "/bench/empty"))
    _check(world, sum(ours) * SECONDS)
    return [Row("webhook, 8 connections", middle(ours), "empty view", middle(peer), 0.25)]


def _check(world: World, answered: float) -> None:
    """Every request that was counted must have left its row."""
    with world.postgres.connect("marquee") as database:
        (stored,) = database.execute("SELECT count(*) FROM common_inboxevent").fetchone() or (0,)
    if int(str(stored)) < answered * 0.99:
        raise RuntimeError(f"{answered:.0f} webhooks were answered 200, {stored} are stored")


def _events(path: Path) -> None:
    now = int(time.time())
    with path.open("w") as file:
        for number in range(_EVENTS):
            event = {
                "id": f"evt_{uuid4().hex}", "object": "event", "type": "checkout.session.completed",
                "api_version": "2026-10-28.endive", "livemode": False, "created": now,
                "data": {"object": {"id": f"cs_test_{number}", "object": "checkout.session", "metadata": {}}},
            }  # fmt: skip
            body = json.dumps(event)
            signature = hmac.new(WEBHOOK_SECRET.encode(), f"{now}.{body}".encode(), sha256).hexdigest()
            file.write(f"t={now},v1={signature} {body}\n")


def _load(world: World, port: int, path: str) -> float:
    events = world.folder / "events.txt"
    _events(events)
    return load(world, port, path, HEADED_BODIES, str(events), "0", "Stripe-Signature")
