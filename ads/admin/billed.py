"""What an ad was billed, for its page. Nobody types money in: it follows from counted events."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.template.loader import render_to_string
from django.urls import reverse

from ads.admin.words import money_of
from ads.micros import micros_of
from ads.models import Ad, AdSpendDay, PriceModel
from common.admin.times import time_words
from common.money import Money, format_money

_DAYS: Final = 14


def billed_panel(ad: Ad, *, now: datetime) -> str:
    """Return what the ad was billed in all, today, and on each of the last days. One statement."""
    today = now.astimezone(ad.event.zone).date()
    days = AdSpendDay.objects.filter(ad_id=ad.pk, day__gt=today - timedelta(days=_DAYS), day__lte=today)
    by_day = dict(days.order_by("-day").values_list("day", "billed_micros"))
    context: dict[str, Any] = {
        "facts": _facts(ad, by_day.get(today, 0)),
        "performance_url": f"{reverse('admin:ads_ad_performance')}?event={ad.event_id}",
        "explain_url": f"{reverse('admin:ads_ad_explain')}?event={ad.event_id}&placement={ad.placements[0]}",
        "days": [
            (f"{day:%-d %b %Y}", money_of(micros, ad.currency)) for day, micros in by_day.items() if micros
        ],
    }
    return render_to_string("admin/ads/billed.html", context)


def _facts(ad: Ad, today_micros: int) -> list[tuple[str, str]]:
    spend, currency = ad.spend, ad.currency
    facts = [("Billed in all", money_of(spend.billed_micros, currency))]
    total = micros_of(ad.budget_total_amount, currency)
    if total is not None:
        facts.append(("Left of the total budget", money_of(max(0, total - spend.billed_micros), currency)))
    facts.append(("Billed today", money_of(today_micros, currency)))
    if ad.budget_daily_amount is not None:
        facts.append(("Budget of a day", format_money(Money(ad.budget_daily_amount, currency))))
    if ad.price_model == PriceModel.FLAT and ad.price_amount:
        facts.append(("Flat fee billed", time_words(spend.flat_billed_at, ad.event.zone)))
    return facts
