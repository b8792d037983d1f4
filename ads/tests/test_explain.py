"""Explanations: why each ad would, or would not, be shown."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_member, make_superuser, make_user
from ads.decision import brakes, keys
from ads.decision.explain import MAXIMUM, Explanation, explain
from ads.models import Ad, AdPlacement, AdSpend, AdSpendDay, Pacing, PriceModel
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, redeemed
from common.money import Money
from common.redis import client as redis
from events.models import Event
from events.tests.factories import make_event, make_session

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
EXPLAIN = "/api/v1/ads/explain"


def explained(event: Event, *, session_token: str | None = None, **more: Any) -> dict[str, Explanation]:
    """Explain the hero of an event to its analyst, by the ads' names."""
    analyst = make_member("analyst", organization=event.organization)
    context = {
        "event_id": event.pk, "placement": AdPlacement.EVENT_HERO, "session_id": None, "user_id": None,
        "session_token": session_token, "now": NOW, **more,
    }  # fmt: skip
    return {one.name: one for one in explain(actor=actor_of(analyst), **context).ads}


def codes(one: Explanation) -> list[str]:
    """Return the codes of the reasons."""
    return [reason.code for reason in one.reasons]


def test_each_reason_is_told() -> None:
    """All that speaks against an ad at once, and nothing against one that would be shown (REQ AD-08)."""
    event = make_event()
    mine, other = make_session(event=event), make_session(event=event)
    make_ad(event, name="fine", target_sessions=[mine.pk])
    make_ad(event, name="archived", is_archived=True, is_active=False)
    make_ad(event, name="paused", is_active=False)
    make_ad(event, name="later", starts_at=NOW + HOUR)
    make_ad(event, name="over", ends_at=NOW)
    make_ad(event, name="elsewhere", placements=[AdPlacement.SIDEBAR], target_sessions=[other.pk])
    make_ad(name="of another event")
    told = explained(event, session_id=mine.pk)
    assert {name: codes(one) for name, one in told.items()} == {
        "fine": [], "archived": ["archived", "paused"], "paused": ["paused"], "later": ["not_started"],
        "over": ["ended"], "elsewhere": ["other_placement", "other_session"],
    }  # fmt: skip
    assert next(iter(told)) == "fine"
    assert [one.name for one in told.values() if one.eligible] == ["fine"]
    assert codes(explained(event)["fine"]) == ["other_session"]


def test_shares_are_of_those_that_are_eligible() -> None:
    """The probability of being chosen first (REQ AD-08)."""
    event = make_event()
    make_ad(event, name="light", weight=1)
    make_ad(event, name="heavy", weight=3)
    make_ad(event, name="paused", weight=1000, is_active=False)
    told = explained(event)
    assert [(one.name, one.share) for one in told.values()] == [
        ("heavy", 0.75),
        ("light", 0.25),
        ("paused", 0.0),
    ]


def test_caps_are_told_of_the_viewer_who_is_named() -> None:
    """What was counted today, and what is on its way; without a viewer nothing is said of caps (REQ AD-08)."""
    event = make_event()
    make_ad(event, name="ad", frequency_cap=3)
    redeemed(decide_at(event).ads[0], event)
    decide_at(event)
    told = explained(event, session_token="tab-1")["ad"]
    assert (told.served_today, told.reserved, told.cap, told.eligible) == (1, 1, 3, True)
    decide_at(event)
    told = explained(event, session_token="tab-1")["ad"]
    assert (told.served_today, told.reserved, codes(told)) == (1, 2, ["reserved"])
    assert "saw it 1 times today, 2 more" in told.reasons[0].message
    # Their tokens are over: only what was counted is left. It is of this day alone.
    assert explained(event, session_token="tab-1", now=NOW + 2 * HOUR)["ad"].reserved == 0
    assert explained(event, session_token="tab-1", now=NOW + 24 * HOUR)["ad"].served_today == 0
    nobody = explained(event)["ad"]
    assert (nobody.served_today, nobody.reserved, nobody.eligible) == (None, None, True)
    assert explained(event, user_id=make_user().pk)["ad"].served_today == 0


