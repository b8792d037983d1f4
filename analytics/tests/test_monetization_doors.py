"""The figures of an event at both doors: their shape, their days, and who may ask."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_member, make_superuser, make_user
from ads.models import AdDaily, AdDirtyDay
from analytics.services.monetization import monetization
from analytics.tests.factories import keep, make_place, told
from analytics.tests.figures import DAY, figures, nothing_known, sold
from common.errors import Forbidden, Invalid, NotFound
from common.types import SYSTEM

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


_ASK = """
query ($event: ID!, $day: Date!) { monetizationAnalytics(eventId: $event, dateFrom: $day, dateTo: $day) {
  eventId dateFrom dateTo timeZone currency stale freshness { pendingDays pendingAdDays failures }
  revenue { total { amount currency } fromOffers { amount currency } fromTickets { amount currency }
    fromAds { amount currency } refunds { amount currency } net { amount currency }
    byDay { date fromOffers { amount currency } fromTickets { amount currency } fromAds { amount currency }
      refunds { amount currency } net { amount currency } }
    otherCurrencies { currency total { amount currency } } }
  offers { totalViews uniqueViewers totalClicks totalCarts totalPurchases conversionRate hasClickData
    topPerformers { offerId title views clicks purchases units revenue { amount currency } conversionRate } }
  ads { totalImpressions totalViewable totalClicks averageCTR
    topPerformers { adId name impressions clicks ctr spend { amount currency } } }
  waitlist { totalJoins offersIssued acceptanceRate averageWaitTimeMinutes }
} }
"""


def camel(value):
    """Return an answer of REST with GraphQL's names."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    words = {name: name.split("_") for name in value}
    names = {name: first + "".join(word.title() for word in rest) for name, (first, *rest) in words.items()}
    return {names[name].replace("averageCtr", "averageCTR"): camel(one) for name, one in value.items()}


def test_the_answer(client: Client) -> None:
    """REQ AN-02: the shape that callers rely on; without days the last 30, in the event's zone."""
    place = make_place()
    sold(place.offer)
    owner = make_member("analyst", organization=place.event.organization)
    answer = client.get(
        f"/api/v1/analytics/events/{place.event.pk}/monetization?date_from={DAY}&date_to={DAY}",
        headers=bearer(owner),
    )
    assert answer.status_code == 200
    body = answer.json()
    zero, paid = {"amount": 0, "currency": "USD"}, {"amount": 1999, "currency": "USD"}
    assert body["revenue"] == {
        "total": paid, "from_offers": paid, "from_tickets": zero, "from_ads": zero, "refunds": zero, "net": paid,
        "by_day": [{"date": str(DAY), "from_offers": paid, "from_tickets": zero, "from_ads": zero, "refunds": zero,
                    "net": paid}],
        "other_currencies": [],
    }  # fmt: skip
    assert (body["stale"], body["currency"], body["date_from"]) == (False, "USD", str(DAY))
    assert body["offers"]["total_purchases"] == 1
    assert body["ads"] == {
        "total_impressions": 0, "total_viewable": 0, "total_clicks": 0, "average_ctr": None, "top_performers": [],
    }  # fmt: skip
    assert body["waitlist"]["acceptance_rate"] is None


def test_graphql_says_the_same(client: Client) -> None:
    """REQ AN-02: the same figures by both doors, and the same refusals."""
    place = make_place()
    sold(place.offer)
    AdDaily.objects.create(ad=place.ad, day=DAY, event=place.event, impressions=8, clicks=2, computed_at=NOW)
    analyst = bearer(make_member("analyst", organization=place.event.organization))

    def ask(headers, day=str(DAY)):
        body = {"query": _ASK, "variables": {"event": str(place.event.pk), "day": day}}
        return client.post("/graphql", body, content_type="application/json", headers=headers).json()

    url = f"/api/v1/analytics/events/{place.event.pk}/monetization?date_from={DAY}&date_to={DAY}"
    by_rest = camel(client.get(url, headers=analyst).json())
    by_graphql = ask(analyst)["data"]["monetizationAnalytics"]
    assert by_graphql == {name: by_rest[name] for name in by_graphql}
    assert by_graphql["ads"]["averageCTR"] == 0.25
    assert ask(bearer(make_user()))["errors"][0]["extensions"]["code"] == "not_found"
    assert ask({})["errors"][0]["extensions"]["code"] == "unauthenticated"
    refused = ask(analyst, day="1969-01-01")["errors"][0]["extensions"]
    assert [error["field"] for error in refused["errors"]] == ["dateFrom"]


