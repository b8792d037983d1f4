"""Decisions without Redis, with one that forgot everything, and with one that others wrote into."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from accounts.tests.factories import NOW
from ads.decision import brakes, keys, restoring, tokens
from ads.decision.registry import Registry
from ads.models import Ad, AdIndexVersion, AdSpend, AdSpendDay, Pacing, PriceModel
from ads.services import versions
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, ids, redeemed, shown
from ads.tests.test_serving_door import serve
from common import redis
from common.outbox.models import Job
from common.outbox.testing import run_due
from config.local_stack.valkey import EmbeddedValkey
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _closed_breaker() -> Iterator[None]:
    redis.breaker.reset()
    yield
    redis.breaker.reset()


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def warnings(caplog: pytest.LogCaptureFixture, name: str) -> int:
    """Return how often a warning was logged."""
    return sum(isinstance(record.msg, dict) and record.msg.get("event") == name for record in caplog.records)


def test_without_redis_there_is_one_ad_at_most(
    client: Client, valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    """200, degraded, one warning however many decisions; whole again once Redis is back (REQ AD-03)."""
    event = make_event()
    for _ in range(3):
        make_ad(event)
    assert serve(client, event.pk, limit=5, session_token="tab-0").json()["degraded"] is False
    caplog.clear()
    valkey.stop()
    for number in range(6):
        answer = serve(client, event.pk, limit=5, session_token=f"tab-{number}")
        assert (answer.status_code, answer.json()["degraded"], len(answer.json()["ads"])) == (200, True, 1)
        assert tokens.read(answer.json()["ads"][0]["token"]).event_id == event.pk
    assert warnings(caplog, "ads_degraded") == 1
    assert redis.breaker.is_open
    valkey.start()
    redis.breaker.reset()
    answer = serve(client, event.pk, limit=5, session_token="tab-1").json()
    assert (answer["degraded"], len(answer["ads"])) == (False, 3)
    assert warnings(caplog, "ads_whole_again") == 1


def test_a_redis_that_hangs_costs_its_time_out(valkey: EmbeddedValkey) -> None:
    """Half a second for the first, nothing for those whom the breaker spares (REQ AD-03)."""
    ad = make_ad()
    decide_at(ad.event)
    with valkey.client() as admin:
        admin.client_pause(3_500, all=True)
    started = time.monotonic()
    decision = decide_at(ad.event)
    assert (shown(decision), decision.degraded) == (ids(ad), True)
    assert time.monotonic() - started < 2.0
    for _ in range(2):
        decide_at(ad.event, viewer="b")
    waits = []
    for _ in range(3):
        started = time.monotonic()
        assert decide_at(ad.event, viewer="c").degraded
        waits.append(time.monotonic() - started)
    # The shortest: what a busy machine adds is not Redis's.
    assert min(waits) < 0.2


def test_without_redis_a_viewer_is_capped_all_the_same(valkey: EmbeddedValkey) -> None:
    """By what this process gave them: never unlimited (REQ AD-03)."""
    event = make_event()
    first, second = make_ad(event, frequency_cap=2, weight=1000), make_ad(event, frequency_cap=1)
    valkey.stop()
    given = [ad for _ in range(8) for ad in shown(decide_at(event))]
    assert (given.count(first.pk), given.count(second.pk), len(given)) == (2, 1, 3)
    assert len(shown(decide_at(event, viewer="another"))) == 1


def test_without_redis_a_pause_and_spent_budgets_are_known_within_a_second(valkey: EmbeddedValkey) -> None:
    """The version is read from the database again, and so is what was billed (REQ AD-03, AD-05)."""
    clock = Hands()
    indexes = Registry(clock=clock)
    event = make_event()
    paused = make_ad(event, weight=1000)
    priced = make_ad(
        event, price_model=PriceModel.CPM, price_amount=500, budget_total_amount=1, pacing=Pacing.ASAP
    )  # fmt: skip
    assert shown(decide_at(event, indexes=indexes, viewer=None, ad_id=paused.pk)) == ids(paused)
    valkey.stop()
    Ad.objects.filter(pk=paused.pk).update(is_active=False)
    AdIndexVersion.objects.filter(pk=event.pk).update(version=10)
    clock.seconds += 0.9
    assert shown(decide_at(event, indexes=indexes, viewer=None, ad_id=paused.pk)) == ids(paused)
    clock.seconds += 0.2
    assert shown(decide_at(event, indexes=indexes, viewer=None, ad_id=paused.pk)) == []
    assert shown(decide_at(event, indexes=indexes, viewer=None)) == ids(priced)
    AdSpend.objects.filter(pk=priced.pk).update(billed_micros=10_000)
    time.sleep(1.05)
    assert shown(decide_at(event, indexes=indexes, viewer=None)) == []


def test_after_a_flush_the_caps_are_restored_from_what_was_counted(valkey: EmbeddedValkey) -> None:
    """Not a cap is exceeded and no spend forgotten: before they are back decisions are degraded (REQ AD-03)."""
    event = make_event()
    ad = make_ad(event, frequency_cap=3)
    priced = make_ad(
        event,
        price_model=PriceModel.CPM,
        price_amount=500,
        budget_daily_amount=1,
        pacing=Pacing.ASAP,
        weight=1,
    )
    for _ in range(3):
        redeemed(decide_at(event, ad_id=ad.pk).ads[0], event)
    redeemed(decide_at(event, viewer="b", ad_id=ad.pk).ads[0], event)
    AdSpend.objects.filter(pk=priced.pk).update(billed_micros=10_000)
    AdSpendDay.objects.create(ad=priced, day=NOW.date(), billed_micros=10_000)
    valkey.flush()
    decision = decide_at(event)
    assert (shown(decision), decision.degraded) == ([], False)
    assert sum(len(decide_at(event, viewer="b").ads) for _ in range(5)) == 2
    assert sum(len(decide_at(event, viewer="c").ads) for _ in range(5)) == 3


def test_a_large_day_is_restored_by_a_job(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Until it has run, decisions of that event are degraded, which is told once; afterwards they are right
    (REQ AD-03)."""
    whole = make_ad(frequency_cap=100).event
    monkeypatch.setattr(restoring, "AT_ONCE", 1)
    ad = make_ad(frequency_cap=2)
    event = ad.event
    for _ in range(2):
        redeemed(decide_at(event).ads[0], event)
    valkey.flush()
    caplog.clear()
    for _ in range(3):
        assert decide_at(event).degraded
        assert not decide_at(whole).degraded
    assert (warnings(caplog, "ads_degraded"), warnings(caplog, "ads_whole_again")) == (1, 0)
    assert Job.objects.filter(kind=brakes.RESTORE, status="pending").count() == 1
    assert run_due(NOW) == 1
    decision = decide_at(event)
    assert (shown(decision), decision.degraded) == ([], False)


