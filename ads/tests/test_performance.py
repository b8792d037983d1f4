"""What ads did, at both doors."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_member, make_user
from ads.micros import minor_units_of
from ads.models import Ad, AdDaily, AdFigures, EventKind
from ads.selectors.performance import performance
from ads.selectors.revenue import revenue_by_day
from ads.services import daily
from ads.tests.ad_doors import GraphQLAds, RestAds
from ads.tests.ad_factories import make_ad
from ads.tests.counted import happen, redeem, refuse
from ads.types.ads import Page
from ads.types.performance import DateRange, PerformancePage
from common.errors import Busy
from common.types import SYSTEM
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

DAY = date(2096, 11, 21)
FIELDS = (
    "adId name status priceModel impressions viewable uniqueViewers uniqueViewersFrom clicks ctr viewability "
    "invalid { impressions clicks byReason { reason count } } spend { amount currency } "
    "overDelivery { amount currency } overDeliveredImpressions overDeliveredClicks dataThrough pendingDays"
)


def seen(event: Event, *days: date, limit: int = 50, offset: int = 0) -> PerformancePage:
    """Read an event's performance as the system does."""
    asked = DateRange(*days)
    return performance(SYSTEM, event.pk, asked=asked, page=Page(limit=limit, offset=offset), now=NOW)


def test_figures_of_an_ad_are_those_of_its_events() -> None:
    """Counts, rates, viewers over the whole range, money, refusals, and how fresh they are. REQ AD-07."""
    ad = make_ad(price_model="CPM", price_amount=500)
    viewer, other = uuid.uuid4(), uuid.uuid4()
    for days_ago, who in ((0, viewer), (0, viewer), (1, viewer), (1, other)):
        happen(ad, NOW - timedelta(days=days_ago), viewer=who, billed_micros=5_000)
    happen(ad, NOW, EventKind.VIEWABLE, viewer=viewer)
    happen(ad, NOW, EventKind.CLICK, viewer=viewer)
    happen(ad, NOW, viewer=viewer, unbilled_micros=5_000)
    refuse(ad, NOW, count=3)
    refuse(ad, NOW, EventKind.CLICK, "duplicate", count=2)
    daily.recompute_event(event_id=ad.event_id, now=NOW)
    redeem(ad, NOW - timedelta(days=1))
    page = seen(ad.event)
    (one,) = page.results
    assert (page.count, page.date_from, page.date_to) == (1, DAY - timedelta(days=29), DAY)
    assert (one.impressions, one.viewable, one.clicks, one.unique_viewers) == (5, 1, 1, 3)
    assert (one.ctr, one.viewability, one.unique_viewers_from) == (0.2, 0.2, None)
    # Two days of a cent each; rounded by day.
    assert (one.spend.amount, one.over_delivery.amount, one.over_delivered_impressions) == (2, 0, 1)
    assert (one.invalid.impressions, one.invalid.clicks) == (3, 2)
    assert one.invalid.by_reason == {"bot": 3, "duplicate": 2}
    assert (one.freshness.as_of, one.freshness.data_through) == (NOW, NOW - timedelta(days=1))
    assert page.freshness.pending_days == 1
    daily.work_dirty(now=NOW)
    (one,) = seen(ad.event, DAY - timedelta(days=1), DAY - timedelta(days=1)).results
    assert (one.impressions, one.unique_viewers, one.clicks, one.ctr) == (3, 3, 0, 0.0)
    assert (one.freshness.pending_days, one.freshness.data_through) == (0, NOW)


def test_a_rate_with_nothing_below_it_is_null() -> None:
    """An ad that was never shown has no rates, and is listed. REQ AD-07."""
    (one,) = seen(make_ad().event).results
    assert (one.impressions, one.ctr, one.viewability, one.unique_viewers) == (0, None, None, 0)


def test_days_are_rounded_as_one_by_one() -> None:
    """What is billed is rounded half to even for each ad and day, in SQL as in Python, in each kind of currency;
    reports of revenue say the same. REQ AD-05, AD-10."""
    sums = [4_999, 5_000, 15_000, 25_000, 25_001, 999_999, 500_000, 1_500_000, 2_500_000, 499, 500, 1_500]
    for currency in ("USD", "JPY", "KWD"):
        ad = make_ad(make_event(currency=currency))
        for ago, micros in enumerate(sums):
            AdDaily.objects.create(
                ad=ad, day=DAY - timedelta(days=ago), event=ad.event, billed_micros=micros, computed_at=NOW
            )
        expected = sum(minor_units_of(micros, currency) for micros in sums)
        (one,) = seen(ad.event).results
        assert (one.spend.amount, one.spend.currency) == (expected, currency)
        days = revenue_by_day(ad.event_id, DAY - timedelta(days=29), DAY)
        assert sum(amount for _, _, amount in days) == expected
        assert days[0] == (DAY - timedelta(days=11), currency, minor_units_of(1_500, currency))


