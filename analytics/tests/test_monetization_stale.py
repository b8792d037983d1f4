"""How new figures are, and what stands in for those that cannot be had."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW
from ads.models import AdDaily, AdDirtyDay
from ads.tests.ad_factories import make_ad
from analytics.models import LastAnswer
from analytics.services.monetization import monetization
from analytics.services.rollup import refresh
from analytics.tests.factories import keep, make_place, told
from analytics.tests.figures import DAY, broken, figures, nothing_known, sold
from common.money import Money
from common.types import SYSTEM
from offers.tests.factories import make_offer
from waitlist.tests.factories import make_full_session, waiting

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


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
    assert set(LastAnswer.objects.values_list("part", flat=True)) == {*good, "freshness"}
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
    assert statements(DAY - timedelta(days=300)) == few <= 42
