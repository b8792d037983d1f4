"""Decisions: who is eligible, by what is in memory; how often; and what that costs."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_member, make_user
from ads.decision import tokens
from ads.decision.types import Decision
from ads.models import AdPlacement
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, ids, shown
from common.errors import NotFound
from common.redis import client
from config.local_stack.valkey import EmbeddedValkey
from events.tests.factories import make_event, make_registration, make_session

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def test_a_decision_is_an_ad_and_a_token_that_says_so() -> None:
    """The token names the ad, the viewer, the place and its own end (REQ AD-04)."""
    ad = make_ad()
    session = make_session(event=ad.event)
    decision = decide_at(ad.event, session_id=session.pk)
    assert shown(decision) == ids(ad)
    assert decision.degraded is False
    claims = tokens.read(decision.ads[0].token)
    assert (claims.ad_id, claims.event_id, claims.session_id) == (ad.pk, ad.event_id, session.pk)
    assert (claims.placement, claims.issued_at) == (AdPlacement.EVENT_HERO, NOW)
    assert claims.expires_at - claims.issued_at == timedelta(hours=1)


def test_only_what_fits_is_eligible() -> None:
    """Paused, archived, elsewhere, another session's, another event's: not shown (REQ AD-02)."""
    event = make_event()
    mine, other = make_session(event=event), make_session(event=event)
    everywhere, targeted = make_ad(event), make_ad(event, target_sessions=[mine.pk])
    make_ad(event, is_active=False)
    make_ad(event, is_archived=True)
    make_ad(event, placements=[AdPlacement.SIDEBAR])
    elsewhere = make_ad(event, target_sessions=[other.pk])
    make_ad()
    at_mine = decide_at(event, session_id=mine.pk, limit=10, viewer="a")
    assert set(shown(at_mine)) == {everywhere.pk, targeted.pk}
    at_other = decide_at(event, session_id=other.pk, limit=10, viewer="b")
    assert set(shown(at_other)) == {everywhere.pk, elsewhere.pk}
    for nowhere in (None, uuid4()):
        assert shown(decide_at(event, session_id=nowhere, limit=10)) == ids(everywhere)


def test_one_ad_can_be_asked_for() -> None:
    """As for one that was announced: that ad, if it is eligible there, or none (REQ AD-02)."""
    event = make_event()
    wanted, _other = make_ad(event, weight=1), make_ad(event, weight=1000)
    sidebar = make_ad(event, placements=[AdPlacement.SIDEBAR])
    assert shown(decide_at(event, ad_id=wanted.pk, limit=10)) == ids(wanted)
    assert shown(decide_at(event, ad_id=sidebar.pk)) == []
    assert shown(decide_at(event, ad_id=uuid4())) == []


def test_several_are_never_the_same() -> None:
    """A decision repeats no ad, and gives no more than there are (REQ AD-02)."""
    event = make_event()
    for _ in range(4):
        make_ad(event)
    assert len(set(shown(decide_at(event, limit=3, viewer="a")))) == 3
    assert len(set(shown(decide_at(event, limit=10, viewer="b")))) == 4
    decided = decide_at(event, limit=4, viewer="c")
    assert len({tokens.read(served.token).decision_id for served in decided.ads}) == 4


def test_a_whole_decision_keeps_the_weights() -> None:
    """1:3 through Redis and all gives a quarter, within four standard errors (REQ AD-02)."""
    event = make_event()
    light, _heavy = make_ad(event, weight=1), make_ad(event, weight=3)
    rng = random.Random(42).random
    counted = Counter(shown(decide_at(event, viewer=f"tab-{n}", rng=rng))[0] for n in range(1_500))
    assert abs(counted[light.pk] / 1_500 - 0.25) < 0.045


# The clocks of New York go back at 6:00 UTC on this day; of Berlin forward at 1:00 UTC on the other.
FALL_BACK, SPRING_FORWARD = datetime(2096, 11, 4, 6, tzinfo=UTC), datetime(2097, 3, 31, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "change"), [("America/New_York", FALL_BACK), ("Europe/Berlin", SPRING_FORWARD), ("UTC", NOW)]
)
def test_schedules_are_right_to_the_second(zone: str, change: datetime) -> None:
    """Half-open windows that begin and end at a change of the clocks hold before any job has run (REQ AD-02)."""
    event = make_event(time_zone=zone)
    before = make_ad(event, starts_at=change - timedelta(hours=1), ends_at=change)
    after = make_ad(event, starts_at=change, ends_at=change + timedelta(hours=1))

    def at(instant: datetime, viewer: str) -> list[Any]:
        return shown(decide_at(event, now=instant, limit=10, viewer=viewer))

    assert at(change - timedelta(hours=1) - SECOND, "a") == []
    assert at(change - timedelta(hours=1), "b") == ids(before)
    assert at(change - SECOND, "c") == ids(before)
    assert at(change - timedelta(microseconds=1), "d") == ids(before)
    assert at(change, "e") == ids(after)
    assert at(change + timedelta(hours=1) - SECOND, "f") == ids(after)
    assert at(change + timedelta(hours=1), "g") == []


def test_who_gives_nothing_gets_one_ad() -> None:
    """No cap holds for somebody new each time, so there is one ad at most (REQ AD-03)."""
    event = make_event()
    for _ in range(3):
        make_ad(event)
    for _ in range(5):
        assert len(decide_at(event, viewer=None, limit=10).ads) == 1
    assert [key for key in client().keys("ads:*") if b":caps:" in key] == []


def test_a_private_event_is_for_its_people() -> None:
    """Registered or a member; for others it is not there (REQ AD-02, EV-03)."""
    ad = make_ad(make_event(private=True))
    registered = make_registration(ad.event).user
    member = make_member("analyst", organization=ad.event.organization)
    for user in (registered, member):
        assert shown(decide_at(ad.event, viewer=user.email, who=lambda user=user: actor_of(user))) == ids(ad)
    with pytest.raises(NotFound):
        decide_at(ad.event)
    with pytest.raises(NotFound):
        decide_at(ad.event, who=lambda: actor_of(make_user()))
    with pytest.raises(NotFound):
        decide_at(uuid4())


def test_a_warm_decision_asks_no_database_and_redis_once(
    django_assert_num_queries: DjangoAssertNumQueries, valkey: EmbeddedValkey
) -> None:
    """Whoever looks, and whatever there is to choose from, it is one script (REQ AD-02)."""
    event = make_event()
    for number in range(30):
        make_ad(event, weight=1 + number, budget_total_amount=5_000, price_model="CPM", price_amount=100)
    decide_at(event)
    with valkey.client() as look:
        before = _commands(look)
        with django_assert_num_queries(0):
            for number in range(20):
                assert len(decide_at(event, viewer=f"tab-{number}", limit=3).ads) == 3
        after = _commands(look)
    # The looking itself is two commands more.
    assert after - before == 20 + 2


def _commands(look: Any) -> int:
    """Return how many commands clients have sent: what scripts call does not count."""
    return int(look.info("stats")["total_commands_processed"]) - sum(
        figures["calls"]
        for name, figures in look.info("commandstats").items()
        if name.removeprefix("cmdstat_")
        in {"hmget", "hset", "hget", "hdel", "expireat", "time", "hgetall", "expire"}
    )


def test_an_empty_event_decides_for_nothing() -> None:
    """No ads: an empty answer, not degraded (REQ AD-02)."""
    assert decide_at(make_event()) == Decision((), degraded=False)
