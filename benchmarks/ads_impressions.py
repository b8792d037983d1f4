"""Impressions counted in batches of 50, by processes and over HTTP, against COPY of the same rows into the same table,
50 to a commit: what the disk, the key and the index take, without a look at a token, a budget or a viewer."""

import json
import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from benchmarks.lua import BODIES
from benchmarks.serving import SECONDS, load, serving
from benchmarks.world import Hands, Row, World, middle, run

BATCH: Final = 50
_HANDS: Final = 4
_BATCHES: Final = 60
_ROUNDS: Final = 3
_HTTP_BATCHES: Final = 1_500
_ADS: Final = 10
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

_PREPARE = f"""
import django; django.setup()
from datetime import timedelta
from accounts.models import Organization
from ads.decision import restoring
from ads.models import Ad, AdIndexVersion, AdPlacement, AdSpend
from common import clock
from events.models import Event
now = clock.now()
organization = Organization.objects.create(slug="bench-seen", name="Bench")
for name, price in (("priced", 500), ("free", 0)):
    event = Event.objects.create(organization=organization, slug=f"bench-seen-{{name}}", title="Bench",
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=2))
    ads = Ad.objects.bulk_create([Ad(event=event, name=f"Ad {{n}}", content_type="BANNER",
        media_url="https://media.test/a.png", placements=[AdPlacement.EVENT_HERO], currency="USD", price_model="CPM",
        price_amount=price, budget_total_amount=99_999_999, created_at=now, updated_at=now) for n in range({_ADS})])
    AdSpend.objects.bulk_create([AdSpend(ad=ad, limit_micros=10**15) for ad in ads])
    AdIndexVersion.objects.create(event=event, version=1)
    restoring.restore(event.pk, now=now)
"""


def measure(world: World) -> list[Row]:
    """Return impressions a second."""
    run("-c", _PREPARE, environment=world.environment)
    rates: dict[str, list[float]] = {"priced": [], "free": [], "copy": []}
    with Hands(world, "teller", _HANDS) as hands:
        for act in rates:
            _rate(hands, act, 20)
        for _ in range(_ROUNDS):
            for act, found in rates.items():
                found.append(_rate(hands, act, _BATCHES))
    copied = middle(rates["copy"])
    peer = f"COPY, {BATCH} a commit"
    rows = [
        Row(
            f"impressions, {_ADS} priced ads, {_HANDS} processes",
            middle(rates["priced"]),
            peer,
            copied,
            None,
        ),
        Row(f"impressions without a price, {_HANDS} processes", middle(rates["free"]), peer, copied, None),
    ]
    if shutil.which("wrk") is None:
        print("ads seen over HTTP: left out, wrk is not installed (Debian: apt-get install wrk)")
        return rows
    told, empty = _over_http(world)
    return [
        *rows,
        Row("impressions over HTTP, 8 connections", told * BATCH, peer, copied, None),
        Row(f"batches of {BATCH} impressions, 8 connections", told, "empty view", empty, None),
    ]


def _rate(hands: Hands, act: str, batches: int) -> float:
    hands.each(act="prepare", event=f"bench-seen-{'free' if act == 'copy' else act}", batches=batches)
    done = hands.each(act="copy" if act == "copy" else "tell")
    return sum(one["count"] for one in done) / max(one["seconds"] for one in done)


def _over_http(world: World) -> tuple[float, float]:
    file = world.folder / "seen.txt"
    written = f"from benchmarks.ads_impressions import write; write({str(file)!r})"
    told, empty = [], []
    # All of it comes from one address.
    with serving(world, AD_NETWORK_RATE_LIMIT="100000000") as port:
        for _ in range(_ROUNDS):
            run("-c", f"import django; django.setup(); {written}", environment=world.environment)
            arguments = (BODIES, str(file), BROWSER, "once")
            before = _counted(world)
            told.append(load(world, port, "/api/v1/ads/impressions", *arguments))
            _check(_counted(world) - before, told[-1] * SECONDS * BATCH)
            empty.append(load(world, port, "/bench/empty", *arguments))
    return middle(told), middle(empty)


def _counted(world: World) -> int:
    with world.postgres.connect("marquee") as database:
        (stored,) = database.execute("SELECT count(*) FROM ads_adevent").fetchone() or (0,)
    return int(str(stored))


def _check(counted: int, answered: float) -> None:
    """Every batch that was answered must have left its events: what is refused quickly is no figure."""
    if counted < answered * 0.99:
        raise RuntimeError(f"{answered:.0f} impressions were answered, {counted} are counted")


def write(path: str) -> None:
    """Write bodies of batches that were never told, one a line."""
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(
            json.dumps({"impressions": [{"token": token} for token in batch]}) + "\n"
            for batch in tokens_of("bench-seen-priced", _HTTP_BATCHES)
        )


def tokens_of(slug: str, batches: int) -> Iterator[list[str]]:
    """Yield batches of fresh tokens of an event's ads, each batch of one viewer."""
    from ads.decision import tokens
    from ads.decision.tokens import Claims
    from ads.decision.viewers import viewer_of
    from ads.models import Ad
    from common import clock

    now = clock.now()
    ads = list(Ad.objects.filter(event__slug=slug).values_list("id", "event_id"))
    for _ in range(batches):
        viewer = viewer_of(None, uuid.uuid4().hex)
        yield [
            tokens.issue(
                Claims(
                    uuid.uuid4(), ad_id, event_id, "EVENT_HERO", None, viewer, now, now + timedelta(hours=1)
                )
            )
            for number in range(BATCH)
            for ad_id, event_id in (ads[number % len(ads)],)
        ]


class Teller:
    """Tells prepared impressions, or copies rows like theirs."""

    def __init__(self, number: int, count: int) -> None:
        self._number = number
        self._batches: list[list[str]] = []

    def __call__(self, order: dict[str, Any]) -> dict[str, float]:
        """``prepare`` so many batches of an event; ``tell`` or ``copy`` them."""
        import time

        if order["act"] == "prepare":
            self._batches = list(tokens_of(order["event"], order["batches"]))
            return {"count": 0, "seconds": 0}
        rows = [self._rows(batch) for batch in self._batches] if order["act"] == "copy" else []
        start = time.perf_counter()
        if order["act"] == "copy":
            for batch in rows:
                _copy(batch)
        else:
            for number, tokens in enumerate(self._batches):
                self._tell(tokens, number)
        return {"count": len(self._batches) * BATCH, "seconds": time.perf_counter() - start}

    def _tell(self, tokens: list[str], number: int) -> None:
        from ads.services.redeeming import redeem_impressions
        from ads.types.redeeming import Seen, Visitor
        from common import clock

        who = Visitor(None, f"10.{self._number}.{number // 250}.{number % 250}", "10.0.0.0", BROWSER)
        results = redeem_impressions(seen=[Seen(token) for token in tokens], who=who, now=clock.now())
        if not all(one.counted for one in results):
            raise RuntimeError("what is refused quickly is no figure")

    @staticmethod
    def _rows(batch: list[str]) -> list[tuple[Any, ...]]:
        from ads.decision import tokens

        claims = [tokens.read(token) for token in batch]
        return [
            (one.issue_day, one.decision_id, "impression", one.ad_id, one.event_id, one.session_id, one.placement,
             one.viewer, one.issued_at, 0, 0)
            for one in claims
        ]  # fmt: skip


def _copy(rows: list[tuple[Any, ...]]) -> None:
    from django.db import connection, transaction

    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy("COPY ads_adevent FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