def test_what_was_counted_while_redis_was_away_is_restored(valkey: EmbeddedValkey) -> None:
    """A redemption that could not be told is in the caps as soon as Redis is back (REQ AD-03)."""
    ad = make_ad(frequency_cap=1)
    event = ad.event
    served = decide_at(event).ads[0]
    valkey.stop()
    redeemed(served, event)
    redeemed(decide_at(event, viewer="b").ads[0], event)
    valkey.start()
    redis.breaker.reset()
    assert run_due(NOW) == 1
    for viewer in ("tab-1", "b"):
        decision = decide_at(event, viewer=viewer)
        assert (shown(decision), decision.degraded) == ([], False)


def _book(event: Event) -> bytes:
    return keys.book(event.pk)


def _caps(event: Event) -> bytes:
    [name] = [key for key in redis.client().keys("ads:*") if b":caps:" in key]
    return bytes(name)


JUNK: list[Any] = [
    lambda event, ad: (redis.client().delete(_book(event)), redis.client().set(_book(event), "junk")),
    lambda event, ad: (redis.client().delete(_book(event)), redis.client().lpush(_book(event), "junk")),
    lambda event, ad: redis.client().hset(_book(event), mapping={"version": "junk", "epoch": "junk"}),
    lambda event, ad: redis.client().hdel(_book(event), "epoch"),
    lambda event, ad: (name := _caps(event), redis.client().delete(name), redis.client().set(name, "junk")),
    lambda event, ad: redis.client().hset(_caps(event), ad.pk.bytes, "junk"),
    lambda event, ad: redis.client().hset(_caps(event), ad.pk.bytes, b"\xff\xfe;;9"),
    lambda event, ad: redis.client().hset(_book(event), "version", "1e400"),
    lambda event, ad: redis.client().hset(_book(event), "version", "nan"),
    lambda event, ad: redis.client().hset(_book(event), "version", "9" * 40),
]


