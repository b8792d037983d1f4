"""Reserve + purchase + order rows by the service, against the bare locks and rows by pgbench.

pgbench sells in two ways: as anybody would, and with its lock let go before the disk has answered, as a sale does.
"""

import re
import subprocess

from benchmarks.world import Hands, Row, World, middle, run
from common.statements import COMMIT_EARLY, WAIT_FOR_DISK

CLIENTS = 8
_SECONDS = 5
_ROUNDS = 3
_PEOPLE = 20_000

_PREPARE = f"""
import django; django.setup()
from datetime import timedelta
from accounts.models import Organization, User
from common import clock
from events.models import Event
from offers.models import Offer
now = clock.now()
organization = Organization.objects.create(slug="bench", name="Bench")
event = Event.objects.create(organization=organization, slug="bench", title="Bench",
    starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
Offer.objects.create(event=event, title="Bench", offer_type="EXCLUSIVE_CONTENT", price_amount=1999, currency="USD",
    inventory_total=100_000_000, created_at=now, updated_at=now, content_url="https://bench.test/x")
User.objects.bulk_create([User(email=f"bench-{{n:06}}@bench.test", password="!") for n in range({_PEOPLE})])
"""

_PEER_TABLES = """
CREATE TABLE bench_offer (id int PRIMARY KEY, total int, sold int, reserved int);
INSERT INTO bench_offer VALUES (1, 100000000, 0, 0);
CREATE TABLE bench_purchase (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), offer_id int, person int, quantity int,
    created_at timestamptz DEFAULT now());
"""
_PEER = """
\\set person random(1, 20000)
BEGIN;
SELECT total, sold, reserved FROM bench_offer WHERE id = 1 FOR UPDATE;
UPDATE bench_offer SET reserved = reserved + 1 WHERE id = 1;
INSERT INTO bench_purchase (offer_id, person, quantity) VALUES (1, :person, 1);
COMMIT;
"""
_PEER_EARLY = _PEER.replace("BEGIN;", f"BEGIN;\n{COMMIT_EARLY};") + f"{WAIT_FOR_DISK};\n"


def measure(world: World) -> list[Row]:
    """Return purchases a second of 8 clients on one hot offer, ours and pgbench's, in turns."""
    run("-c", _PREPARE, environment=world.environment)
    with world.postgres.connect("marquee") as database:
        database.execute(_PEER_TABLES)
        database.execute("GRANT ALL ON bench_offer, bench_purchase TO PUBLIC")
        database.commit()
    ours: list[float] = []
    peer: list[float] = []
    early: list[float] = []
    with Hands(world, "buyer", CLIENTS) as buyers:
        buyers.each(seconds=1)
        for _ in range(_ROUNDS):
            ours.append(sum(one["count"] / one["seconds"] for one in buyers.each(seconds=_SECONDS)))
            peer.append(_pgbench(world, _PEER))
            early.append(_pgbench(world, _PEER_EARLY))
    what = "purchase, 8 clients on one offer"
    return [
        Row(what, middle(ours), "pgbench: lock, update, insert", middle(peer), 0.35),
        Row(what, middle(ours), "the same, unlocked early", middle(early), None),
    ]


def _pgbench(world: World, text: str) -> float:
    script = world.folder / "hot_row.sql"
    script.write_text(text)
    done = subprocess.run(
        [
            str(world.postgres.programs / "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2",
            "-T", str(_SECONDS), "-f", str(script), world.postgres.url(),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout)
    return float(found[1])