def test_viewers_are_not_known_where_raw_events_are_deleted() -> None:
    """A range that begins in frozen days has no number of viewers, and says from when there is one. REQ AD-07."""
    ad = make_ad()
    frozen = DAY - timedelta(days=10)
    AdDaily.objects.create(
        ad=ad, day=frozen, event=ad.event, impressions=7, unique_viewers=6, invalid_impressions=4, invalid_clicks=1,
        computed_at=NOW, frozen_at=NOW,
    )  # fmt: skip
    until = datetime(2096, 11, 12, tzinfo=UTC)
    AdFigures.objects.create(event=ad.event, time_zone="UTC", frozen_day=frozen, frozen_until=until)
    redeem(ad, NOW)
    daily.work_dirty(now=NOW)
    (one,) = seen(ad.event, frozen, DAY).results
    assert (one.impressions, one.unique_viewers, one.unique_viewers_from) == (8, None, date(2096, 11, 12))
    assert (one.invalid.impressions, one.invalid.clicks, one.invalid.by_reason) == (4, 1, {})
    (one,) = seen(ad.event, date(2096, 11, 12), DAY).results
    assert (one.impressions, one.unique_viewers) == (1, 1)


def test_days_are_those_of_the_event() -> None:
    """An impression at half past eleven at night belongs to that night's day, wherever the server stands. REQ AD-10."""
    ad = make_ad(make_event(time_zone="America/New_York"))
    redeem(ad, datetime(2096, 11, 21, 4, 30, tzinfo=UTC))
    daily.work_dirty(now=NOW)
    (on_20th,) = seen(ad.event, date(2096, 11, 20), date(2096, 11, 20)).results
    (on_21st,) = seen(ad.event, DAY, DAY).results
    assert (on_20th.impressions, on_20th.unique_viewers) == (1, 1)
    assert (on_21st.impressions, on_21st.unique_viewers) == (0, 0)


def test_a_page_of_a_hundred_costs_four_statements() -> None:
    """However many ads and days, a page takes the same few statements; archived ads are listed. REQ AD-07."""
    event = make_event()
    user = make_member(organization=event.organization, role=Role.ANALYST)
    for number in range(101):
        make_ad(
            event, name=f"Ad {number}", is_archived=number == 100, created_at=NOW + timedelta(seconds=number)
        )
    with CaptureQueriesContext(connection) as caught:
        page = performance(
            actor_of(user), event.pk, asked=DateRange(), page=Page(limit=100, offset=0), now=NOW
        )
    # Beside them the limit on their time, and the transaction that it holds for.
    assert len([one for one in caught if one["sql"].startswith(("SELECT", "WITH"))]) == 4
    assert len(caught) == 7
    assert (len(page.results), page.count) == (100, 101)
    assert (page.results[0].name, page.results[0].status) == ("Ad 100", "ARCHIVED")
    assert [one.name for one in seen(event, limit=100, offset=100).results] == ["Ad 0"]
    assert seen(event, offset=101).count == 101


