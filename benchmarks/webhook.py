"""Webhooks accepted over HTTP, against an empty view on the same server with the same client and bodies."""

import hmac
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from benchmarks.world import WEBHOOK_SECRET, Row, World, middle
from config.local_stack import ports
from config.local_stack.environment import ROOT

_CONNECTIONS = 8
_SECONDS = 5
_ROUNDS = 3
_EVENTS = 60_000
_PATH = "/api/v1/webhooks/stripe/offers"

# Each request of the run takes the next prepared event, so that every one is new.
_LUA = """
local bodies, signatures, at = {}, {}, 0
function init(args)
  for line in io.lines(args[1]) do
    local signature, body = line:match("^(%S+) (.*)$")
    signatures[#signatures + 1], bodies[#bodies + 1] = signature, body
  end
  at = tonumber(args[2])
end
function request()
  at = at % #bodies + 1
  local headers = {["Content-Type"] = "application/json", ["Stripe-Signature"] = signatures[at]}
  return wrk.format("POST", nil, headers, bodies[at])
end
"""


def measure(world: World) -> list[Row]:
    """Return requests a second; without ``wrk`` there is no client that is faster than the server, and no figure."""
    if shutil.which("wrk") is None:
        print("webhook: left out, wrk is not installed (Debian: apt-get install wrk)")
        return []
    port = ports.free_port()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
            "--workers", "2", "--blocking-threads", "4", "--log-level", "error", "config.wsgi:application",
        ],
        cwd=ROOT, env={**world.environment, "OUTBOX_WAKE": "true"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        ours, peer = [], []
        for number in range(_ROUNDS):
            ours.append(_load(world, port, _PATH, number))
            peer.append(_load(world, port, "/bench/empty", number))
    finally:
        server.terminate()
        server.wait(30)
    _check(world, sum(ours) * _SECONDS)
    return [
        Row("webhook accepted and durable, 8 connections", middle(ours), "empty view", middle(peer), 0.25)
    ]


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


def _load(world: World, port: int, path: str, number: int) -> float:
    script, events = world.folder / "webhook.lua", world.folder / "events.txt"
    script.write_text(_LUA)
    _events(events)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}{path}",
         "--", str(events), "0"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"{path}: {done.stdout}")
    found = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout)
    return float(found[1])


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")
