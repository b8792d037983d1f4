"""Tracked events kept in batches of 50, by processes and over HTTP, against COPY of the same rows into the same table,
50 to a commit: what the disk and the index take, with nothing read, checked, or kept once."""

import json
import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.lua import BODIES
from benchmarks.serving import SECONDS, load, serving
from benchmarks.world import Hands, Row, World, middle, run

BATCH: Final = 50
_SLUG: Final = "bench-tracked"
_HANDS: Final = 4
_BATCHES: Final = 100
_ROUNDS: Final = 3
_HTTP_BATCHES: Final = 3_000
_SESSIONS: Final = 5
_GOAL_SERVICE: Final = 0.3
_GOAL_HTTP: Final = 0.12
_BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
# Of twenty events: what people do most is look.
_KINDS: Final = (
    *("OFFER_VIEW",) * 9, *("OFFER_CLICK",) * 3, "OFFER_ADD_TO_CART", "OFFER_PURCHASE", *("AD_IMPRESSION",) * 3,
    "AD_CLICK", "WAITLIST_JOIN", "WAITLIST_OFFER_ACCEPT",
)  # fmt: skip
_COLUMNS: Final = ", ".join((
    "received_day", "organization_id", "id", "event_id", "type", "entity_id", "visitor", "occurred_at", "received_at",
    "network", "metadata",
))  # fmt: skip

_PREPARE = f"""
import django; django.setup()
from datetime import timedelta
from accounts.models import Organization
from ads.models import Ad, AdPlacement
from common import clock
from events.models import Event, Session
from offers.models import Offer
now = clock.now()
organization = Organization.objects.create(slug="{_SLUG}", name="Bench")
event = Event.objects.create(organization=organization, slug="{_SLUG}", title="Bench",
    starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2))
Offer.objects.bulk_create([Offer(event=event, title=f"Offer {{n}}", offer_type="SERVICE", price_amount=1999,
    currency="USD", created_at=now, updated_at=now) for n in range(20)])
Ad.objects.bulk_create([Ad(event=event, name=f"Ad {{n}}", content_type="BANNER", currency="USD",
    media_url="https://media.test/a.png", placements=[AdPlacement.EVENT_HERO], price_model="FLAT", price_amount=0,
    created_at=now, updated_at=now) for n in range(5)])
for n in range(3):
    Session.objects.create(event=event, slug=f"s{{n}}", title="Bench", starts_at=event.starts_at,
        ends_at=event.ends_at)
"""


def measure(world: World) -> list[Row]:
    """Return events a second, by the service and over HTTP (without ``wrk`` only by the service)."""
    run("-c", _PREPARE, environment=world.environment)
    rates: dict[str, list[float]] = {"track": [], "copy": []}
    with Hands(world, "tracker", _HANDS) as hands:
        for act in rates:
            _rate(world, hands, act, 20)
        for _ in range(_ROUNDS):
            for act, found in rates.items():
                found.append(_rate(world, hands, act, _BATCHES))
    copied, peer = middle(rates["copy"]), f"COPY, {BATCH} a commit"
    rows = [Row(f"tracked events, {_HANDS} processes", middle(rates["track"]), peer, copied, _GOAL_SERVICE)]
    if shutil.which("wrk") is None:
        print("tracking over HTTP: left out, wrk is not installed (Debian: apt-get install wrk)")
        return rows
    told, empty = _over_http(world)
    return [
        *rows,
        Row("tracked events over HTTP, 8 connections", told * BATCH, peer, copied, _GOAL_HTTP),
        Row(f"batches of {BATCH} tracked events, 8 connections", told, "empty view", empty, None),
    ]


def _rate(world: World, hands: Hands, act: str, batches: int) -> float:
    hands.each(act="prepare", batches=batches)
    before = _kept(world)
    done = hands.each(act=act)
    sent = int(sum(one["count"] for one in done))
    if _kept(world) - before != sent:
        raise RuntimeError(f"{sent} events were sent, {_kept(world) - before} are kept")
    return sent / max(one["seconds"] for one in done)


def _kept(world: World) -> int:
    with world.postgres.connect("marquee") as database:
        (stored,) = database.execute("SELECT count(*) FROM analytics_rawevent").fetchone() or (0,)
    return int(str(stored))


