"""Streams: what is announced is numbered and pushed once it is true, in order, without a gap."""

from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from common import clock
from common.models import Job
from common.outbox.testing import run_due
from config.local_stack.testing.race import Race
from notifications.models import RealtimeEvent, RealtimeStream
from notifications.realtime import relay, streams
from notifications.realtime.streams import Announcement, announce, announce_many
from notifications.tests.factories import NOON
from notifications.tests.realtime import Heard, numbers, relay_all

pytestmark = pytest.mark.django_db


def test_events_are_numbered_and_told_in_their_order(heard: Heard) -> None:
    """REQ RT-06: {event_id, stream, seq, ...payload}; seq rises by one in each stream."""
    for number in range(3):
        announce("event:a", "X", {"n": number}, now=NOON)
    announce("user:b", "Y", {"n": 7}, now=NOON)
    assert numbers("event:a") == [None, None, None]
    relay_all()
    told = heard()
    assert [(event, data["seq"], data["n"]) for room, event, data in told if room == "event:a"] == [
        ("X", 1, 0),
        ("X", 2, 1),
        ("X", 3, 2),
    ]
    event = RealtimeEvent.objects.get(stream="user:b")
    assert [one for one in told if one[0] == "user:b"] == [
        ("user:b", "Y", {"event_id": str(event.event_id), "stream": "user:b", "seq": 1, "n": 7})
    ]
    assert (event.state, event.published_at) == ("published", NOON)
    relay_all()
    assert heard() == []
    announce("event:a", "X", {"n": 3}, now=NOON)
    relay_all()
    assert [data["seq"] for _, _, data in heard()] == [4]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_of_a_transaction_that_rolled_back(heard: Heard) -> None:
    """REQ RT-04: no row, no job, no number, no event; an inner block that was rolled back takes its own alone."""
    with suppress(ZeroDivisionError), transaction.atomic():
        announce("event:a", "X", {}, now=NOON)
        raise ZeroDivisionError
    assert (RealtimeEvent.objects.count(), Job.objects.count()) == (0, 0)
    with transaction.atomic():
        with suppress(ZeroDivisionError), transaction.atomic():
            announce("event:a", "LOST", {}, now=NOON)
            raise ZeroDivisionError
        announce("event:a", "KEPT", {}, now=NOON)
        assert Job.objects.count() == 0
    assert run_due(NOON) == 1
    assert [(event, data["seq"]) for _, event, data in heard()] == [("KEPT", 1)]


@pytest.mark.django_db(transaction=True)
def test_a_commit_asks_for_one_relay_however_much_was_announced(heard: Heard) -> None:
    """REQ RT-04: a hundred commits before the relay begins are one job for each part of the streams."""
    for number in range(100):
        with transaction.atomic():
            announce("event:a", "X", {"n": number}, now=NOON)
            announce("event:a", "X", {"n": -number}, now=NOON)
    assert Job.objects.filter(kind=streams.RELAY_JOB).count() == 1
    assert run_due(NOON) == 1
    assert [data["seq"] for _, _, data in heard()] == list(range(1, 201))


