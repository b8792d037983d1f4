"""How ads stand, and what they were billed."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.tests.factories import NOW
from ads.micros import micros_of, micros_per_impression
from ads.models import Ad, AdSpend, PriceModel
from ads.tests.ad_factories import make_ad
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def status_of(ad: Ad, **later: timedelta) -> str:
    """Return the ad's status, so much later than now."""
    return Ad.objects.with_status(NOW + timedelta(**later)).get(pk=ad.pk).status


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({}, "LIVE"),
        ({"starts_at": NOW, "ends_at": NOW + SECOND}, "LIVE"),
        ({"starts_at": NOW + SECOND}, "SCHEDULED"),
        ({"ends_at": NOW}, "ENDED"),
        ({"ends_at": NOW, "is_active": False}, "ENDED"),
        ({"is_active": False}, "PAUSED"),
        ({"is_active": False, "starts_at": NOW + SECOND}, "PAUSED"),
        ({"is_active": False, "is_archived": True, "ends_at": NOW}, "ARCHIVED"),
    ],
)
def test_schedule_and_switch_tell_the_status(values: dict[str, Any], status: str) -> None:
    """Right to the second, and the first cause that holds is told. REQ AD-01."""
    assert status_of(make_ad(**values)) == status


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
@pytest.mark.parametrize("model", [PriceModel.CPM, PriceModel.CPC])
def test_out_of_budget_when_not_one_more_is_paid(model: PriceModel, currency: str) -> None:
    """What is left pays for exactly one more: live; a millionth less: out of budget. REQ AD-05."""
    ad = make_ad(
        event=make_event(currency=currency), price_model=model, price_amount=7, budget_total_amount=9_000
    )
    total = micros_of(9_000, currency) or 0
    one = micros_per_impression(7, currency) if model == PriceModel.CPM else micros_of(7, currency) or 0
    AdSpend.objects.filter(pk=ad.pk).update(billed_micros=total - one)
    assert status_of(ad) == "LIVE"
    AdSpend.objects.filter(pk=ad.pk).update(billed_micros=total - one + 1)
    assert status_of(ad) == "OUT_OF_BUDGET"
    AdSpend.objects.filter(pk=ad.pk).update(limit_micros=None)
    assert status_of(ad) == "LIVE"


@pytest.mark.parametrize("values", [{"price_amount": 900}, {"price_model": PriceModel.CPM}])
def test_what_costs_nothing_more_is_never_out_of_budget(values: dict[str, Any]) -> None:
    """A flat fee is billed once, and a price of 0 never, whatever the budget is. REQ AD-05."""
    ad = make_ad(budget_total_amount=900, **values)
    AdSpend.objects.filter(pk=ad.pk).update(billed_micros=9_000_000)
    assert status_of(ad) == "LIVE"
