"""Scans at doors: over HTTP against an empty view on the same server, and by the service against one conditional
UPDATE by pgbench. Every scan is of a fresh ticket and lets somebody in, or the run fails: what is refused at once is
no figure.
"""

import re
import shutil
import subprocess
import time
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

from benchmarks.lua import HEADED_BODIES
from benchmarks.serving import SECONDS, load, serving
from benchmarks.world import Hands, Row, World, middle, run

_HANDS: Final = 8
_ROUNDS: Final = 3
_TICKETS: Final = 60_000
_PEER_TICKETS: Final = 2_000_000
# Of the tickets' codes this many are kept for the service, the rest for HTTP.
_FOR_SERVICE: Final = 30_000
_PATH: Final = "/api/v1/checkin/scan"
_HEADER: Final = ("Authorization", "Bearer ")
# No scanner waits, and codes stay fresh for as long as a run takes.
_SETTINGS: Final = {"SCAN_RATE_LIMIT": "1000000000", "TICKET_LIVE_SECONDS": "86400"}

_PREPARE: Final = f"""
import django; django.setup()
import json, sys
from datetime import timedelta
from accounts.models import Membership, Organization, User
from accounts.services import tokens
from common import clock
from events.models import Event
from tickets.letters import new_number
from tickets.models import CodeKind, Ticket, TicketTier
from tickets.services import codes
now = clock.now()
organization = Organization.objects.create(slug="bench-doors", name="Bench")
event = Event.objects.create(organization=organization, slug="bench-doors", title="Bench",
    starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
tier = TicketTier.objects.create(event=event, name="Bench", sold={_TICKETS})
people = User.objects.bulk_create([User(email=f"door-{{n}}@bench.test", password="!") for n in range({_HANDS})])
Membership.objects.bulk_create([Membership(organization=organization, user=one, role="scanner") for one in people])
holder = User.objects.create(email="holder@bench.test", password="!")
tickets = Ticket.objects.bulk_create([Ticket(event=event, tier=tier, holder=holder, number=new_number(), issued_at=now)
    for _ in range({_TICKETS})], batch_size=5000)
held = [tokens.access_token(one, now=now) for one in people]
with open(sys.argv[1], "w") as service, open(sys.argv[2], "w") as http:
    for n, ticket in enumerate(tickets):
        code = codes.sign(ticket_id=ticket.pk, event_id=event.pk, generation=1, kind=CodeKind.LIVE, now=now)
        if n < {_FOR_SERVICE}:
            print(people[n % {_HANDS}].pk, event.pk, code, file=service)
        else:
            body = {{"event_id": str(event.pk), "code": code, "gate": f"Gate {{n % 4}}", "nonce": f"scan-{{n}}"}}
            print(held[n % {_HANDS}], json.dumps(body), file=http)
"""

_PEER_TABLES: Final = f"""
CREATE TABLE bench_ticket (id int PRIMARY KEY, event int NOT NULL, status text NOT NULL, generation int NOT NULL,
    first_scanned_at timestamptz, first_gate text NOT NULL DEFAULT '');
INSERT INTO bench_ticket SELECT n, 1, 'VALID', 1 FROM generate_series(1, {_PEER_TICKETS}) n;
"""
# Each client goes through tickets of its own, from where the round before ended.
_PEER: Final = f"""
\\set at :at + 1
\\set id :at * {_HANDS} + :client_id + 1
UPDATE bench_ticket SET first_scanned_at = now(), first_gate = 'North'
WHERE id = :id AND event = 1 AND status = 'VALID' AND generation = 1 AND first_scanned_at IS NULL;
"""


class Doorkeeper:
    """Scans tickets of its own one after the other, each once, as one scanner."""

    def __init__(self, number: int, _count: int) -> None:
        self._number = number
        self._left: Any = None

    def __call__(self, order: dict[str, Any]) -> dict[str, float]:
        """Scan for so many seconds."""
        from accounts.models import User
        from accounts.services.access import actor_of
        from common import clock
        from tickets.services.scanning import scan_ticket
        from tickets.types import ScanTicket

        if self._left is None:
            lines = Path(order["codes"]).read_text().splitlines()
            self._left = iter([line.split() for line in lines[self._number :: _HANDS]])
        scanned, start, actor = 0, time.perf_counter(), None
        while time.perf_counter() - start < order["seconds"]:
            user, event, code = next(self._left)
            actor = actor or actor_of(User.objects.get(pk=user))
            scan = ScanTicket(
                actor=actor, event_id=event, code=code, gate="North", nonce=f"service-{code[-40:]}"
            )
            answer = scan_ticket(scan, now=clock.now())
            if answer.result != "accepted":
                raise RuntimeError(answer.reason)
            scanned += 1
        return {"count": scanned, "seconds": time.perf_counter() - start}


