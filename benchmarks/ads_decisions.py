"""Ads served over HTTP among 100 candidates, against an empty view behind the same server with the same client; how
that grows from 10 ads to 1,000; and how long one takes where the machine is not asked for all that it has."""

import json
import re
import shutil
import subprocess
from typing import Any, NamedTuple

from benchmarks import cost
from benchmarks.serving import SECONDS, serving
from benchmarks.world import Row, World, middle, run

CONNECTIONS = 16
_SIZES = (10, 100, 1_000)
_ROUNDS = 3
_WARM_SECONDS = 3
_GOAL = 0.35
# Under 2 times the time of a decision.
_GOAL_GROWTH = 0.5

_PREPARE = f"""
import django; django.setup()
import json
from datetime import timedelta
from accounts.models import Organization
from ads.models import Ad, AdIndexVersion, AdPlacement, AdSpend
from common import clock
from events.models import Event
now = clock.now()
organization = Organization.objects.create(slug="bench-ads", name="Bench")
made = {{}}
for size in {_SIZES}:
    event = Event.objects.create(organization=organization, slug=f"bench-ads-{{size}}", title="Bench",
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=2))
    ads = Ad.objects.bulk_create([Ad(event=event, name=f"Ad {{n}}", content_type="BANNER",
        media_url=f"https://media.test/{{n}}.png", click_url=f"https://shop.test/{{n}}",
        placements=[AdPlacement.EVENT_HERO], weight=1 + n % 7, currency="USD", price_model="CPM" if n % 2 else "FLAT",
        price_amount=500, budget_total_amount=99_999_999 if n % 2 else None, pacing="ASAP", created_at=now,
        updated_at=now) for n in range(size)])
    AdSpend.objects.bulk_create([AdSpend(ad=ad, limit_micros=None) for ad in ads])
    AdIndexVersion.objects.create(event=event, version=1)
    made[size] = str(event.pk)
print(json.dumps(made))
"""

# Each request is somebody else's, so that caps turn none away; ads that came back empty are counted.
_LUA = """
local number, path = 0, ""
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  path, number, empty = wrk.path, math.floor(tonumber(args[1])), 0
  -- A program that says so has nothing reserved, which would be less than the work that is measured.
  wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
end
function request()
  number = number + 1
  return wrk.format("GET", path .. number)
end
function response(status, headers, body)
  if body:find('"ads": []', 1, true) or body:find('"degraded": true', 1, true) then empty = empty + 1 end
end
function done(summary, latency)
  local unfilled = 0
  for _, thread in ipairs(threads) do unfilled = unfilled + thread:get("empty") end
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(99), unfilled))
end
"""
# Sixteen pages that each ask and then wait: about 100 requests a second, so that what is measured is an answer and not
# the queue before it.
_PACED = """
function delay() return math.random(80, 240) end
"""
_PACED_SECONDS = 10


class _Load(NamedTuple):
    """What a run came to: answers a second, the 99th percentile in milliseconds, the part of answers with an ad."""

    rate: float
    p99: float
    filled: float


def measure(world: World) -> list[Row]:
    """Return decisions a second; without ``wrk`` there is no client that is faster than the server, and no figure."""
    if shutil.which("wrk") is None:
        print("ads: left out, wrk is not installed (Debian: apt-get install wrk)")
        return []
    events: dict[str, str] = json.loads(run("-c", _PREPARE, environment=world.environment).splitlines()[-1])
    paths = {
        size: f"/api/v1/ads/serve?event_id={events[str(size)]}&placement=EVENT_HERO&session_token="
        for size in _SIZES
    }
    ours: dict[int, list[_Load]] = {size: [] for size in _SIZES}
    peer: list[_Load] = []
    paced: list[tuple[_Load, _Load]] = []
    viewers = Viewers()
    with serving(world) as port:
        for path in (*paths.values(), "/bench/empty?"):
            _load(world, port, path, viewers, _WARM_SECONDS)
        for _ in range(_ROUNDS):
            for size, path in paths.items():
                ours[size].append(_load(world, port, path, viewers, SECONDS))
            peer.append(_load(world, port, "/bench/empty?", viewers, SECONDS))
        for _ in range(_ROUNDS):
            one, empty = (
                _load(world, port, path, viewers, _PACED_SECONDS, _PACED)
                for path in (paths[100], "/bench/empty?")
            )
            paced.append((one, empty))
    return [*_rows(ours, peer), _paced_row(paced)]


def _paced_row(paced: list[tuple[_Load, _Load]]) -> Row:
    rate = middle([one.rate for one, _ in paced])
    ours, empty = middle([one.p99 for one, _ in paced]), middle([empty.p99 for _, empty in paced])
    return Row(f"p99 of ads, {rate:.0f} requests/s (15 ms wanted)", ours, "empty view", empty, None, "ms")


def _rows(ours: dict[int, list[_Load]], peer: list[_Load]) -> list[Row]:
    few, usual, many = (middle([load.rate for load in ours[size]]) for size in _SIZES)
    warm, filled = ours[100], min(load.filled for loads in ours.values() for load in loads)
    if filled < 1:
        raise RuntimeError(
            f"only {filled:.4f} of the answers had an ad: what is refused quickly is no figure"
        )
    p99, p99_empty = middle([load.p99 for load in warm]), middle([load.p99 for load in peer])
    empty = middle([load.rate for load in peer])
    return [
        Row("ads decided among 100, 16 connections", usual, "empty view", empty, _GOAL),
        Row("ads decided among 1,000", many, "among 10", few, _GOAL_GROWTH),
        Row("p99 of ads among 100, 16 connections", p99, "empty view", p99_empty, None, "ms"),
    ]


class Viewers:
    """Numbers that no two requests of a run share."""

    def __init__(self) -> None:
        self._next = 0

    def more(self) -> int:
        """Return where the next run begins."""
        self._next += 10_000_000
        return self._next


def _load(world: World, port: int, path: str, viewers: Viewers, seconds: int, pace: str = "") -> _Load:
    script = world.folder / "ads.lua"
    script.write_text(_LUA + pace)
    with cost.counted(f"{path.partition('?')[0]}{', paced' if pace else ''}") as this:
        done = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}{path}",
             "--", str(viewers.more())],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found: Any = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", done.stdout)
        if "Non-2xx" in done.stdout or found is None:
            raise RuntimeError(f"{path}: {done.stdout}")
        requests, microseconds, p99, unfilled = (int(number) for number in found.groups())
        this.count = requests
    return _Load(requests / microseconds * 1e6, p99 / 1000, 1 - unfilled / max(1, requests))
