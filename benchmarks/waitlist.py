"""Filling 5,000 seats, against one set-based statement written by hand that leaves the same rows; and positions read
over HTTP, against an empty view behind the same server with the same client."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks.serving import load, serving
from benchmarks.world import Hands, Row, World, middle, run

SEATS = 5_000
QUEUE = 50_000
_ROUNDS = 5
_READ_ROUNDS = 3
_READERS = 400
_GOAL_FILL = 1 / 3
_GOAL_READ = 0.4

_PREPARE = f"""
import django; django.setup()
from datetime import timedelta
from accounts.models import Organization, User
from accounts.services import tokens
from common import clock
from events.models import Event, Session
from waitlist.models import Entry
now = clock.now()
organization = Organization.objects.create(slug="bench-waitlist", name="Bench")
event = Event.objects.create(organization=organization, slug="bench-waitlist", title="Bench",
    starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2))
people = User.objects.bulk_create([User(email=f"wait-{{n:06}}@bench.test", password="!") for n in range({QUEUE})])
def queue(slug, count):
    session = Session.objects.create(event=event, slug=slug, title=slug, starts_at=event.starts_at,
        ends_at=event.ends_at, maximum_capacity={SEATS}, current_attendance={SEATS}, waiting=count, queue_version=1,
        last_queue_at=now + timedelta(microseconds=count))
    Entry.objects.bulk_create([Entry(session=session, user=user, priority_tier="STANDARD", rank=2, joined_at=now,
        queue_at=now + timedelta(microseconds=n)) for n, user in enumerate(people[:count])], batch_size=5000)
    return session
fill, read = queue("fill", {SEATS} + 1000), queue("read", {QUEUE})
import json
readers = people[::{QUEUE // _READERS}]
print(json.dumps({{"fill": str(fill.pk), "read": str(read.pk),
    "tokens": [tokens.access_token(user, now=now) for user in readers]}}))
"""
_RESET = """
UPDATE waitlist_entry SET status = 'WAITING', offered_at = NULL, offer_expires_at = NULL, offer_number = 0
WHERE session_id = %(session)s AND status = 'OFFERED';
UPDATE events_session SET held = 0, current_attendance = 0, waiting = %(waiting)s WHERE id = %(session)s;
DELETE FROM common_job;
"""
# The rows that the service leaves, by one who knows that nothing stands in the way: no lock order, no rules.
_BY_HAND = """
WITH chosen AS (
    SELECT id FROM waitlist_entry WHERE session_id = %(session)s AND status = 'WAITING'
    ORDER BY rank, queue_at, id LIMIT %(seats)s
), offered AS (
    UPDATE waitlist_entry e SET status = 'OFFERED', offered_at = now(), offer_number = offer_number + 1,
        offer_expires_at = now() + interval '15 minutes'
    FROM chosen WHERE e.id = chosen.id RETURNING e.id
), numbered AS (
    SELECT id, (row_number() OVER () - 1) / 200 AS batch FROM offered
), counted AS (
    UPDATE events_session SET held = held + (SELECT count(*) FROM offered),
        waiting = waiting - (SELECT count(*) FROM offered), queue_version = queue_version + 1
    WHERE id = %(session)s
)
INSERT INTO common_job (id, kind, lane, pool, payload, status, run_at, attempts, max_attempts, claim, errors,
    error_group, note, trace_id, alone, again, created_at)
SELECT gen_random_uuid(), 'bench.told', 'realtime', 'local',
    jsonb_build_object('what', 'offered', 'entry_ids', jsonb_agg(id)), 'pending', now(), 0, 1, 0, '[]', '', '', '',
    false, false, now()
FROM numbered GROUP BY batch
"""


def measure(world: World) -> list[Row]:
    """Return seats filled a second, and positions read a second (without ``wrk``: none)."""
    made: dict[str, Any] = json.loads(run("-c", _PREPARE, environment=world.environment).splitlines()[-1])
    with world.postgres.connect("marquee") as database:
        database.autocommit = True
        database.execute("VACUUM ANALYZE waitlist_entry")
    rows = _fill(world, made["fill"])
    if shutil.which("wrk") is None:
        print("waitlist: positions left out, wrk is not installed (Debian: apt-get install wrk)")
        return rows
    return rows + _read(world, made["read"], made["tokens"])


def _fill(world: World, session: str) -> list[Row]:
    ours, peer = [], []
    with Hands(world, "filler", 1) as filler, world.postgres.connect("marquee") as database:
        database.autocommit = True
        for _ in range(_ROUNDS + 1):
            _reset(database, session)
            [answer] = filler.each(session=session)
            if answer["count"] != SEATS:
                raise RuntimeError(f"{answer['count']} offers instead of {SEATS}")
            ours.append(SEATS / answer["seconds"])
            _reset(database, session)
            start = time.perf_counter()
            with database.transaction():
                database.execute(_BY_HAND, {"session": session, "seats": SEATS})
            peer.append(SEATS / (time.perf_counter() - start))
    # The first round pays for plans and caches on both sides.
    return [
        Row("5,000 seats filled", middle(ours[1:]), "one statement by hand", middle(peer[1:]), _GOAL_FILL)
    ]


def _reset(database: Any, session: str) -> None:
    for statement in _RESET.strip().split(";\n"):
        database.execute(statement, {"session": session, "waiting": SEATS + 1000})
    database.execute("VACUUM waitlist_entry")


def _read(world: World, session: str, tokens: list[str]) -> list[Row]:
    headers = world.folder / "readers.txt"
    headers.write_text("\n".join(tokens))
    path = f"/api/v1/sessions/{session}/waitlist/position"
    figures: dict[str, list[float]] = {"mirror": [], "database": [], "empty": []}
    with serving(world) as port:
        run("manage.py", "rebuild_waitlist", environment=world.environment, accept=(0, 1))
        for _ in range(_READ_ROUNDS):
            figures["mirror"].append(_reads(world, port, path, headers))
            figures["empty"].append(_reads(world, port, "/bench/empty", headers))
    with serving(world, REDIS_URL="redis://127.0.0.1:1/0") as port:
        figures["database"].append(_reads(world, port, path, headers))
    empty = middle(figures["empty"])
    what = "position read, 50,000 waiting, 8 connections"
    return [
        Row(what, middle(figures["mirror"]), "empty view", empty, _GOAL_READ),
        Row("position read without Redis", middle(figures["database"]), "empty view", empty, None),
    ]


def _reads(world: World, port: int, path: str, tokens: Path) -> float:
    return load(world, port, path, _LUA, str(tokens))


_LUA = """
local tokens, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do tokens[#tokens + 1] = "Bearer " .. line end
end
function request()
  at = at % #tokens + 1
  return wrk.format("GET", nil, {["Authorization"] = tokens[at]})
end
"""
