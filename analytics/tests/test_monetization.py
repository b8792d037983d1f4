"""The figures of an event: from money that moved and things that happened, in the event's own days."""

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_member, make_superuser, make_user
from ads.models import AdDaily, AdDirtyDay
from ads.tests.ad_factories import make_ad
from analytics.models import LastAnswer
from analytics.services.known import known
from analytics.services.monetization import monetization
from analytics.services.rollup import refresh
from analytics.tests.factories import keep, make_place, told
from common.errors import Forbidden, Invalid, NotFound
from common.money import Money
from common.types import SYSTEM
from events.tests.factories import make_attendance
from offers.models import Offer
from offers.tests.factories import give, make_offer
from payments.models import LedgerEntry, Order, Payment
from waitlist.models import Entry
from waitlist.tests.factories import make_full_session, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_known():
    """What a test's transaction takes back, a process must not remember."""
    known.forget()


def sold(
    offer: Offer, at: datetime = NOW, *, quantity: int = 1, back: int = 0, back_at: datetime | None = None
) -> None:
    """Sell units at a time, and give some of the money back at another."""
    order = give(offer, make_user(), quantity=quantity).order
    Order.objects.filter(pk=order.pk).update(paid_at=at, created_at=at)
    payment = Payment.objects.create(
        order=order, attempt=1, amount=order.amount, currency=order.currency, created_at=at,
        idempotency_key=uuid4().hex,
    )  # fmt: skip
    move(order, payment, "charge", order.amount, at)
    if back:
        move(order, payment, "refund", -back, back_at or at)


def move(order: Order, payment: Payment, kind: str, amount: int, at: datetime) -> None:
    """Write a movement into the ledger."""
    LedgerEntry.objects.create(
        order=order, payment=payment, kind=kind, amount=amount, currency=order.currency, stripe_id=uuid4().hex,
        occurred_at=at, recorded_at=at,
    )  # fmt: skip


def figures(event, first: date, last: date, part: str):
    """Return one part of an event's figures."""
    found = monetization(actor=SYSTEM, event_id=event.pk, date_from=first, date_to=last, now=NOW)
    return found.parts[part].figures


DAY = NOW.date()


def test_revenue_is_what_moved() -> None:
    """REQ AN-02, AN-10: gross by day of the event's zone, refunds on their own day, every day there, net below."""
    place = make_place(time_zone="America/New_York")
    sold(place.offer, datetime.fromisoformat("2096-11-20T04:59:59Z"), quantity=2)  # the 19th there
    sold(place.offer, datetime.fromisoformat("2096-11-20T05:00:00Z"), back=500, back_at=NOW)
    sold(place.offer, datetime.fromisoformat("2096-11-18T04:59:59Z"))  # the 17th: before
    found = figures(place.event, date(2096, 11, 18), date(2096, 11, 21), "revenue")
    usd = lambda amount: Money(amount, "USD")  # noqa: E731
    assert (found.total, found.from_offers, found.refunds, found.net) == (
        usd(5997),
        usd(5997),
        usd(500),
        usd(5497),
    )
    assert [(day.date.day, day.from_offers.amount, day.refunds.amount, day.net.amount) for day in found.by_day] == [
        (18, 0, 0, 0), (19, 3998, 0, 3998), (20, 1999, 0, 1999), (21, 0, 500, -500),
    ]  # fmt: skip
    assert found.other_currencies == ()


def test_a_lost_dispute_goes_back_and_a_won_one_comes_again() -> None:
    """REQ AN-10: what the bank took counts like a refund, Stripe's fee does not, a failed refund is undone."""
    place = make_place()
    sold(place.offer)
    payment = Payment.objects.get()
    for kind, amount in (
        ("fee", -90), ("dispute_withdrawn", -1999), ("dispute_reinstated", 1999), ("refund", -700),
        ("refund_failed", 700),
    ):  # fmt: skip
        move(payment.order, payment, kind, amount, NOW)
    found = figures(place.event, DAY, DAY, "revenue")
    assert (found.total.amount, found.refunds.amount, found.net.amount) == (1999, 0, 1999)


