"""Batches that are wrong at the edges: what can be kept is kept, and what is refused is told to whom it concerns."""

import json
import os
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest
from django.db import connection
from django.test import Client

from accounts.tests.factories import NOW
from analytics.models import RawEvent, RefusedCount
from analytics.rest.batches import read_batch
from analytics.services import tracking
from analytics.tests.factories import keep, make_place, told
from analytics.tests.figures import nothing_known
from analytics.tests.test_tracking import post
from common import clock

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("clock_said", ['"today"', "1e300", '"2096-11-21T12:00:00"', "{}", '"\xff"'])
def test_a_clock_that_cannot_be_read_loses_no_event(client: Client, clock_said: str) -> None:
    """REQ AN-10: it corrects nothing, as if it were not given."""
    place = make_place()
    event = json.dumps({**told(place), "timestamp": None})
    raw = f'{{"events": [{event}], "sent_at": {clock_said}}}'.encode("latin-1")
    answer = post(client, raw)
    assert (answer.status_code, answer.json()["queued"]) == (202, 1)


def test_a_clock_of_nothing_is_a_clock() -> None:
    """REQ AN-10: ``sent_at: 0`` is 1970, and corrects what was timed by it."""
    read = read_batch(b'{"events": [{}], "sent_at": 0}', msgspec.json.Decoder(dict[str, Any]))
    assert read.sent_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_what_says_neither_who_it_is_nor_when_counts_each_time() -> None:
    """REQ AN-01: two bare views are two, of two people too; with a time the same is told again."""
    place = make_place()
    bare = {**told(place), "id": None, "timestamp": None, "session_token": None}
    assert (keep(bare, bare).queued, keep(bare).queued) == (2, 1)
    timed = {**bare, "timestamp": NOW.isoformat()}
    assert (keep(timed).queued, keep(timed).duplicates) == (1, 1)


def test_refusals_are_those_of_the_event_that_was_named(client: Client) -> None:
    """REQ AN-01, AN-10: also where nothing of the batch is any good, and where the event cannot be read."""
    place, event = make_place(), str(make_place().event.pk)
    batch = [
        {**told(place), "type": "OFFER_VIEWED"},
        {**told(place), "entity_id": None},
        {**told(place), "timestamp": "yesterday"},
        {**told(place), "timestamp": "yesterday", "event_id": None, "eventId": event},
        {**told(place), "type": "OFFER_VIEWED", "event_id": str(uuid4())},
    ]
    assert len(post(client, {"events": batch}).json()["rejected"]) == 5
    counted = {(str(one.event_id), one.reason): one.count for one in RefusedCount.objects.all()}
    assert counted == {
        (str(place.event.pk), "unknown_type"): 1, (str(place.event.pk), "invalid"): 2, (event, "invalid"): 1,
        ("None", "unknown_type"): 1,
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_meets_the_databases_end_is_to_be_told_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ AN-01: the connection is gone when the rows go out: 503, nothing is kept; told again it is, once."""
    place = make_place()
    batch = {"events": [told(place, timestamp=clock.now().isoformat()) for _ in range(3)]}
    make_stage = tracking._ensure_stage

    def then_the_end() -> None:
        make_stage()
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])

    with monkeypatch.context() as fault:
        fault.setattr(tracking, "_ensure_stage", then_the_end)
        answer = post(client, batch)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    connection.close()
    assert not RawEvent.objects.exists()
    assert post(client, batch).json()["queued"] == 3
    assert RawEvent.objects.count() == 3
