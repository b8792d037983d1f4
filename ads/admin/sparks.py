"""The last days of ads, for the lines of their list."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ads.models import Ad, AdDaily

DAYS: Final = 14


def daily_impressions(ads: Sequence[Ad], *, now: datetime) -> dict[UUID, list[int]]:
    """Return the impressions of each ad's last fourteen days, the oldest first, today by its event's clocks last.

    One statement.
    """
    todays = {ad.pk: now.astimezone(ad.event.zone).date() for ad in ads}
    if not todays:
        return {}
    first = min(todays.values()) - timedelta(days=DAYS - 1)
    rows = AdDaily.objects.filter(ad_id__in=todays, day__gte=first)
    counted = {(ad_id, day): number for ad_id, day, number in rows.values_list("ad_id", "day", "impressions")}
    return {
        ad_id: [counted.get((ad_id, today - timedelta(days=ago)), 0) for ago in reversed(range(DAYS))]
        for ad_id, today in todays.items()
    }