def test_currencies_are_never_added_together() -> None:
    """REQ AN-10: the event's own is shown, each other by itself."""
    place = make_place()
    sold(place.offer)
    sold(make_offer(event=place.event, currency="JPY", price=3000))
    found = figures(place.event, DAY, DAY, "revenue")
    assert found.total == Money(1999, "USD")
    assert [(one.currency, one.total) for one in found.other_currencies] == [("JPY", Money(3000, "JPY"))]


def test_tickets_and_ads_are_told_apart() -> None:
    """REQ AN-02, AD-05: each source by itself; an ad's micro-units are rounded for each day."""
    place = make_place()
    sold(place.offer)
    Order.objects.update(purpose="ticket")
    for day, micros in ((DAY, 1_234_999), (DAY - timedelta(days=1), 5_000)):
        AdDaily.objects.create(ad=place.ad, day=day, event=place.event, billed_micros=micros, computed_at=NOW)
    found = figures(place.event, DAY - timedelta(days=1), DAY, "revenue")
    assert (found.from_offers.amount, found.from_tickets.amount, found.from_ads.amount) == (0, 1999, 123)
    assert found.total.amount == 2122 == sum(day.net.amount for day in found.by_day)
    (ad,) = figures(place.event, DAY - timedelta(days=1), DAY, "ads").top_performers
    assert ad.spend == found.from_ads


def test_offers_by_what_was_told_and_bought() -> None:
    """REQ AN-02: views, clicks, purchases, a rate between 0 and 1, best first; a refund takes no purchase away."""
    place = make_place()
    other, unseen = make_offer(event=place.event, price=9900), make_offer(event=place.event)
    keep(*(told(place, session_token=f"tab-{number % 2}") for number in range(4)))
    keep(*(told(place, "OFFER_CLICK") for _ in range(2)), told(place, "OFFER_ADD_TO_CART"))
    keep(told(place, entity_id=str(unseen.pk)))
    sold(place.offer, quantity=2, back=1999)
    sold(other)
    refresh(now=NOW)
    found = figures(place.event, DAY, DAY, "offers")
    assert (found.total_views, found.unique_viewers, found.total_clicks, found.total_carts) == (5, 2, 2, 1)
    assert (found.total_purchases, found.conversion_rate, found.has_click_data) == (2, 0.4, True)
    assert [(top.offer_id, top.views, top.purchases, top.units, top.revenue.amount, top.conversion_rate)
            for top in found.top_performers] == [
        (other.pk, 0, 1, 1, 9900, None), (place.offer.pk, 4, 1, 2, 3998, 0.25), (unseen.pk, 1, 0, 0, 0, 0.0),
    ]  # fmt: skip


def test_nothing_is_made_up() -> None:
    """REQ AN-02: no views, no rate; more bought than told of, no rate either; no clicks are said to be none tracked."""
    place = make_place()
    empty = figures(place.event, DAY, DAY, "offers")
    assert (empty.total_views, empty.conversion_rate, empty.has_click_data, empty.top_performers) == (
        0,
        None,
        False,
        (),
    )
    assert figures(place.event, DAY, DAY, "ads").average_ctr is None
    assert figures(place.event, DAY, DAY, "waitlist").acceptance_rate is None
    keep(told(place))
    refresh(now=NOW)
    sold(place.offer)
    sold(place.offer)
    assert figures(place.event, DAY, DAY, "offers").conversion_rate is None


