"""The demo's ads."""

import pytest
from django.db.models import Count, Q, Sum

from ads.models import Ad, AdDaily, AdEvent, AdSpend, EventKind
from common import clock
from config.demo.ads import seed_ads
from config.demo.events import seed_events
from config.demo.people import seed_people

pytestmark = pytest.mark.django_db


def test_ads_of_every_sort_have_a_month_behind_them() -> None:
    """Live ones for hero and break, a paused, a planned, an ended one; figures equal events and bills. REQ AD-07."""
    now, people = clock.now(), seed_people()
    stage = seed_events(people, now=now)
    assert seed_ads(people, stage, now=now) == 8
    ads = Ad.objects.filter(event__slug="demo-conf")
    live = ads.shown_at(now)
    assert {place for ad in live for place in ad.placements} >= {
        "EVENT_HERO",
        "SESSION_BREAK",
        "SIDEBAR",
        "CHECKOUT",
    }
    assert ads.filter(is_active=False).count() == 1
    assert ads.filter(starts_at__gt=now).count() == 1
    assert ads.filter(is_active=True, ends_at__lte=now).count() == 1
    raw = AdEvent.objects.aggregate(
        impressions=Count("kind", filter=Q(kind=EventKind.IMPRESSION)),
        clicks=Count("kind", filter=Q(kind=EventKind.CLICK)),
        viewable=Count("kind", filter=Q(kind=EventKind.VIEWABLE)), billed=Sum("billed_micros"),
    )  # fmt: skip
    stored = AdDaily.objects.aggregate(
        impressions=Sum("impressions"),
        clicks=Sum("clicks"),
        viewable=Sum("viewable"),
        billed=Sum("billed_micros"),
    )
    assert stored == raw
    assert raw["impressions"] > 2000
    assert AdSpend.objects.aggregate(billed=Sum("billed_micros"))["billed"] == raw["billed"]
    assert AdDaily.objects.values("day").distinct().count() >= 30
    assert AdDaily.objects.filter(unbilled_micros__gt=0).exists()