def test_budgets_are_told_from_what_was_billed() -> None:
    """Spent in all, spent today, ahead of the clock: each by its name, with the money (REQ AD-08)."""
    event = make_event()

    def billed(name: str, total: int, today: int, **values: Any) -> Ad:
        terms = {"price_model": PriceModel.CPM, "price_amount": 500, "pacing": Pacing.ASAP, **values}
        ad = make_ad(event, name=name, **terms)
        AdSpend.objects.filter(pk=ad.pk).update(billed_micros=total)
        AdSpendDay.objects.create(ad=ad, day=NOW.date(), billed_micros=today)
        return ad

    billed("spent", 10_000_000, 0, budget_total_amount=1_000)
    billed("today", 2_000_000, 1_000_000, budget_daily_amount=100)
    # At noon of UTC half of the day is over.
    even = {"budget_daily_amount": 100, "pacing": Pacing.EVEN, "starts_at": NOW - 24 * HOUR}
    billed("ahead", 600_000, 600_000, **even)
    billed("on time", 500_000, 500_000, **even)
    told = explained(event)
    assert {name: codes(one) for name, one in told.items()} == {
        "spent": ["out_of_budget"], "today": ["daily_budget_spent"], "ahead": ["paced"], "on time": [],
    }  # fmt: skip
    one = told["today"]
    assert (one.spent, one.spent_today) == (Money(200, "USD"), Money(100, "USD"))
    assert (one.budget_total, one.budget_daily) == (None, Money(100, "USD"))


def test_what_is_reserved_of_a_budget_counts() -> None:
    """Four decisions that are not shown yet hold a budget of four impressions (REQ AD-08)."""
    ad = make_ad(
        name="ad", price_model=PriceModel.CPM, price_amount=500, pacing=Pacing.ASAP, budget_total_amount=2
    )
    for number in range(4):
        assert explained(ad.event)["ad"].eligible
        decide_at(ad.event, viewer=f"tab-{number}")
    told = explained(ad.event)["ad"]
    assert (codes(told), told.spent) == (["reserved"], Money(0, "USD"))


def test_what_only_waits_is_told_apart() -> None:
    """Reservations alone are no cap and no spent budget: they end by themselves. What was really spent keeps its own
    code, whatever is reserved besides (REQ AD-08)."""
    event = make_event()
    budget = {"price_model": PriceModel.CPM, "price_amount": 500, "pacing": Pacing.ASAP}
    make_ad(event, name="both", frequency_cap=1, budget_total_amount=1, **budget)
    spent = make_ad(event, name="spent", frequency_cap=1, budget_total_amount=1, **budget)
    make_ad(event, name="seen", frequency_cap=2)
    both = {served.candidate.name: served for served in decide_at(event, limit=3).ads}
    assert len(both) == 3
    decide_at(event, viewer="tab-2", limit=3)
    AdSpend.objects.filter(pk=spent.pk).update(billed_micros=10_000)
    redeemed(both["seen"], event)
    redeemed(decide_at(event, ad_id=both["seen"].candidate.id).ads[0], event)
    told = explained(event, session_token="tab-1")
    assert {name: codes(one) for name, one in told.items()} == {
        "both": ["reserved"], "spent": ["out_of_budget", "reserved"], "seen": ["capped"],
    }  # fmt: skip
    [reason] = told["both"].reasons
    assert "1 more are on their way" in reason.message
    assert "not yet shown may need what is left" in reason.message


def test_only_a_page_is_explained() -> None:
    """Two hundred at most, the eligible ones first, then those held back here, then the others by name; each page
    goes on where the one before ended, and shares are of all (REQ AD-08)."""
    event = make_event()
    for name in ("d", "a"):
        make_ad(event, name=name, is_active=False)
    make_ad(event, name="c", weight=3)
    make_ad(event, name="b", weight=1)
    held = make_ad(event, name="z", price_model=PriceModel.CPM, price_amount=500, budget_total_amount=1)
    AdSpend.objects.filter(pk=held.pk).update(billed_micros=10_000)
    everything = list(explained(event))
    assert everything == ["c", "b", "z", "a", "d"]
    for offset in range(6):
        told = explained(event, limit=2, offset=offset)
        assert list(told) == everything[offset : offset + 2]
    assert explained(event, limit=1, offset=1)["b"].share == 0.25
    analyst = make_member("analyst", organization=event.organization)
    Ad.objects.bulk_create(
        Ad(event=event, name=f"more {n}", content_type="BANNER", media_url="https://media.test/ad.png",
           placements=["SIDEBAR"], currency="USD", created_at=NOW, updated_at=NOW)
        for n in range(MAXIMUM)
    )  # fmt: skip
    page = explain(
        actor=actor_of(analyst), event_id=event.pk, placement="EVENT_HERO", session_id=None, user_id=None,
        session_token=None, now=NOW, limit=MAXIMUM + 1,
    )  # fmt: skip
    assert (len(page.ads), page.count, page.eligible) == (MAXIMUM, MAXIMUM + 5, 2)


