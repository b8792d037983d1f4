"""The days of an event when its time zone changes: what was billed today stays billed, whichever zone today is of.

A daily budget is of the local day that runs. Under another zone another day runs, which began at another instant; so
what was billed since then is added up anew from the events, and the brakes learn it.
"""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from ads.decision import brakes
from ads.models import AdSpend, AdSpendDay
from ads.services.daily import token_days
from ads.services.sql_arrays import array
from common import statements
from common.windows import Window, local_day
from events.models import Event

_ADD_UP: Final = statements.one_line("""
    INSERT INTO ads_adspendday (ad_id, day, billed_micros)
    SELECT ad_id, %(day)s::date, sum(billed_micros) FROM ads_adevent
     WHERE ad_id = ANY(%(ads)s::uuid[]) AND billed_micros > 0
       AND occurred_at >= %(start)s AND occurred_at < %(end)s AND issue_day >= %(issued)s::date
     GROUP BY ad_id
""")


def add_up_today(event_id: UUID, *, now: datetime) -> None:
    """Have what each ad of an event is billed today be what was billed since today began in the event's zone.

    In the caller's transaction, under the lock that billing takes: whoever bills waits for the new day. Where
    something differs the brakes are restored at the commit, and by a job should that not arrive.
    """
    zone = Event.objects.only("time_zone").get(pk=event_id).zone
    day = now.astimezone(zone).date()
    spends = AdSpend.objects.filter(ad__event_id=event_id, billed_micros__gt=0).order_by("pk")
    ad_ids = list(spends.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    before = _billed(ad_ids, day)
    AdSpendDay.objects.filter(ad_id__in=ad_ids, day__gte=day).delete()
    _add_up(ad_ids, day, local_day(day, zone))
    if _billed(ad_ids, day) != before:
        brakes.restore_later(event_id, now=now)
        transaction.on_commit(partial(brakes.forget, event_id), robust=True)


def _billed(ad_ids: list[UUID], day: date) -> set[tuple[UUID, date, int]]:
    rows = AdSpendDay.objects.filter(ad_id__in=ad_ids, day__gte=day)
    return set(rows.values_list("ad_id", "day", "billed_micros"))


def _add_up(ad_ids: list[UUID], day: date, window: Window) -> None:
    if not ad_ids:
        return
    given = {
        "ads": array(ad_ids), "day": day, "start": window.start, "end": window.end,
        "issued": day - timedelta(days=token_days() + 1),
    }  # fmt: skip
    statements.run(_ADD_UP, given)
