"""The figures of an event: from money that moved and things that happened, in the event's own days."""

from datetime import date, datetime, timedelta

import pytest

from accounts.tests.factories import NOW
from ads.models import AdDaily
from ads.tests.ad_factories import make_ad
from analytics.services.rollup import refresh
from analytics.tests.factories import keep, make_place, told
from analytics.tests.figures import DAY, figures, move, nothing_known, sold
from common.money import Money
from events.tests.factories import make_attendance
from offers.tests.factories import make_offer
from payments.models import Order, Payment
from waitlist.models import Entry
from waitlist.tests.factories import make_full_session, waiting

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


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