@pytest.mark.django_db(transaction=True)
def test_five_thousand_streams_take_one_insert_and_a_few_jobs(
    heard: Heard, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """REQ RT-02 (query budget): one INSERT for all of them, then one job for each part of the streams."""
    many = [Announcement(f"user:{uuid4()}", "X", {"n": number}) for number in range(5_000)]
    with transaction.atomic(), django_assert_num_queries(1):
        announce_many(many, now=NOON)
    assert Job.objects.filter(kind=streams.RELAY_JOB).count() == streams.SHARDS
    assert run_due(NOON) == streams.SHARDS
    assert RealtimeEvent.objects.filter(state="published", seq=1).count() == 5_000
    assert sorted(data["n"] for _, _, data in heard()) == list(range(5_000))


@pytest.mark.parametrize("streams_count", [1, 400])
def test_a_relay_takes_as_many_statements_for_one_stream_as_for_four_hundred(
    streams_count: int, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    """REQ RT-02 (query budget): lock and number; lock, late, read, mark; and each step's transaction."""
    names = [f"user:{uuid4()}" for _ in range(streams_count * 20)]
    chosen = [name for name in names if streams.shard_of(name) == 1][:streams_count]
    announce_many([Announcement(name, "X", {}) for name in chosen for _ in range(2)], now=NOON)
    rounds = -(-len(chosen) * 2 // relay.BATCH)
    with django_assert_num_queries(10 * rounds):
        assert relay.relay(1, now=NOON)
    assert RealtimeEvent.objects.filter(state="published").count() == len(chosen) * 2 > 0


def test_an_unfinished_relay_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ RT-02: a job ends before its lease does; what is left is the next one's."""
    monkeypatch.setattr(relay, "BATCH", 2)
    monkeypatch.setattr(relay, "MOST_BATCHES", 2)
    announce_many([Announcement("event:a", "X", {"n": number}) for number in range(5)], now=NOON)
    shard = streams.shard_of("event:a")
    assert not relay.relay(shard, now=NOON)
    assert RealtimeEvent.objects.filter(state="published").count() == 4
    assert relay.relay(shard, now=NOON)
    assert numbers("event:a") == [1, 2, 3, 4, 5]


@pytest.mark.django_db(transaction=True)
def test_a_relay_killed_before_it_said_so_is_repeated_under_the_same_number(heard: Heard) -> None:
    """REQ RT-04, RT-06: at least once; a repetition has the same event_id and seq, and later rows do not shift it."""
    shard = streams.shard_of("event:a")
    announce("event:a", "X", {"n": 1}, now=NOON)
    relay.number(shard)
    with suppress(ZeroDivisionError), transaction.atomic():
        relay.publish_numbered(shard, now=NOON)
        raise ZeroDivisionError  # killed after the publishing, before the commit
    announce("event:a", "X", {"n": 2}, now=NOON)
    relay.relay(shard, now=NOON)
    told = [(data["event_id"], data["seq"], data["n"]) for _, _, data in heard()]
    assert told[0] == told[1]
    assert [one[1:] for one in told] == [(1, 1), (1, 1), (2, 2)]


@pytest.mark.django_db(transaction=True)
def test_a_late_commit_gets_a_later_number_and_is_told_later(heard: Heard) -> None:
    """REQ RT-06: what was written first and committed last comes last; what was told keeps its number."""
    shard = streams.shard_of("event:a")
    announce("event:a", "X", {"n": 1}, now=NOON)
    announce("event:a", "X", {"n": 2}, now=NOON)
    first = RealtimeEvent.objects.earliest("id")
    # As if the first were still in its transaction: the relay that numbers does not see it yet.
    RealtimeEvent.objects.filter(id=first.id).update(shard=99)
    relay.number(shard)
    RealtimeEvent.objects.filter(id=first.id).update(shard=shard)
    relay.relay(shard, now=NOON)
    assert [(data["seq"], data["n"]) for _, _, data in heard()] == [(1, 2), (2, 1)]


def _race_of_relays(race: Race) -> tuple[list[int], int]:
    """Let eight relays and four announcers contend; return the numbers given and the counter."""
    shard = streams.shard_of("event:a")

    def act(contender: int) -> None:
        for number in range(10):
            if contender % 3 == 0:
                announce_many([Announcement("event:a", "X", {"n": number}) for _ in range(5)], now=NOON)
            else:
                relay.number(shard)

    results = race(12, act)
    assert results == [None] * 12
    relay.number(shard)
    given = RealtimeEvent.objects.order_by("seq").values_list("seq", flat=True)
    return list(given), RealtimeStream.objects.get().last_seq


@pytest.mark.django_db(transaction=True)
def test_relays_at_once_never_number_twice_nor_leave_a_gap(race: Race) -> None:
    """REQ RT-06: however many relays there are, 1, 2, 3, ..., and the counter says the last."""
    assert _race_of_relays(race) == (list(range(1, 201)), 200)


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_numbers_are_lost(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race above finds what the lock prevents: two relays take numbers for the same rows."""
    monkeypatch.setattr(relay, "_lock", lambda shard: None)
    for _ in range(20):
        given, last = _race_of_relays(race)
        if given != list(range(1, len(given) + 1)) or last != len(given):
            return
        RealtimeEvent.objects.all().delete()
        RealtimeStream.objects.all().delete()
    pytest.fail("without its lock the relay should have left a gap")


@pytest.mark.parametrize(
    ("room", "event", "payload", "error"),
    [
        ("", "X", {}, ValueError),
        ("r" * 101, "X", {}, ValueError),
        ("event:a", "", {}, ValueError),
        ("event:a", "X" * 81, {}, ValueError),
        ("event:a", "X", {"seq": 1}, ValueError),
        ("event:a", "X", {"event": "Y"}, ValueError),
        ("event:a", "X", {"id": uuid4()}, TypeError),
        ("event:a", "X", {"price": Decimal(1)}, TypeError),
        ("event:a", "X", {"at": clock.now()}, TypeError),
        ("event:a", "X", {"n": float("nan")}, ValueError),
    ],
)
def test_what_cannot_be_told_is_refused_at_once(
    room: str, event: str, payload: dict[str, Any], error: type[Exception]
) -> None:
    """REQ RT-02: JSON primitives, a room, and none of the envelope's names; else nothing is written."""
    with pytest.raises(error):
        announce_many([Announcement("event:a", "X", {}), Announcement(room, event, payload)], now=NOON)
    assert not RealtimeEvent.objects.exists()
    announce_many([], now=NOON)
    assert not RealtimeEvent.objects.exists()