@pytest.mark.parametrize("number", range(len(JUNK)))
def test_what_others_wrote_into_the_keys_breaks_nothing(number: int) -> None:
    """Whatever was put there, the cap holds and the answer is an answer (REQ AD-03)."""
    ad = make_ad(frequency_cap=2)
    event = ad.event
    for _ in range(2):
        redeemed(decide_at(event).ads[0], event)
    assert shown(decide_at(event)) == []
    JUNK[number](event, ad)
    for _ in range(3):
        assert shown(decide_at(event)) == []
    served = decide_at(event, viewer="b").ads[0]
    if number < 4:
        JUNK[number](event, ad)
    redeemed(served, event)
    assert sum(len(decide_at(event, viewer="b").ads) for _ in range(3)) == 1


@pytest.mark.parametrize(("field", "value"), [(b"t:", "nan"), (b"t:", "-1e9"), (b"d:", "2096-11-21|x")])
def test_what_others_wrote_of_spend_is_read_anew(field: bytes, value: str) -> None:
    """A budget that is spent stays spent (REQ AD-05)."""
    ad = make_ad(
        price_model=PriceModel.CPM, price_amount=500, budget_total_amount=1, budget_daily_amount=1,
        pacing=Pacing.ASAP,
    )  # fmt: skip
    decide_at(ad.event)
    AdSpend.objects.filter(pk=ad.pk).update(billed_micros=10_000)
    AdSpendDay.objects.create(ad=ad, day=NOW.date(), billed_micros=10_000)
    redis.client().hset(_book(ad.event), field + ad.pk.bytes, value)
    decision = decide_at(ad.event, viewer="b")
    assert (shown(decision), decision.degraded) == ([], False)


def test_a_full_redis_is_degraded() -> None:
    """Where it refuses to take more there is one ad, and no error (REQ AD-03)."""
    ad = make_ad()
    decide_at(ad.event)
    redis.client().config_set("maxmemory", 1)
    try:
        decision = decide_at(ad.event)
    finally:
        redis.client().config_set("maxmemory", 0)
    assert (shown(decision), decision.degraded) == (ids(ad), True)


def test_a_version_that_the_database_never_had_goes() -> None:
    """After the database was put back to an earlier day, decisions are whole again after one restoring
    (REQ AD-02)."""
    ad = make_ad()
    decide_at(ad.event)
    brakes.publish(ad.event_id, 999)
    before = _restored()
    for _ in range(3):
        assert decide_at(ad.event).degraded is False
    assert _restored() - before == 1
    assert redis.client().hget(_book(ad.event), "version") == b"2"


def test_a_version_told_while_it_is_restored_stays() -> None:
    """Restoring lowers only what was told before it began (REQ AD-02)."""
    ad = make_ad()
    decide_at(ad.event)
    AdIndexVersion.objects.filter(pk=ad.event_id).update(version=7)
    assert versions.publish(ad.event_id)
    assert restoring.restore(ad.event_id, now=NOW)
    assert redis.client().hget(_book(ad.event), "version") == b"7"


def test_only_one_restores() -> None:
    """Whoever comes while somebody restores leaves it to them, and takes over when they died (REQ AD-03)."""
    ad = make_ad()
    decide_at(ad.event)
    book = _book(ad.event)
    redis.client().hdel(book, "epoch")
    began = int(redis.client().time()[0])
    redis.client().hset(book, mapping={"building": "another", "began": began})
    assert restoring.restore(ad.event_id, now=NOW) is False
    redis.client().hset(book, "began", began + 10_000)
    assert restoring.restore(ad.event_id, now=NOW) is True
    redis.client().hset(book, mapping={"building": "another", "began": began - 31})
    assert restoring.restore(ad.event_id, now=NOW) is True
    assert redis.client().hget(book, "building") is None


def _restored() -> float:
    return REGISTRY.get_sample_value("marquee_ads_brakes_restored_total") or 0.0