def measure(world: World) -> list[Row]:
    """Return scans a second by the service, and over HTTP (without ``wrk`` only by the service)."""
    service, http = world.folder / "scans-service.txt", world.folder / "scans-http.txt"
    run("-c", _PREPARE, str(service), str(http), environment=world.environment)
    with world.postgres.connect("marquee") as database:
        database.execute(_PEER_TABLES)
        database.execute("GRANT ALL ON bench_ticket TO PUBLIC")
        database.commit()
        database.autocommit = True
        database.execute("VACUUM ANALYZE")
    rows = [_by_service(world, service)]
    if shutil.which("wrk") is None:
        print("scans over HTTP: left out, wrk is not installed (Debian: apt-get install wrk)")
        return rows
    return [*rows, _over_http(world, http)]


def _by_service(world: World, codes: Path) -> Row:
    ours, peer = [], []
    script = world.folder / "scan.sql"
    script.write_text(_PEER)
    slow = World(world.postgres, world.valkey, world.folder, {**world.environment, **_SETTINGS})
    before, first = _admitted(world), count(0, _PEER_TICKETS // _HANDS // (_ROUNDS + 1))
    with Hands(slow, "doorkeeper", _HANDS) as doors:
        scanned = sum(one["count"] for one in doors.each(codes=str(codes), seconds=1))
        for start in islice(first, _ROUNDS):
            done = doors.each(codes=str(codes), seconds=SECONDS)
            scanned += sum(one["count"] for one in done)
            ours.append(sum(one["count"] / one["seconds"] for one in done))
            peer.append(_pgbench(world, str(script), start))
    if _admitted(world) - before != scanned:
        raise RuntimeError(f"{scanned} scans were answered, {_admitted(world) - before} let somebody in")
    return Row(
        f"scans, {_HANDS} processes", middle(ours), "pgbench: one conditional UPDATE", middle(peer), None
    )


def _over_http(world: World, bodies: Path) -> Row:
    ours, empty = [], []
    every = (_TICKETS - _FOR_SERVICE) // _ROUNDS
    before = _admitted(world)
    with serving(world, **_SETTINGS) as port:
        for turn in range(_ROUNDS):
            ours.append(load(world, port, _PATH, HEADED_BODIES, str(bodies), str(turn * every), *_HEADER))
            empty.append(load(world, port, "/bench/empty", HEADED_BODIES, str(bodies), "0", *_HEADER))
    answered, admitted = sum(ours) * SECONDS, _admitted(world) - before
    if admitted < answered * 0.99:
        raise RuntimeError(f"{answered:.0f} scans were answered, {admitted} let somebody in")
    return Row("scans over HTTP, 8 connections", middle(ours), "empty view", middle(empty), None)


def _admitted(world: World) -> int:
    """Return how many scans let somebody in, each with its own ticket, as both tables say."""
    with world.postgres.connect("marquee") as database:
        (logged,) = database.execute(
            "SELECT count(DISTINCT ticket_id) FROM tickets_ticketscan WHERE result = 'accepted'"
        ).fetchone() or (0,)
        (marked,) = database.execute("SELECT sum(admissions) FROM tickets_ticket").fetchone() or (0,)
    if int(str(logged)) != int(str(marked)):
        raise RuntimeError(f"{logged} tickets were let in by the log, {marked} by themselves")
    return int(str(logged))


def _pgbench(world: World, script: str, start: int) -> float:
    """Return updates a second; each must have changed its row."""
    changed = _changed(world)
    done = subprocess.run(
        [
            str(world.postgres.programs / "pgbench"), "-n", "-M", "prepared", "-c", str(_HANDS), "-j", "2",
            "-T", str(SECONDS), "-D", f"at={start}", "-f", script, world.postgres.url(),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rate = re.search(r"tps = ([0-9.]+)", done.stdout)
    made = re.search(r"actually processed: ([0-9]+)", done.stdout)
    if rate is None or made is None or _changed(world) - changed != int(made[1]):
        raise RuntimeError(done.stdout)
    return float(rate[1])


def _changed(world: World) -> int:
    with world.postgres.connect("marquee") as database:
        (found,) = database.execute(
            "SELECT count(*) FROM bench_ticket WHERE first_scanned_at IS NOT NULL"
        ).fetchone() or (0,)
    return int(str(found))
