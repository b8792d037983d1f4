"""The relay when things go wrong: Redis away, hooks lost, news that grew old; and older names."""

import json
from datetime import timedelta

import pytest
import redis
from pytest_django.fixtures import Settings

from common.models import Job
from common.outbox.testing import run_due
from config.local_stack.valkey import EmbeddedValkey
from notifications import tasks
from notifications.models import RealtimeEvent
from notifications.realtime import constants, relay, streams
from notifications.realtime.emitter import NotEmitted
from notifications.realtime.streams import announce
from notifications.tests.factories import NOON
from notifications.tests.realtime import Heard, numbers, relay_all

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_redis_away_for_a_while_delays(valkey: EmbeddedValkey, settings: Settings) -> None:
    """REQ RT-04: the announcement is numbered, waits for Redis, and is told once it is back."""
    valkey.stop()
    announce("event:a", "X", {}, now=NOON)
    assert run_due(NOON) == 1
    job = Job.objects.get()
    assert (job.status, job.attempts, job.run_at) == ("pending", 0, NOON + timedelta(seconds=1))
    assert list(RealtimeEvent.objects.values_list("seq", "state")) == [(1, "numbered")]
    valkey.start()
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as subscription:
        subscription.subscribe(settings.REALTIME_CHANNEL)
        subscription.get_message(timeout=5)
        assert run_due(NOON + timedelta(seconds=60)) == 1
        told = json.loads(subscription.get_message(timeout=5)["data"])
    assert (told["room"], told["data"][0]["seq"]) == ("event:a", 1)
    assert RealtimeEvent.objects.get().state == "published"


@pytest.mark.django_db(transaction=True)
def test_redis_away_for_long_ends_the_waiting(valkey: EmbeddedValkey) -> None:
    """REQ RT-04: after a minute it is old news: nothing waits, nothing is dead, and it can still be read."""
    valkey.stop()
    announce("event:a", "X", {"n": 1}, now=NOON)
    run_due(NOON)
    assert run_due(NOON + timedelta(seconds=60.001)) == 1
    assert list(Job.objects.values_list("status", flat=True)) == ["done"]
    assert list(RealtimeEvent.objects.values_list("seq", "state", "published_at")) == [(1, "late", None)]
    announce("event:a", "X", {"n": 2}, now=NOON + timedelta(seconds=70))
    valkey.start()
    run_due(NOON + timedelta(seconds=70))
    assert list(RealtimeEvent.objects.order_by("id").values_list("seq", "state")) == [
        (1, "late"),
        (2, "published"),
    ]


def test_what_is_of_no_use_any_more_is_not_pushed(heard: Heard) -> None:
    """REQ RT-02: past its own time it keeps its number and is not told."""
    announce("event:a", "OLD", {}, now=NOON, not_after=NOON + timedelta(seconds=5))
    announce("event:a", "NEW", {}, now=NOON)
    relay_all(NOON + timedelta(seconds=5.001))
    assert [(event, data["seq"]) for _, event, data in heard()] == [("NEW", 2)]
    assert list(RealtimeEvent.objects.order_by("seq").values_list("state", flat=True)) == [
        "late",
        "published",
    ]


def test_without_redis_in_the_settings_the_relay_says_so(settings: Settings) -> None:
    """REQ RT-04: there is nobody to tell, and what was announced can still be read."""
    settings.REDIS_URL = ""
    announce("event:a", "X", {}, now=NOON)
    with pytest.raises(NotEmitted):
        relay.relay(streams.shard_of("event:a"), now=NOON)
    assert numbers("event:a") == [1]


@pytest.mark.django_db(transaction=True)
def test_what_a_lost_hook_left_is_found(heard: Heard) -> None:
    """REQ RT-04: killed between its commit and the wake-up, a process leaves rows that the sweep has relayed."""
    announce("event:a", "X", {}, now=NOON)
    Job.objects.all().delete()
    assert tasks.relay_announcements() == 1
    assert run_due() == 1
    assert numbers("event:a") == [1]
    assert tasks.relay_announcements() == 0


@pytest.mark.parametrize("is_on", [False, True])
def test_older_names_are_told_beside_when_a_setting_says_so(
    is_on: bool, heard: Heard, settings: Settings
) -> None:
    """REQ RT-02: the older names with their older payloads, without a number of their own."""
    settings.REALTIME_LEGACY_EVENTS = is_on
    offer = {
        "title": "T",
        "message": "M",
        "join_token": "abc",
        "expires_at": "2026-01-01T00:00:00+00:00",
        "session_id": "s",
    }
    announce("user:a", constants.WAITLIST_OFFER, offer, now=NOON)
    announce("user:a", constants.AD_INJECTED, {"ad": {"id": "1"}}, now=NOON)
    announce("user:a", constants.WAITLIST_OFFER_EXPIRED, {"message": "M", "session_id": "s"}, now=NOON)
    relay_all()
    told = [(event, data) for _, event, data in heard()]
    older = [(event, data) for event, data in told if event.startswith("monetization.")]
    assert [data["seq"] for _, data in told if "seq" in data] == [1, 2, 3]
    renamed = {"sessionId": "s"} | {name: offer[name] for name in offer if name != "session_id"}
    expected = [
        ("monetization.waitlist.spot_available", renamed),
        ("monetization.ad.injected", {"ad": {"id": "1"}}),
    ]
    assert older == (expected if is_on else [])