def test_beacons_of_ads_and_queues_are_kept_out() -> None:
    """REQ AN-02: older front ends may tell of them; the figures come from redeemed tokens and entries."""
    place = make_place()
    keep(*(told(place, kind) for kind in ("AD_IMPRESSION", "AD_CLICK", "WAITLIST_JOIN", "OFFER_PURCHASE")))
    refresh(now=NOW)
    AdDaily.objects.create(
        ad=place.ad, day=DAY, event=place.event, impressions=8, clicks=2, viewable=4, computed_at=NOW
    )
    other = make_ad(place.event, name="Other")
    AdDaily.objects.create(ad=other, day=DAY, event=place.event, impressions=12, clicks=0, computed_at=NOW)
    ads = figures(place.event, DAY, DAY, "ads")
    assert (ads.total_impressions, ads.total_viewable, ads.total_clicks, ads.average_ctr) == (20, 4, 2, 0.1)
    assert [(top.name, top.ctr) for top in ads.top_performers] == [("Other", 0.0), (place.ad.name, 0.25)]
    assert figures(place.event, DAY, DAY, "waitlist").total_joins == 0
    assert figures(place.event, DAY, DAY, "offers").total_purchases == 0


def test_waitlists_of_a_range() -> None:
    """REQ AN-02, WL-09: joins and offers by their own time; the rate is of offers that are answered or over."""
    session = make_full_session()
    entries = waiting(session, 4)
    session.refresh_from_db()
    session.maximum_capacity = None
    session.save()
    # minutes ago joined and offered, what became of it
    lives = [(90, 30, "ACCEPTED"), (60, 20, "EXPIRED"), (3000, 10, "DECLINED"), (10, None, "LEFT")]
    for entry, (joined, offered, status) in zip(entries, lives, strict=True):
        Entry.objects.filter(pk=entry.pk).update(
            joined_at=NOW - timedelta(minutes=joined), status=status, ended_at=NOW,
            offered_at=None if offered is None else NOW - timedelta(minutes=offered),
            offer_number=0 if offered is None else 1, offer_expires_at=None if offered is None else NOW,
            attendance=make_attendance(session, entry.user) if status == "ACCEPTED" else None,
        )  # fmt: skip
    found = figures(session.event, DAY, DAY, "waitlist")
    assert (found.total_joins, found.offers_issued) == (3, 3)
    assert found.acceptance_rate == pytest.approx(1 / 3)
    assert found.average_wait_time_minutes == pytest.approx((60 + 40 + 2990) / 3)


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


_ASK = """
query ($event: ID!, $day: Date!) { monetizationAnalytics(eventId: $event, dateFrom: $day, dateTo: $day) {
  eventId dateFrom dateTo timeZone currency stale freshness { pendingDays failures }
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
    refused = ask(analyst, day="1999-01-01")["errors"][0]["extensions"]
    assert [error["field"] for error in refused["errors"]] == ["dateTo"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("date_from=2096-11-22&date_to=2096-11-21", "date_from"),
        ("date_from=2095-11-21&date_to=2096-11-21", "date_from"),
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
    before = client.get(f"{url}/monetization?date_to={DAY}", headers=analyst).json()
    assert (before["offers"]["total_views"], before["freshness"]["pending_days"]) == (0, 1)
    assert client.post(f"{url}/refresh", headers=analyst).json() == {"days": 1, "failures": 0, "waiting": 0}
    after = client.get(f"{url}/monetization?date_to={DAY}", headers=analyst).json()
    assert (after["offers"]["total_views"], after["freshness"]["pending_days"]) == (1, 0)
    codes = [client.post(f"{url}/refresh", headers=analyst).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]


def test_how_new_the_figures_are() -> None:
    """REQ AN-04: until the oldest thing that was told and is not computed, of front ends and of ads."""
    place, later = make_place(), NOW + timedelta(hours=1)

    def through():
        return monetization(actor=SYSTEM, event_id=place.event.pk, now=later).freshness.data_through

    assert through() == later
    keep(told(place))
    assert through() == NOW
    refresh(now=NOW)
    AdDirtyDay.objects.create(event_id=place.event.pk, day=DAY, marked_at=NOW + timedelta(minutes=1))
    assert through() == NOW + timedelta(minutes=1)


def broken(table: str) -> None:
    """Let every question about a table fail."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")


