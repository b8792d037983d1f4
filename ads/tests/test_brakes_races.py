"""Caps under many decisions at once, and indexes that many threads want at once."""

import hashlib
import threading
from typing import Any

import pytest
from prometheus_client import REGISTRY

from accounts.tests.factories import NOW
from ads.decision import brakes, keys, restoring
from ads.decision.connections import Script, bulk
from ads.decision.index import load
from ads.decision.registry import Registry
from ads.services import versions
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, ids, shown
from common.redis import client
from config.local_stack.testing.race import Race
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


def test_without_the_scripts_look_at_the_cap_there_is_more(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same race on the same code fills more than the cap once the script does not ask for it, and
    nothing else holds it back (REQ AD-03)."""
    monkeypatch.setattr(brakes, "_take", without(Script("take"), _CAP))
    ad = make_ad(frequency_cap=3)
    decisions = race(CONTENDERS, lambda _: decide_at(ad.event_id))
    assert sum(len(decision.ads) for decision in decisions) > 3


def test_looking_and_reserving_apart_is_more_than_the_cap(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of doing both in one: where all looks come before the first reservation, all of the same code's
    decisions are filled (REQ AD-03)."""
    ad = make_ad(frequency_cap=3)
    decide_at(ad.event, viewer="another")
    look, reserve = without(Script("take"), _KEEPS), brakes._take
    everybody_looked = threading.Barrier(CONTENDERS)

    def in_two_steps(*given: Any) -> Any:
        letters = look(*given)
        everybody_looked.wait(10)
        reserve(*given)
        return letters

    monkeypatch.setattr(brakes, "_take", in_two_steps)
    decisions = race(CONTENDERS, lambda _: decide_at(ad.event_id))
    assert sum(len(decision.ads) for decision in decisions) == CONTENDERS


# The condition of the script that holds the cap, and the one under which it writes what it took.
_CAP = "counted + #open >= cap"
_KEEPS = "#changed > 0"


def without(script: Script, condition: str) -> Script:
    """Return the real script with one of its conditions never true."""
    assert script.source.count(condition) == 1
    broken = Script("take")
    broken.source = script.source.replace(condition, "false")
    sha = hashlib.sha1(broken.source.encode(), usedforsecurity=False).hexdigest()
    broken._head = bulk(b"EVALSHA") + bulk(sha.encode())
    return broken


@pytest.mark.parametrize("is_late", [True, False])
def test_who_comes_late_to_restore_forgets_nothing(is_late: bool) -> None:
    """Told that caps are missing, and slow: meanwhile another one restored them and an ad was reserved to the last of
    its cap. It stays reserved. The control is a restoring that does not say what it was told (REQ AD-03)."""
    ad = make_ad(frequency_cap=1)
    assert shown(decide_at(ad.event_id)) == ids(ad)
    if is_late:
        assert restoring.restore_now(ad.event_id, now=NOW, told=b"m")
    else:
        assert restoring.restore(ad.event_id, now=NOW)
    assert len(shown(decide_at(ad.event_id))) == (0 if is_late else 1)


def test_a_version_that_nobody_knows_is_restored_once() -> None:
    """The first who was told of it puts the book right; for the second it is another version by then (REQ AD-02)."""
    ad = make_ad(frequency_cap=1)
    decide_at(ad.event_id, viewer="another")
    client().hset(keys.book(ad.event_id).decode(), "version", "99")
    assert shown(decide_at(ad.event_id)) == ids(ad)
    assert client().hget(keys.book(ad.event_id).decode(), "version") != b"99"
    assert restoring.restore(ad.event_id, now=NOW, told=b"v99")
    assert shown(decide_at(ad.event_id)) == []


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