def test_what_takes_too_long_is_refused_and_may_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count of viewers that does not end in time is a 503 that says so, not a connection that is held. REQ AD-07."""
    ad = make_ad()
    happen(ad, NOW)
    monkeypatch.setattr("ads.selectors.performance.FIGURES", "SELECT pg_sleep(3), %(event_id)s")
    monkeypatch.setattr("ads.selectors.performance.STATEMENT_SECONDS", 1)
    with pytest.raises(Busy) as refusal:
        seen(ad.event)
    assert refusal.value.retryable
    monkeypatch.undo()
    assert seen(ad.event).count == 1


@pytest.fixture
def told() -> tuple[Ad, User]:
    """Give an ad with figures and an analyst of its organization."""
    ad = make_ad(price_model="CPC", price_amount=50)
    redeem(ad, NOW)
    redeem(ad, NOW, EventKind.CLICK, billed_micros=500_000)
    refuse(ad, NOW)
    daily.work_dirty(now=NOW)
    return ad, make_member(organization=ad.event.organization, role=Role.ANALYST)


def test_both_doors_tell_the_same(told: tuple[Ad, User]) -> None:
    """REST and GraphQL answer with the same figures of the same range. REQ AD-07."""
    ad, user = told
    path = f"/api/v1/events/{ad.event_id}/ads/performance?date_from=2096-11-20&date_to=2096-11-22&limit=100"
    rest = Client(headers=bearer(user)).get(path).json()
    found = GraphQLAds(user).ask(
        "query($event: ID!) { answer: allAdsPerformance(eventId: $event, dateFrom: \"2096-11-20\", "
        f"dateTo: \"2096-11-22\", limit: 100, offset: 0) {{ {FIELDS} }} }}", {"event": str(ad.event_id)},
    )  # fmt: skip
    assert (rest["count"], rest["next"], rest["time_zone"]) == (1, None, "UTC")
    assert (rest["date_from"], rest["date_to"], rest["pending_days"]) == ("2096-11-20", "2096-11-22", 0)
    (one,) = rest["results"]
    assert one["spend"] == {"amount": 50, "currency": "USD"}
    assert (one["impressions"], one["clicks"], one["ctr"]) == (1, 1, 1.0)
    (other,) = found.data
    other["invalid"]["by_reason"] = {row["reason"]: row["count"] for row in other["invalid"]["by_reason"]}
    told_alone = {"as_of", "data_through"}
    assert {k: v for k, v in other.items() if k not in told_alone} == {
        k: v for k, v in one.items() if k not in told_alone
    }


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"date_from": "2096-11-22", "date_to": "2096-11-21"}, ("date_to", "before_start")),
        ({"date_from": "2095-11-21", "date_to": "2096-11-21"}, ("date_to", "too_many")),
        ({"date_from": "0001-01-01"}, ("date_from", "out_of_range")),
        ({"date_to": "9999-12-31"}, ("date_to", "out_of_range")),
        ({"limit": 101}, ("limit", "")),
        ({"limit": 0}, ("limit", "")),
        ({"date_from": "yesterday"}, ("date_from", "")),
        ({"day": "2096-11-21"}, ("day", "unknown_field")),
    ],
)
def test_a_wrong_range_names_its_field(
    told: tuple[Ad, User], query: dict[str, Any], wrong: tuple[str, str]
) -> None:
    """Backwards, longer than 365 days, more than 100 ads, no date: refused by both doors. REQ AD-07."""
    ad, user = told
    rest = RestAds(user).send("get", f"events/{ad.event_id}/ads/performance", query)
    assert {name for name, _ in rest.errors} == {wrong[0]}
    if wrong[1]:
        assert rest.errors == {wrong}
    if wrong[1] and wrong[0].startswith("date"):
        named = ", ".join(
            f'{"dateFrom" if name == "date_from" else "dateTo"}: "{day}"' for name, day in query.items()
        )
        asked = f'{{ answer: allAdsPerformance(eventId: "{ad.event_id}", {named}) {{ name }} }}'
        assert GraphQLAds(user).ask(asked, {}).errors == {wrong}


def test_365_days_are_taken(told: tuple[Ad, User]) -> None:
    """The longest range, and one day. REQ AD-07."""
    ad, user = told
    path = f"events/{ad.event_id}/ads/performance"
    for first in ("2095-11-22", "2096-11-20"):
        assert RestAds(user).send("get", path, {"date_from": first, "date_to": "2096-11-20"}).code == ""


def test_only_the_organizers_people_read_figures(told: tuple[Ad, User]) -> None:
    """401, 403 and 404 at both doors: nobody, a scanner, another organization's owner, no such event. REQ EV-03."""
    ad, _ = told
    scanner = make_member(organization=ad.event.organization, role=Role.SCANNER)
    stranger = make_member(organization=make_event().organization, role=Role.OWNER)
    for user, event_id, code in (
        (None, ad.event_id, "unauthenticated"), (scanner, ad.event_id, "forbidden"),
        (stranger, ad.event_id, "not_found"), (make_user(), ad.event_id, "not_found"),
        (stranger, uuid.uuid4(), "not_found"),
    ):  # fmt: skip
        assert RestAds(user).send("get", f"events/{event_id}/ads/performance").code == code
        asked = f'{{ answer: allAdsPerformance(eventId: "{event_id}") {{ name }} }}'
        assert GraphQLAds(user).ask(asked, {}).code == code