def test_it_agrees_with_decisions_and_changes_nothing() -> None:
    """Who is told to be eligible is who may be shown; looking reserves nothing (REQ AD-08)."""
    event = make_event()
    for number in range(4):
        make_ad(event, name=f"ad {number}", frequency_cap=1 + number % 2)
    decide_at(event, limit=2)
    before = redis().hgetall(keys.book(event.pk)), brakes.reserved(event.pk, None, NOW.date(), now=NOW)
    eligible = {one.ad_id for one in explained(event, session_token="tab-1").values() if one.eligible}
    assert (
        redis().hgetall(keys.book(event.pk)),
        brakes.reserved(event.pk, None, NOW.date(), now=NOW),
    ) == before
    assert {served.candidate.id for served in decide_at(event, limit=10).ads} == eligible


def test_redis_away_is_no_error(valkey: Any) -> None:
    """What is reserved is not known then; everything else is (REQ AD-08)."""
    ad = make_ad(name="ad")
    decide_at(ad.event)
    valkey.stop()
    assert explained(ad.event, session_token="tab-1")["ad"].reserved == 0


def ask(client: Client, event: Event, user: User | None, **query: Any) -> Any:
    """Ask at the door."""
    given = {"event_id": str(event.pk), "placement": "EVENT_HERO", **query}
    return client.get(EXPLAIN, given, headers={} if user is None else bearer(user))


def test_the_door(client: Client, django_assert_max_num_queries: Callable[..., Any]) -> None:
    """A page of explanations as every list has it, in as many statements for many ads as for one (REQ AD-08)."""
    event = make_event()
    for number in range(12):
        make_ad(event, name=f"ad {number:02}", price_amount=500, budget_total_amount=1_000, price_model="CPM")
    analyst = make_member("analyst", organization=event.organization)
    viewer = make_user()
    with django_assert_max_num_queries(10):
        answer = ask(client, event, analyst, user_id=str(viewer.pk), limit=5, offset=5)
    page = answer.json()
    assert (answer.status_code, page["count"], len(page["results"])) == (200, 12, 5)
    first = page["results"][0]
    assert first == {
        "ad_id": str(Ad.objects.get(name="ad 05").pk), "name": "ad 05", "eligible": True, "reasons": [], "weight": 1,
        "share": pytest.approx(1 / 12), "cap": 3, "served_today": 0, "reserved": 0,
        "spent": {"amount": 0, "currency": "USD"}, "spent_today": {"amount": 0, "currency": "USD"},
        "budget_total": {"amount": 1_000, "currency": "USD"}, "budget_daily": None,
    }  # fmt: skip


def test_who_may_ask(client: Client) -> None:
    """Members from analyst up; nobody else learns that there is such an event (REQ AD-08, EV-03)."""
    event = make_ad().event
    rival = make_member("owner")
    expected = [
        (make_member("analyst", organization=event.organization), 200),
        (make_member("staff", organization=event.organization), 200),
        (make_superuser(), 200),
        (make_member("scanner", organization=event.organization), 403),
        (make_user(), 404),
        (rival, 404),
        (None, 401),
    ]
    assert [ask(client, event, user).status_code for user, _ in expected] == [
        status for _, status in expected
    ]
    missing = Event(pk=uuid4())
    assert ask(client, missing, rival).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"event_id": "x"}, "event_id"), ({"event_id": ""}, "event_id"), ({"placement": "TOP"}, "placement"),
        ({"session_id": "x"}, "session_id"), ({"user_id": "x"}, "user_id"),
        ({"session_token": "x" * 129}, "session_token"),
        ({"color": "red"}, "color"), ({"limit": "201"}, "limit"),
    ],
)  # fmt: skip
def test_each_wrong_parameter_is_named(client: Client, query: dict[str, str], field: str) -> None:
    """400 naming the field (REQ AD-08)."""
    event = make_event()
    analyst = make_member("analyst", organization=event.organization)
    answer = ask(client, event, analyst, **query)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])
