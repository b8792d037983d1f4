"""What counted events are billed: by price model, within the budgets, never above them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from structlog.testing import capture_logs

from accounts.tests.factories import NOW
from ads.decision import brakes
from ads.models import Ad, AdDirtyDay, AdEvent, AdSpend, AdSpendDay
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at
from ads.tests.redeeming import billed, click, kinds, reasons, redeem, show, shows, unbilled
from common.outbox.models import Job
from config.local_stack.valkey import EmbeddedValkey

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("currency", "price", "each"),
    [("USD", 250, 2_500), ("JPY", 250, 250_000), ("KWD", 250, 250), ("USD", 0, 0)],
)
def test_impressions_by_the_thousand(currency: str, price: int, each: int) -> None:
    """Each costs a thousandth of the price; being seen and clicked costs nothing more (REQ AD-05)."""
    ad = make_ad(price_model="CPM", price_amount=price, currency=currency)
    told = shows(ad, 3)
    redeem(told, viewable=True)
    redeem(told)
    click(ad, told[0])
    assert billed(ad) == 3 * each
    assert set(AdEvent.objects.values_list("kind", "billed_micros")) == {
        ("impression", each), ("viewable", 0), ("click", 0)
    }  # fmt: skip


@pytest.mark.parametrize(("currency", "each"), [("USD", 1_500_000), ("JPY", 150_000_000), ("KWD", 150_000)])
def test_clicks(currency: str, each: int) -> None:
    """A click costs the price, an impression nothing (REQ AD-05)."""
    ad = make_ad(price_model="CPC", price_amount=150, currency=currency)
    told = shows(ad, 3)
    redeem(told)
    for token in (told[0], told[0], told[1]):
        click(ad, token)
    assert billed(ad) == 2 * each
    assert AdEvent.objects.filter(kind="impression", billed_micros=0).count() == 3


def test_a_flat_fee_is_billed_once() -> None:
    """With the first impression that counts, whatever comes after it; it is no day's budget's (REQ AD-05)."""
    ad = make_ad(price_model="FLAT", price_amount=5_000, budget_total_amount=5_000, budget_daily_amount=1)
    told = shows(ad, 4)
    redeem(["x"])
    assert AdSpend.objects.get(pk=ad.pk).flat_billed_at is None
    assert reasons(redeem([told[0], told[0], *told[1:3]], viewable=True)).count("counted") == 3
    redeem(told[3:], now=NOW + timedelta(minutes=1))
    assert (billed(ad), unbilled(ad)) == (50_000_000, 0)
    assert AdEvent.objects.filter(billed_micros__gt=0).count() == 1
    assert AdSpend.objects.get(pk=ad.pk).flat_billed_at == NOW


def test_what_is_left_of_the_budget_is_billed_whole() -> None:
    """Each event whole or not at all; what does not fit any more is over-delivery, and counted (REQ AD-05)."""
    ad = make_ad(price_model="CPM", price_amount=4_000, budget_total_amount=10)
    redeem(shows(ad, 2))
    assert reasons(redeem(shows(ad, 3))) == ["counted"] * 3
    assert (billed(ad), unbilled(ad)) == (80_000, 120_000)
    assert kinds(ad) == {"impression": 5}
    clicked = make_ad(price_model="CPC", price_amount=60, budget_total_amount=100)
    for token in shows(clicked, 2):
        click(clicked, token)
    assert (billed(clicked), unbilled(clicked)) == (600_000, 600_000)


def test_duplicates_take_nothing_of_the_budget() -> None:
    """What was counted before makes no room smaller (REQ AD-05)."""
    ad = make_ad(price_model="CPM", price_amount=1_000, budget_total_amount=3)
    told = shows(ad, 4)
    redeem(told[:1])
    redeem([told[0], told[0], told[1], told[1], told[2], told[3]])
    assert (billed(ad), unbilled(ad)) == (30_000, 10_000)


def test_a_days_budget_is_of_the_events_day() -> None:
    """It is full again when the event's day begins, not UTC's, and the total stands above it (REQ AD-05)."""
    ad = make_ad(price_model="CPM", price_amount=1_000, budget_daily_amount=2, budget_total_amount=5)
    ad.event.time_zone = "America/Los_Angeles"
    ad.event.save()
    midnight = datetime(2096, 11, 22, 8, 0, tzinfo=UTC)
    for now, expected in (
        (midnight - timedelta(hours=9), 20_000), (midnight - timedelta(microseconds=1), 20_000), (midnight, 40_000),
        (midnight + timedelta(days=1), 50_000), (midnight + timedelta(days=2), 50_000),
    ):  # fmt: skip
        redeem(shows(ad, 3, at=now), now=now)
        assert billed(ad) == expected
    assert unbilled(ad) == 15 * 10_000 - 50_000
    days = AdSpendDay.objects.order_by("day").values_list("day", "billed_micros")
    assert [(str(day), micros) for day, micros in days] == [
        ("2096-11-21", 20_000), ("2096-11-22", 20_000), ("2096-11-23", 10_000),
    ]  # fmt: skip


def test_a_budget_that_was_lowered_bills_nothing_more() -> None:
    """Also where a day's budget is now under what that day was billed (REQ AD-05)."""
    ad = make_ad(price_model="CPM", price_amount=1_000, budget_daily_amount=5)
    redeem(shows(ad, 4))
    Ad.objects.filter(pk=ad.pk).update(budget_daily_amount=1)
    redeem(shows(ad, 2))
    assert (billed(ad), unbilled(ad)) == (40_000, 20_000)


