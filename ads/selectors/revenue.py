"""What an event's ads were billed, by day, for reports."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from ads.micros import minor_units_of
from ads.models import AdDaily


def revenue_by_day(event_id: UUID, date_from: date, date_to: date) -> Sequence[tuple[date, str, int]]:
    """Return (day, currency, minor units) of an event, both days included; days of the event's time zone.

    Micro-units are rounded for each ad and day, so that days add up to what is shown. One statement. The caller
    answers for who may see it.
    """
    billed: Counter[tuple[date, str]] = Counter()
    rows = AdDaily.objects.filter(event_id=event_id, day__range=(date_from, date_to), billed_micros__gt=0)
    for day, currency, micros in rows.values_list("day", "ad__currency", "billed_micros"):
        billed[day, currency] += minor_units_of(micros, currency)
    return [(day, currency, amount) for (day, currency), amount in sorted(billed.items())]


def billed_by_ad(ad_ids: Collection[UUID], date_from: date, date_to: date) -> Counter[UUID]:
    """Return what each of these ads was billed in minor units, both days included, rounded for each day as above.

    One statement. The caller answers for who may see it.
    """
    billed: Counter[UUID] = Counter()
    rows = AdDaily.objects.filter(ad_id__in=ad_ids, day__range=(date_from, date_to), billed_micros__gt=0)
    for ad_id, currency, micros in rows.values_list("ad_id", "ad__currency", "billed_micros"):
        billed[ad_id] += minor_units_of(micros, currency)
    return billed
