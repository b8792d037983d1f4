"""What the database itself refuses of ads."""

import uuid
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.tests.factories import NOW
from ads.models import AdEvent, AdSpend, EventKind
from ads.tests.ad_factories import make_ad

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"placements": []}, {"placements": ["ROOF"]}, {"media_url": "javascript:alert(1)"},
        {"click_url": "ftp://x.test"}, {"aspect_ratio": "0:9"}, {"aspect_ratio": "12345:9"}, {"weight": 0},
        {"frequency_cap": 0}, {"display_duration_seconds": 0}, {"price_model": "CPA"}, {"budget_total_amount": 0},
        {"starts_at": NOW, "ends_at": NOW},
    ],
)  # fmt: skip
def test_no_ad_that_is_not_one(wrong) -> None:
    """The rules hold whatever the code does. REQ AD-01."""
    with pytest.raises(IntegrityError), transaction.atomic():
        make_ad(**wrong)


def test_no_bill_above_the_budget() -> None:
    """The database refuses to bill a micro-unit more than the budget. REQ AD-05."""
    ad = make_ad(budget_total_amount=100)
    AdSpend.objects.filter(pk=ad.pk).update(billed_micros=1_000_000)
    with pytest.raises(IntegrityError, match="ad_never_billed_above_budget"), transaction.atomic():
        AdSpend.objects.filter(pk=ad.pk).update(billed_micros=1_000_001)


def test_a_decision_counts_once_for_each_kind() -> None:
    """The key of the events is the decision, in whatever partition it lands. REQ AD-10."""
    ad = make_ad()
    event = {
        "issue_day": date(2096, 11, 21), "decision_id": uuid.uuid4(), "ad": ad, "event_id": ad.event_id,
        "placement": "EVENT_HERO", "viewer": uuid.uuid4(), "occurred_at": NOW,
    }  # fmt: skip
    for kind in EventKind:
        AdEvent.objects.create(kind=kind, **event)
    with pytest.raises(IntegrityError), transaction.atomic():
        AdEvent.objects.create(kind=EventKind.CLICK, **event)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, count(*) FROM ads_adevent GROUP BY 1")
        assert cursor.fetchall() == [("ads_adevent_default", 3)]
