"""An event's figures and the panels of its console over HTTP, with 10 thousand, 100 thousand and 1 million tracked
events in the month: each size of an event of its own, with some thousand orders, ads and an experiment, computed by the
service, asked for by an analyst one after the other."""

import json
import time
import urllib.request
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

from benchmarks.dashboard_world import FILL, IMPRESSIONS, MARK, ORDERS, PEOPLE, PREPARE, PRICE, SIZES
from benchmarks.serving import serving
from benchmarks.world import Row, World, run

PANELS: Final = ("revenue", "funnel", "offers", "ads", "waitlist", "experiments")
_WARM: Final = 10
_ASKED: Final = 60
_PANELS_ASKED: Final = 20
_ROUNDS: Final = 3
_LIMIT_MS: Final = 300
_GOAL_FLAT: Final = 0.5

_COUNT_STATEMENTS = """
import django; django.setup()
import json, sys
from uuid import UUID
from django.db import connection
from django.test.utils import CaptureQueriesContext
from analytics.services.monetization import monetization
from common import clock
from common.types import SYSTEM
from django.test import Client
from accounts.models import User
browser = Client(SERVER_NAME="127.0.0.1")
browser.force_login(User.objects.get(email="figures@bench.test"))
counts = []
for event in json.loads(sys.argv[1]):
    monetization(actor=SYSTEM, event_id=UUID(event), now=clock.now())
    with CaptureQueriesContext(connection) as asked:
        monetization(actor=SYSTEM, event_id=UUID(event), now=clock.now())
    counts.append([len(asked)])
    for panel in json.loads(sys.argv[2]):
        url = f"/admin/analytics/eventconsole/{event}/panel/{panel}/"
        browser.get(url)
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(url).status_code == 200, url
        counts[-1].append(len(asked))
print(json.dumps(counts))
"""


class _Times(NamedTuple):
    """Milliseconds of one size."""

    middle: float
    p90: float


def measure(world: World) -> list[Row]:
    """Return milliseconds of an answer by size; the lower the better, so flat is told by how many a second."""
    made: dict[str, Any] = json.loads(run("-c", PREPARE, environment=world.environment).splitlines()[-1])
    events = {size: made["events"][str(size)] for size in SIZES}
    seconds = _fill(world, events)
    _check_statements(world, list(events.values()))
    with serving(world) as port:
        times = _ask(port, events, made["token"])
        panels = _ask_panels(port, events, made["cookies"])
    few, many = times[SIZES[0]], times[SIZES[-1]]
    least, most = panels[SIZES[0]], panels[SIZES[-1]]
    return [
        Row(f"figures of a month of {SIZES[-1]:,}", 1000 / many.middle, f"of {SIZES[0]:,}", 1000 / few.middle,
            _GOAL_FLAT),
        *(Row(f"their p90 with {size:,}", times[size].p90, "the most wanted", _LIMIT_MS, None, "ms") for size in SIZES),
        Row(f"the console's panels of {SIZES[-1]:,}", 1000 / most.middle, f"of {SIZES[0]:,}", 1000 / least.middle,
            _GOAL_FLAT),
        *(Row(f"a panel's p90 with {size:,}", panels[size].p90, "the most wanted", _LIMIT_MS, None, "ms")
          for size in SIZES),
        Row(f"computing the days of {SIZES[-1]:,}", SIZES[-1] / seconds, "", 0, None),
    ]  # fmt: skip


def _fill(world: World, events: dict[int, str]) -> float:
    """Write the events of each size and compute their days; return how long computing the largest took."""
    with world.postgres.connect("marquee") as database:
        database.autocommit = True
        for size, event in events.items():
            database.execute(FILL, {"event": event, "size": size})
            database.execute(MARK, {"event": event})
        database.execute("ANALYZE")
    seconds = 0.0
    for size, event in events.items():
        start = time.perf_counter()
        run("manage.py", "refresh_analytics", "--event", event, environment=world.environment)
        seconds = time.perf_counter() - start
        _check_figures(world, event, size)
    return seconds


def _check_figures(world: World, event: str, size: int) -> None:
    with world.postgres.connect("marquee") as database:
        counted = "SELECT sum(count) FROM analytics_dailyfigure WHERE event_id = %s AND entity_id IS NULL"
        (told,) = database.execute(counted, [event]).fetchone() or (0,)
    if int(str(told)) != size:
        raise RuntimeError(f"{size} events were told, the figures say {told}")


def _check_statements(world: World, events: list[str]) -> None:
    given = (json.dumps(events), json.dumps(PANELS))
    counts = json.loads(run("-c", _COUNT_STATEMENTS, *given, environment=world.environment).splitlines()[-1])
    if any(one != counts[0] for one in counts):
        raise RuntimeError(f"statements grow with the events: {counts}")


def _ask(port: int, events: dict[int, str], token: str) -> dict[int, _Times]:
    """Ask in turns, so that whatever else runs slows down every size."""
    found: dict[int, list[float]] = {size: [] for size in events}
    for size, event in events.items():
        for _ in range(_WARM):
            _milliseconds(port, event, token, size)
    for _ in range(_ROUNDS):
        for size, event in events.items():
            found[size] += [_milliseconds(port, event, token, size) for _ in range(_ASKED)]
    return {size: _Times(median(times), quantiles(times, n=10)[8]) for size, times in found.items()}


def _ask_panels(port: int, events: dict[int, str], cookies: str) -> dict[int, _Times]:
    """Ask for each panel of Insights as the page does, in turns. That of experiments is counted once a minute."""
    found: dict[int, list[float]] = {size: [] for size in events}
    for number in range(_PANELS_ASKED + 1):
        for size, event in events.items():
            times = [_panel(port, event, name, cookies) for name in PANELS]
            # The first is the one that loads everything.
            found[size] += times if number else []
    return {size: _Times(median(times), quantiles(times, n=10)[8]) for size, times in found.items()}


def _milliseconds(port: int, event: str, token: str, size: int) -> float:
    url = f"http://127.0.0.1:{port}/api/v1/analytics/events/{event}/monetization"
    answer, took = _timed(url, {"Authorization": f"Bearer {token}"})
    body = json.loads(answer)
    offers = body["offers"]
    is_told = offers["total_views"] + offers["total_clicks"] + offers["total_carts"] >= size * 0.9
    is_paid = body["revenue"]["from_offers"]["amount"] == ORDERS * PRICE
    is_shown = body["ads"]["total_impressions"] == IMPRESSIONS
    if body["stale"] or not (is_told and is_paid and is_shown) or offers["total_purchases"] != ORDERS:
        raise RuntimeError(f"that is no answer: {body}")
    return took


def _panel(port: int, event: str, name: str, cookies: str) -> float:
    url = f"http://127.0.0.1:{port}/admin/analytics/eventconsole/{event}/panel/{name}/"
    answer, took = _timed(url, {"Cookie": cookies})
    if b"Stale" in answer or (name == "experiments" and f"{PEOPLE} visitors".encode() not in answer):
        raise RuntimeError(f"that is no panel: {answer.decode()}")
    return took


def _timed(url: str, headers: dict[str, str]) -> tuple[bytes, float]:
    """Return an answer, and its milliseconds."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (ours)
    start = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        body = answer.read()
    return body, (time.perf_counter() - start) * 1000
