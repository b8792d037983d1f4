"""Ads of an event in a range of days: from redeemed tokens, whatever front ends told beside."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Sum

from ads.models import AdDaily
from ads.selectors.revenue import billed_by_ad
from analytics.selectors.offers import rate
from analytics.types.figures import AdFigures, AdPerformance, Range
from common.money import Money
from events.models import Event

_TOP = 5


def ad_figures(event: Event, wanted: Range) -> AdFigures:
    """Return the figures of the event's ads. Two statements."""
    rows = _rows(event, wanted)
    shown, clicked = sum(row["shown"] for row in rows), sum(row["clicked"] for row in rows)
    return AdFigures(
        total_impressions=shown,
        total_viewable=sum(row["seen"] for row in rows),
        total_clicks=clicked,
        average_ctr=rate(clicked, shown),
        top_performers=_performances(rows[:_TOP], wanted),
    )


def all_ads(event: Event, wanted: Range) -> tuple[AdPerformance, ...]:
    """Return every ad that has figures, the most shown first. Two statements."""
    return _performances(_rows(event, wanted), wanted)


def _rows(event: Event, wanted: Range) -> list[Mapping[str, Any]]:
    return list(
        AdDaily.objects.filter(event=event, day__range=(wanted.first, wanted.last))
        .order_by()
        .values("ad_id", "ad__name", "ad__currency")
        .annotate(shown=Sum("impressions"), seen=Sum("viewable"), clicked=Sum("clicks"))
        .order_by("-shown", "ad_id")
    )


def _performances(rows: Sequence[Mapping[str, Any]], wanted: Range) -> tuple[AdPerformance, ...]:
    billed = billed_by_ad([row["ad_id"] for row in rows], wanted.first, wanted.last)
    return tuple(_performance(row, billed[row["ad_id"]]) for row in rows)


def _performance(row: Mapping[str, Any], billed: int) -> AdPerformance:
    return AdPerformance(
        ad_id=row["ad_id"],
        name=row["ad__name"],
        impressions=row["shown"],
        clicks=row["clicked"],
        ctr=rate(row["clicked"], row["shown"]),
        spend=Money(billed, row["ad__currency"]),
    )