def test_large_amounts_and_counts_come_by_both_doors(client: Client) -> None:
    """REQ AN-02: 30 million dollars and three thousand million impressions are more than 32 bits hold."""
    place = make_place()
    sold(place.offer)
    AdDaily.objects.create(
        ad=place.ad, day=DAY, event=place.event, impressions=3_000_000_000, clicks=2_500_000_000,
        billed_micros=3_000_000_000 * 10_000, computed_at=NOW,
    )  # fmt: skip
    analyst = bearer(make_member("analyst", organization=place.event.organization))
    url = f"/api/v1/analytics/events/{place.event.pk}/monetization?date_from={DAY}&date_to={DAY}"
    by_rest = camel(client.get(url, headers=analyst).json())
    body = {"query": _ASK, "variables": {"event": str(place.event.pk), "day": str(DAY)}}
    answer = client.post("/graphql", body, content_type="application/json", headers=analyst).json()
    by_graphql = answer["data"]["monetizationAnalytics"]
    assert by_graphql == {name: by_rest[name] for name in by_graphql}
    assert by_graphql["revenue"]["fromAds"] == {"amount": 3_000_000_000, "currency": "USD"}
    assert by_graphql["revenue"]["total"]["amount"] == 3_000_001_999
    assert by_graphql["ads"]["totalImpressions"] == 3_000_000_000


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("date_from=2096-11-22&date_to=2096-11-21", "date_to"),
        ("date_from=2095-11-21&date_to=2096-11-21", "date_to"),
        ("date_from=today", "date_from"), ("date_to=2096-02-30", "date_to"), ("from=2096-11-21", "from"),
        ("date_to=0001-01-01", "date_to"), ("date_from=0001-01-01", "date_from"), ("date_to=9999-12-31", "date_to"),
    ],
)  # fmt: skip
def test_days_that_are_no_range(client: Client, query, field) -> None:
    """REQ AN-03: the field is named; 365 days are the most."""
    place = make_place()
    url = f"/api/v1/analytics/events/{place.event.pk}/monetization?{query}"
    answer = client.get(url, headers=bearer(make_superuser()))
    assert answer.status_code == 400, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_365_days_are_a_range() -> None:
    """REQ AN-03: a whole year, each day there."""
    place = make_place()
    found = figures(place.event, DAY - timedelta(days=364), DAY, "revenue")
    assert len(found.by_day) == 365
    with pytest.raises(Invalid):
        figures(place.event, DAY - timedelta(days=365), DAY, "revenue")


def test_whose_figures_they_are(client: Client) -> None:
    """REQ AN-02: analysts and up of the organization; for others the event is not there; nobody signed in: 401."""
    place = make_place()
    organization = place.event.organization
    asked = {"event_id": place.event.pk, "now": NOW}
    for role in ("analyst", "staff", "admin", "owner"):
        assert (
            monetization(actor=actor_of(make_member(role, organization=organization)), **asked).event
            == place.event
        )
    with pytest.raises(Forbidden):
        monetization(actor=actor_of(make_member("scanner", organization=organization)), **asked)
    with pytest.raises(NotFound):
        monetization(
            actor=actor_of(make_member("owner", organization=make_place().event.organization)), **asked
        )
    with pytest.raises(NotFound):
        monetization(actor=SYSTEM, event_id=uuid4(), now=NOW)
    for method, path in (("get", "monetization"), ("post", "refresh")):
        url = f"/api/v1/analytics/events/{place.event.pk}/{path}"
        assert getattr(client, method)(url).status_code == 401
        assert getattr(client, method)(url, headers=bearer(make_user())).status_code == 404
        scanner = make_member("scanner", organization=organization)
        assert getattr(client, method)(url, headers=bearer(scanner)).status_code == 403


def test_a_refresh_on_demand(client: Client) -> None:
    """REQ AN-04: what was told since the last time is in the figures after it; too many are refused."""
    place = make_place()
    keep(told(place))
    analyst = bearer(make_member("analyst", organization=place.event.organization))
    url = f"/api/v1/analytics/events/{place.event.pk}"
    AdDirtyDay.objects.bulk_create(
        AdDirtyDay(event_id=place.event.pk, day=DAY - timedelta(days=days), marked_at=NOW)
        for days in (0, 1, 1)
    )
    before = client.get(f"{url}/monetization?date_to={DAY}", headers=analyst).json()
    assert before["offers"]["total_views"] == 0
    assert before["freshness"] == {"pending_days": 1, "pending_ad_days": 2, "failures": 0}
    assert client.post(f"{url}/refresh", headers=analyst).json() == {"days": 1, "failures": 0, "waiting": 0}
    after = client.get(f"{url}/monetization?date_to={DAY}", headers=analyst).json()
    assert (after["offers"]["total_views"], after["freshness"]["pending_days"]) == (1, 0)
    codes = [client.post(f"{url}/refresh", headers=analyst).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]


@pytest.mark.parametrize(
    "path", ["monetization?date_from=x", "monetization?date_to=20961121", "monetization?day=1", "export"]
)
def test_who_may_not_read_hears_that_before_what_is_wrong(client: Client, path: str) -> None:
    """REQ AN-02, EV-04: 401, 404 of another organization, 403 of a scanner; 400 for those who may read."""
    place = make_place()
    organization = place.event.organization
    asked = {
        None: 401, make_member("owner"): 404, make_member("scanner", organization=organization): 403,
        make_member("analyst", organization=organization): 400,
    }  # fmt: skip
    address = f"/api/v1/analytics/events/{place.event.pk}/{path}"
    found = [client.get(address, headers=bearer(who) if who else {}).status_code for who in asked]
    assert found == list(asked.values())
