"""References of other subgraphs: 200 in one request, as a router sends them, against the same at a schema whose things
are made in memory, behind the same server, middleware and GraphQL door."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks.serving import load, serving
from benchmarks.world import Row, World, middle, run

_REFERENCES: Final = 200
_FEW: Final = 10
_ROUNDS: Final = 3
_DOCUMENT: Final = """query($representations: [_Any!]!) { _entities(representations: $representations) {
  ... on Event { id title startsAt } ... on OfferType { id title price currency } } }"""

_PREPARE = f"""
import django; django.setup()
import json
from datetime import timedelta
from accounts.models import Organization
from common import clock
from events.models import Event
from offers.models import Offer
now = clock.now()
organization = Organization.objects.create(slug="bench-references", name="Bench")
events = Event.objects.bulk_create([Event(organization=organization, slug=f"bench-reference-{{n}}", title="Bench",
    starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2)) for n in range({_REFERENCES} // 2)])
offers = Offer.objects.bulk_create([Offer(event=event, title="Offer", offer_type="SERVICE", price_amount=1999,
    currency="USD", created_at=now, updated_at=now) for event in events])
pairs = [(("Event", event.pk), ("OfferType", offer.pk)) for event, offer in zip(events, offers)]
print(json.dumps([{{"__typename": kind, "id": str(pk)}} for pair in pairs for kind, pk in pair]))
"""
_COUNT_STATEMENTS = """
import django; django.setup()
import json, sys
from types import SimpleNamespace
from django.db import connection
from django.test.utils import CaptureQueriesContext
from common.types import ANONYMOUS
from config.graphql import schema
document, references, few = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
counts = []
for asked in (references[:few], references):
    with CaptureQueriesContext(connection) as statements:
        answer = schema.execute(document, variable_values={"representations": asked},
            context_value=SimpleNamespace(actor=ANONYMOUS, user_account=None))
    assert answer.errors is None, answer.errors
    assert [one["id"] for one in answer.data["_entities"]] == [one["id"] for one in asked]
    counts.append(len(statements))
print(json.dumps(counts))
"""
_LUA = """
local body
function init(args)
  body = io.open(args[1]):read("*a")
end
function request()
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
"""


def measure(world: World) -> list[Row]:
    """Return references answered a second; the run fails when 200 take more statements than 10."""
    references = json.loads(run("-c", _PREPARE, environment=world.environment).splitlines()[-1])
    few, many = _statements(world, references)
    print(f"entities: {many} statements for {_REFERENCES} references of two types, {few} for {_FEW}")
    if few != many:
        raise RuntimeError(f"statements grow with the references: {few}, {many}")
    if shutil.which("wrk") is None:
        print("entities: left out, wrk is not installed (Debian: apt-get install wrk)")
        return []
    body = world.folder / "references.json"
    body.write_text(json.dumps({"query": _DOCUMENT, "variables": {"representations": references}}))
    ours, peer = [], []
    with serving(world) as port:
        for _ in range(_ROUNDS):
            ours.append(_load(world, port, "/graphql", body))
            peer.append(_load(world, port, "/bench/graphql", body))
    return [
        Row(
            f"{_REFERENCES} references of others, 8 connections",
            middle(ours),
            "made in memory",
            middle(peer),
            None,
        )
    ]


def _load(world: World, port: int, path: str, body: Path) -> float:
    return load(world, port, path, _LUA, str(body)) * _REFERENCES


def _statements(world: World, references: list[Any]) -> tuple[int, int]:
    arguments = ("-c", _COUNT_STATEMENTS, _DOCUMENT, json.dumps(references), str(_FEW))
    few, many = json.loads(run(*arguments, environment=world.environment).splitlines()[-1])
    return few, many