def test_the_database_refuses_to_bill_above_the_budget() -> None:
    """Whatever the code does (REQ AD-05)."""
    ad = make_ad(price_model="CPM", price_amount=1_000, budget_total_amount=2)
    redeem(shows(ad, 2))
    with pytest.raises(IntegrityError, match="ad_never_billed_above_budget"), transaction.atomic():
        AdSpend.objects.filter(pk=ad.pk).update(billed_micros=20_001)
    assert billed(ad) == 20_000


def test_the_day_is_marked_with_its_events() -> None:
    """One mark of the event's local day, and one job that computes it (REQ AD-10)."""
    ad = make_ad()
    ad.event.time_zone = "Pacific/Auckland"
    ad.event.save()
    redeem(shows(ad, 3))
    [mark] = AdDirtyDay.objects.all()
    assert (mark.event_id, str(mark.day)) == (ad.event_id, "2096-11-22")
    assert Job.objects.filter(kind="ads.recompute_daily").count() == 1


def test_the_brakes_are_told(valkey: EmbeddedValkey) -> None:
    """A viewer's impressions count for the cap, and what was billed holds back the next decision (REQ AD-03)."""
    ad = make_ad(price_model="CPM", price_amount=1_000, budget_total_amount=2, pacing="ASAP")
    for tab in ("a", "b"):
        redeem([decide_at(ad.event, viewer=tab).ads[0].token])
    assert billed(ad) == 20_000
    assert decide_at(ad.event, viewer="c").ads == ()
    capped = make_ad(frequency_cap=2)
    redeem([decide_at(capped.event).ads[0].token for _ in range(2)])
    later = NOW + timedelta(hours=2)
    assert decide_at(capped.event, now=later).ads == ()
    assert decide_at(capped.event, now=later, viewer="b").ads != ()


def test_brakes_that_fail_fail_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is committed stays answered; the trace is logged (REQ AD-09)."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the brakes")

    monkeypatch.setattr(brakes, "redeemed", fail)
    ad = make_ad()
    with capture_logs() as logs:
        assert reasons(redeem([show(ad)])) == ["counted"]
    assert [line["log_level"] for line in logs if line["event"] == "ad_brakes_not_told"] == ["error"]
    assert kinds() == {"impression": 1}