def _over_http(world: World) -> tuple[float, float]:
    told, empty = [], []
    bodies = world.folder / "tracked.txt"
    written = f"from benchmarks.tracking import write; write({str(bodies)!r})"
    # All of it comes from one address.
    with serving(world, TRACK_RATE_LIMIT="1000000000") as port:
        for _ in range(_ROUNDS):
            run("-c", f"import django; django.setup(); {written}", environment=world.environment)
            arguments = (BODIES, str(bodies), _BROWSER, "again")
            before = _kept(world)
            told.append(load(world, port, "/api/v1/analytics/track", *arguments))
            _check(_kept(world) - before, told[-1] * SECONDS * BATCH)
            empty.append(load(world, port, "/bench/empty", *arguments))
    return middle(told), middle(empty)


def _check(kept: int, answered: float) -> None:
    """Every batch that was counted must have left its events: what is refused or doubled quickly is no figure."""
    if kept < answered * 0.99:
        raise RuntimeError(f"{answered:.0f} events were answered 202, {kept} are kept")


def write(path: str) -> None:
    """Write bodies of batches that were never told, one a line."""
    with Path(path).open("w", encoding="utf-8") as file:
        file.writelines(body.decode() + "\n" for body in bodies_of(_HTTP_BATCHES))


def bodies_of(batches: int) -> Iterator[bytes]:
    """Yield batches as front ends send them: distinct ids, every type, five sessions each."""
    event_id, entities = _things()
    for number in range(batches):
        at = datetime.now(UTC).isoformat()
        sessions = [uuid.uuid4().hex for _ in range(_SESSIONS)]
        events = [
            _told(event_id, entities, _KINDS[(number + place) % len(_KINDS)], number + place, at)
            | {"session_token": sessions[place % _SESSIONS]}
            for place in range(BATCH)
        ]
        yield json.dumps({"sent_at": at, "events": events}).encode()


def _told(event_id: str, entities: dict[str, list[str]], kind: str, number: int, at: str) -> dict[str, Any]:
    there = entities[kind.split("_", maxsplit=1)[0]]
    told: dict[str, Any] = {
        "id": str(uuid.uuid4()), "type": kind, "event_id": event_id, "entity_id": there[number % len(there)],
        "timestamp": at,
    }  # fmt: skip
    # Every fourth says where on the page it was.
    return told if number % 4 else {**told, "metadata": {"place": "list", "position": number % 20}}


def _things() -> tuple[str, dict[str, list[str]]]:
    from ads.models import Ad
    from events.models import Event, Session
    from offers.models import Offer

    event = Event.objects.get(slug=_SLUG)
    found = {"OFFER": Offer, "AD": Ad, "WAITLIST": Session}
    ids = {
        name: [
            str(pk) for pk in model._default_manager.filter(event_id=event.pk).values_list("pk", flat=True)
        ]
        for name, model in found.items()
    }
    return str(event.pk), ids


class Tracker:
    """Tells prepared batches to the service, or copies rows like theirs."""

    def __init__(self, number: int, count: int) -> None:
        self._batches: list[bytes] = []

    def __call__(self, order: dict[str, Any]) -> dict[str, float]:
        """``prepare`` so many batches; ``track`` or ``copy`` them. Reading a body is part of tracking it."""
        if order["act"] == "prepare":
            self._batches = list(bodies_of(order["batches"]))
            return {"count": 0, "seconds": 0}
        rows = [list(_rows(body)) for body in self._batches] if order["act"] == "copy" else []
        start = time.perf_counter()
        if order["act"] == "copy":
            for batch in rows:
                _copy(batch)
        else:
            for body in self._batches:
                _track(body)
        return {"count": len(self._batches) * BATCH, "seconds": time.perf_counter() - start}


def _track(body: bytes) -> None:
    from analytics.rest.batches import read_batch
    from analytics.rest.tracking import _event
    from analytics.services.tracking import track
    from analytics.types.tracking import Batch, Visitor
    from common import clock

    read = read_batch(body, _event)
    batch = Batch(read.events, read.unreadable, read.sent_at)
    if track(batch, Visitor("198.51.100.0"), now=clock.now()).queued != BATCH:
        raise RuntimeError("what is refused quickly is no figure")


def _rows(body: bytes) -> Iterator[tuple[Any, ...]]:
    now = datetime.now(UTC)
    for one in json.loads(body)["events"]:
        metadata = json.dumps(one["metadata"]) if "metadata" in one else None
        yield (
            now.date(), uuid.UUID(int=1), uuid.UUID(one["id"]), uuid.UUID(one["event_id"]), one["type"],
            uuid.UUID(one["entity_id"]), uuid.UUID(one["session_token"]), now, now, "198.51.100.0", metadata,
        )  # fmt: skip


def _copy(rows: list[tuple[Any, ...]]) -> None:
    from django.db import connection, transaction

    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy(f"COPY analytics_rawevent ({_COLUMNS}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
