"""An event's figures over HTTP with 10 thousand, 100 thousand and 1 million tracked events in the month: each size of
an event of its own, computed by the service, asked for by an analyst one after the other."""

import json
import time
import urllib.request
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

from benchmarks.serving import serving
from benchmarks.world import Row, World, run

SIZES: Final = (10_000, 100_000, 1_000_000)
_OFFERS: Final = 20
_WARM: Final = 10
_ASKED: Final = 60
_ROUNDS: Final = 3
_LIMIT_MS: Final = 300
_GOAL_FLAT: Final = 0.5

_PREPARE = f"""
import django; django.setup()
import json
from datetime import timedelta
from accounts.models import Membership, Organization, User
from accounts.services import tokens
from common import clock
from events.models import Event
from offers.models import Offer
now = clock.now()
organization = Organization.objects.create(slug="bench-figures", name="Bench")
analyst = User.objects.create(email="figures@bench.test", password="!")
Membership.objects.create(organization=organization, user=analyst, role="analyst")
events = {{}}
for size in {SIZES}:
    event = Event.objects.create(organization=organization, slug=f"bench-figures-{{size}}", title="Bench",
        time_zone="Europe/Berlin", starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2))
    Offer.objects.bulk_create([Offer(event=event, title=f"Offer {{n}}", offer_type="SERVICE", price_amount=1999,
        currency="USD", created_at=now, updated_at=now) for n in range({_OFFERS})])
    events[size] = str(event.pk)
print(json.dumps({{"events": events, "token": tokens.access_token(analyst, now=now)}}))
"""

# A month of them, received when they happened: two of three are views, a visitor looks ten times.
_FILL = """
INSERT INTO analytics_rawevent (received_day, organization_id, id, event_id, type, entity_id, visitor, occurred_at,
    received_at, network)
SELECT (happened AT TIME ZONE 'UTC')::date, e.organization_id, gen_random_uuid(), e.id,
    (ARRAY['OFFER_VIEW', 'OFFER_VIEW', 'OFFER_VIEW', 'OFFER_VIEW', 'OFFER_CLICK', 'OFFER_ADD_TO_CART'])[1 + mod(n, 6)],
    o.ids[1 + mod(n, cardinality(o.ids))], md5((n / 10)::text)::uuid, happened, happened, '198.51.100.0'
FROM events_event e
CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM offers_offer WHERE event_id = %(event)s) o
CROSS JOIN LATERAL (
    SELECT n, now() - n * (interval '29 days' / %(size)s) AS happened FROM generate_series(1, %(size)s) AS n
) told
WHERE e.id = %(event)s
"""
_MARK = """
INSERT INTO analytics_dirtyday (event_id, day, marked_at)
SELECT DISTINCT r.event_id, (r.occurred_at AT TIME ZONE e.time_zone)::date, now()
FROM analytics_rawevent r JOIN events_event e ON e.id = r.event_id WHERE r.event_id = %(event)s
"""
_COUNT_STATEMENTS = """
import django; django.setup()
import json, sys
from uuid import UUID
from django.db import connection
from django.test.utils import CaptureQueriesContext
from analytics.services.monetization import monetization
from common import clock
from common.types import SYSTEM
counts = []
for event in json.loads(sys.argv[1]):
    monetization(actor=SYSTEM, event_id=UUID(event), now=clock.now())
    with CaptureQueriesContext(connection) as asked:
        monetization(actor=SYSTEM, event_id=UUID(event), now=clock.now())
    counts.append(len(asked))
print(json.dumps(counts))
"""


class _Times(NamedTuple):
    """Milliseconds of one size."""

    middle: float
    p90: float


def measure(world: World) -> list[Row]:
    """Return milliseconds of an answer by size; the lower the better, so flat is told by how many a second."""
    made: dict[str, Any] = json.loads(run("-c", _PREPARE, environment=world.environment).splitlines()[-1])
    events = {size: made["events"][str(size)] for size in SIZES}
    seconds = _fill(world, events)
    _check_statements(world, list(events.values()))
    with serving(world) as port:
        times = _ask(port, events, made["token"])
    few, many = times[SIZES[0]], times[SIZES[-1]]
    return [
        Row(f"figures of a month of {SIZES[-1]:,}", 1000 / many.middle, f"of {SIZES[0]:,}", 1000 / few.middle,
            _GOAL_FLAT),
        *(Row(f"their p90 with {size:,}", times[size].p90, "the most wanted", _LIMIT_MS, None, "ms") for size in SIZES),
        Row(f"computing the days of {SIZES[-1]:,}", SIZES[-1] / seconds, "", 0, None),
    ]  # fmt: skip


def _fill(world: World, events: dict[int, str]) -> float:
    """Write the events of each size and compute their days; return how long computing the largest took."""
    with world.postgres.connect("marquee") as database:
        database.autocommit = True
        for size, event in events.items():
            database.execute(_FILL, {"event": event, "size": size})
            database.execute(_MARK, {"event": event})
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
    counts = json.loads(run("-c", _COUNT_STATEMENTS, json.dumps(events), environment=world.environment))
    if len(set(counts)) != 1:
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


def _milliseconds(port: int, event: str, token: str, size: int) -> float:
    url = f"http://127.0.0.1:{port}/api/v1/analytics/events/{event}/monetization"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    start = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  (ours)
        body = json.loads(answer.read())
    took = (time.perf_counter() - start) * 1000
    offers = body["offers"]
    if body["stale"] or offers["total_views"] + offers["total_clicks"] + offers["total_carts"] < size * 0.9:
        raise RuntimeError(f"that is no answer: {body}")
    return took