def test_the_last_good_answer_stands_in(caplog) -> None:
    """REQ AN-03: a part that fails three times is answered from before and says so; the others are new."""
    place = make_place()
    sold(place.offer)
    figures(place.event, DAY, DAY, "revenue")
    broken("payments_ledgerentry")
    later = NOW + timedelta(hours=2)
    with caplog.at_level("WARNING"):
        found = monetization(actor=SYSTEM, event_id=place.event.pk, date_from=DAY, date_to=DAY, now=later)
    assert sum("analytics part failed" in str(record.msg) for record in caplog.records) == 3
    assert (found.is_stale, found.as_of) == (True, NOW)
    assert found.parts["revenue"].figures.total == Money(1999, "USD")
    assert found.parts["revenue"].figures.by_day[0].date == DAY
    assert (found.parts["waitlist"].is_stale, found.parts["waitlist"].as_of) == (False, later)
    other = monetization(actor=SYSTEM, event_id=place.event.pk, date_from=DAY - timedelta(days=1), now=later)
    assert other.parts["revenue"].figures is None
    assert other.parts["offers"].figures.total_purchases == 1


def test_every_part_can_be_kept_and_read_again() -> None:
    """REQ AN-03: what was written down for a bad day says the same as what was computed."""
    place = make_place()
    sold(place.offer)
    keep(told(place))
    refresh(now=NOW)
    AdDaily.objects.create(ad=place.ad, day=DAY, event=place.event, impressions=8, clicks=2, computed_at=NOW)
    good = {part: figures(place.event, DAY, DAY, part) for part in ("revenue", "offers", "ads", "waitlist")}
    assert LastAnswer.objects.count() == 4
    for table in ("payments_order", "ads_addaily", "waitlist_entry"):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
    assert {part: figures(place.event, DAY, DAY, part) for part in good} == good


def test_an_answer_that_cannot_be_kept_is_answered() -> None:
    """REQ AN-03: that there will be nothing to stand in takes nothing from the answer that there is."""
    place = make_place()
    sold(place.offer)
    broken("analytics_lastanswer")
    found = monetization(actor=SYSTEM, event_id=place.event.pk, date_from=DAY, date_to=DAY, now=NOW)
    assert (found.is_stale, found.parts["revenue"].figures.total) == (False, Money(1999, "USD"))


def test_a_slow_query_is_ended(monkeypatch) -> None:
    """REQ AN-03: after its time a statement is ended, three times, and the answer is what there was."""
    event = make_full_session().event
    asked = {"actor": SYSTEM, "event_id": event.pk, "date_from": DAY, "date_to": DAY}
    monetization(**asked, now=NOW)
    waiting(event.sessions.get(), 1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE waitlist_entry RENAME TO fast")
        cursor.execute("CREATE VIEW waitlist_entry AS SELECT fast.* FROM fast, pg_sleep(20)")
    monkeypatch.setattr("analytics.services.monetization.STATEMENT_SECONDS", 0.05)
    later = monetization(**asked, now=NOW + timedelta(minutes=5))
    assert (later.parts["waitlist"].is_stale, later.parts["waitlist"].as_of) == (True, NOW)
    assert later.parts["waitlist"].figures.total_joins == 0
    assert later.parts["offers"].is_stale is False


def test_a_fixed_number_of_statements() -> None:
    """REQ AN-03: the same for a day and a year, for one offer or ad and for many."""
    place = make_place()

    def statements(first: date) -> int:
        with CaptureQueriesContext(connection) as asked:
            monetization(actor=SYSTEM, event_id=place.event.pk, date_from=first, date_to=DAY, now=NOW)
        return len(asked)

    sold(place.offer)
    AdDaily.objects.create(ad=place.ad, day=DAY, event=place.event, billed_micros=5_000, computed_at=NOW)
    few = statements(DAY)
    for _ in range(12):
        sold(make_offer(event=place.event))
        AdDaily.objects.create(
            ad=make_ad(place.event), day=DAY, event=place.event, billed_micros=5_000, computed_at=NOW
        )
    assert statements(DAY - timedelta(days=300)) == few <= 36
