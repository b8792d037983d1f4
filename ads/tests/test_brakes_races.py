"""Caps under many decisions at once, and indexes that many threads want at once."""

import threading

import pytest
from prometheus_client import REGISTRY

from accounts.tests.factories import NOW
from ads.decision import keys
from ads.decision.index import load
from ads.decision.registry import Registry
from ads.decision.viewers import viewer_of
from ads.services import versions
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, ids, shown
from config.local_stack.testing.race import Race
from config.local_stack.valkey import EmbeddedValkey
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db(transaction=True)

CONTENDERS = 50


@pytest.mark.parametrize("is_warm", [True, False])
def test_fifty_at_once_fill_exactly_the_cap(race: Race, is_warm: bool) -> None:
    """One viewer, cap 3: exactly 3 of 50 parallel decisions are filled, also when none of it was in memory or in
    Redis before (REQ AD-03)."""
    ad = make_ad(frequency_cap=3)
    if is_warm:
        decide_at(ad.event, viewer="another")
    decisions = race(CONTENDERS, lambda _: decide_at(ad.event_id))
    assert [decision for decision in decisions if isinstance(decision, BaseException)] == []
    assert sum(len(decision.ads) for decision in decisions) == 3
    assert not any(decision.degraded for decision in decisions)


def test_without_the_script_there_is_more_than_the_cap(race: Race, valkey: EmbeddedValkey) -> None:
    """The control: to look and then to write is not enough, which is why one script does both (REQ AD-03)."""
    ad = make_ad(frequency_cap=3)
    name = keys.caps(ad.event_id, b"control", NOW.date(), viewer_of(None, "tab-1"))
    everybody_looked = threading.Barrier(CONTENDERS)
    # Each with a connection of its own: the pool has fewer.
    clients = [valkey.client() for _ in range(CONTENDERS)]

    def look_then_write(number: int) -> bool:
        with clients[number] as redis:
            counted = int(redis.hget(name, ad.pk.bytes) or 0)
            everybody_looked.wait(10)
            if counted < ad.frequency_cap:
                redis.hincrby(name, ad.pk.bytes, 1)
        return counted < ad.frequency_cap

    assert race(CONTENDERS, look_then_write).count(True) > 3


def test_one_reads_for_many(race: Race) -> None:
    """A later version is read once however many threads ask for it, and what was decided by the earlier one
    reserves nothing (REQ AD-02)."""
    event = make_event()
    paused = make_ad(event)
    indexes = Registry()
    decide_at(event, indexes=indexes)
    paused.is_active = False
    paused.save()
    kept = make_ad(event)
    versions.bump(event.pk, now=NOW)
    before = _loads()
    decisions = race(12, lambda number: decide_at(event.pk, viewer=f"tab-{number}", indexes=indexes))
    assert [shown(decision) for decision in decisions] == [ids(kept)] * 12
    assert _loads() - before == 1
    assert load(event.pk).version == indexes.of(event.pk).version


def _loads() -> float:
    return REGISTRY.get_sample_value("marquee_ads_index_loads_total") or 0.0
