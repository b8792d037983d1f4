"""What an event's ads did: stored days added up, in four statements for a page however many days there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.services import access
from accounts.types import Capability
from ads.micros import micros_of, minor_units_of
from ads.models import Ad
from ads.services.daily import token_days
from ads.types.ads import Page
from ads.types.performance import AdPerformance, DateRange, Freshness, PerformancePage
from ads.types.performance import Invalid as Refused
from common import statements
from common.db import within
from common.errors import Invalid
from common.money import Money
from common.types import Actor
from common.windows import day_bounds, range_of_days

MAXIMUM_LIMIT: Final = 100
STATEMENT_SECONDS: Final = 5

_EVENT = statements.one_line("""
    SELECT event.organization_id, event.time_zone, known.frozen_day, known.frozen_until
      FROM events_event event LEFT JOIN ads_adfigures known ON known.event_id = event.id
     WHERE event.id = %s
""")

# ``unit``: micro-units of one minor unit. A day's sum is rounded half to even, as ``ads.micros`` does.
_ROUNDED = """(billed_micros / unit + CASE
    WHEN 2 * (billed_micros %% unit) > unit
      OR (2 * (billed_micros %% unit) = unit AND billed_micros / unit %% 2 = 1) THEN 1 ELSE 0 END)"""
FIGURES: Final = statements.one_line(f"""
    SELECT asked.ad_id, days.*, viewers.count, refused.by_reason, pending.days, pending.first
      FROM unnest(%(ads)s::uuid[], %(units)s::bigint[]) AS asked (ad_id, unit)
    CROSS JOIN (
        SELECT count(DISTINCT day) AS days, min(marked_at) AS first FROM ads_addirtyday
         WHERE event_id = %(event_id)s AND day BETWEEN %(date_from)s AND %(date_to)s
    ) AS pending
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(impressions), 0)::bigint, COALESCE(sum(viewable), 0)::bigint,
            COALESCE(sum(clicks), 0)::bigint,
            COALESCE(sum({_ROUNDED}), 0)::bigint,
            COALESCE(sum(unbilled_micros), 0)::bigint,
            COALESCE(sum(unbilled_impressions), 0)::bigint,
            COALESCE(sum(unbilled_clicks), 0)::bigint,
            COALESCE(sum(invalid_impressions) FILTER (WHERE frozen_at IS NOT NULL), 0)::bigint,
            COALESCE(sum(invalid_clicks) FILTER (WHERE frozen_at IS NOT NULL), 0)::bigint
          FROM ads_addaily
         WHERE ad_id = asked.ad_id AND day BETWEEN %(date_from)s AND %(date_to)s
    ) AS days
    LEFT JOIN LATERAL (
        SELECT count(DISTINCT viewer) FROM ads_adevent
         WHERE ad_id = asked.ad_id AND kind = 'impression' AND occurred_at >= %(start)s AND occurred_at < %(end)s
           AND issue_day BETWEEN %(first_issued)s::date AND %(last_issued)s::date
    ) AS viewers ON %(is_raw)s
    CROSS JOIN LATERAL (
        SELECT json_object_agg(kind || ' ' || reason, total) AS by_reason FROM (
            SELECT kind, reason, sum(count)::bigint AS total FROM ads_invalidcount
             WHERE event_id = %(event_id)s AND ad_id = asked.ad_id AND slot >= %(start)s AND slot < %(end)s
             GROUP BY kind, reason
        ) AS each
    ) AS refused
""")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class _Asked:
    """The range as it was understood, of an event whose figures stand so."""

    event_id: UUID
    time_zone: str
    frozen_day: date | None
    frozen_until: datetime | None
    date_from: date
    date_to: date

    @property
    def raw_from(self) -> date | None:
        """The first day whose raw events are all kept; None: they all are."""
        return None if self.frozen_day is None else self.frozen_day + timedelta(days=1)

    def parameters(self) -> dict[str, Any]:
        """Return what the statement about figures is told."""
        zone = ZoneInfo(self.time_zone)
        start, end = day_bounds(self.date_from, zone)[0], day_bounds(self.date_to, zone)[1]
        if self.frozen_until is not None and self.raw_from is not None and self.date_from <= self.raw_from:
            # Also after the zone was changed the first open day begins where the frozen ones ended.
            start = self.frozen_until
        return {
            "event_id": self.event_id,
            "date_from": self.date_from,
            "date_to": self.date_to,
            "start": start,
            "end": end,
            "first_issued": start.astimezone(UTC).date() - timedelta(days=token_days()),
            "last_issued": end.astimezone(UTC).date() + timedelta(days=1),
            "is_raw": self.raw_from is None or self.date_from >= self.raw_from,
        }


def performance(
    actor: Actor, event_id: UUID, *, asked: DateRange, page: Page, now: datetime
) -> PerformancePage:
    """Return a page of what an event's ads did, archived ones too, the newest first. For analysts and up.

    Raises ``Unauthenticated``, ``NotFound``, ``Forbidden`` as ``access.require``, and ``Invalid`` for a range that
    ends before it begins or has more than 365 days, and for more than 100 ads; ``Busy`` when it takes too long.
    """
    row: tuple[Any, ...] | None = statements.run(_EVENT, [event_id]).fetchone()
    if row is None:
        access.refuse_missing(actor)
    access.require(actor, row[0], Capability.VIEW_ANALYTICS)
    if not 1 <= page.limit <= MAXIMUM_LIMIT:
        raise Invalid.field("limit", "out_of_range", f"1 to {MAXIMUM_LIMIT}.")
    _, time_zone, frozen_day, frozen_until = row
    today = now.astimezone(ZoneInfo(time_zone)).date()
    days = range_of_days(asked.date_from, asked.date_to, today=today)
    of = _Asked(event_id, time_zone, frozen_day, frozen_until, *days)
    of_event = Ad.objects.filter(event_id=event_id)
    ads = list(
        of_event.with_status(now)
        .counted()
        .order_by("-created_at", "-pk")[page.offset : page.offset + page.limit]
    )
    count = ads[0].listed if ads else of_event.count() if page.offset else 0
    results = _results(ads, of, now)
    freshness = results[0].freshness if results else Freshness(now, now, 0)
    return PerformancePage(count, of.time_zone, of.date_from, of.date_to, freshness, results)


def _results(ads: Sequence[Ad], of: _Asked, now: datetime) -> tuple[AdPerformance, ...]:
    if not ads:
        return ()
    given = of.parameters() | {
        "ads": [ad.pk for ad in ads],
        "units": [micros_of(1, ad.currency) for ad in ads],
    }
    # Viewers of many days are counted one by one: an answer that takes too long is refused, and holds up nobody else.
    with within(STATEMENT_SECONDS):
        rows = {row[0]: row[1:] for row in statements.run(FIGURES, given).fetchall()}
    return tuple(_of_ad(ad, rows[ad.pk], of, now) for ad in ads)


def _of_ad(ad: Ad, row: tuple[Any, ...], of: _Asked, now: datetime) -> AdPerformance:
    impressions, viewable, clicks, billed, unbilled, over_impressions, over_clicks = row[:7]
    old_impressions, old_clicks, viewers, refused, pending, first = row[7:]
    return AdPerformance(
        ad_id=ad.pk,
        name=ad.name,
        status=ad.status,
        price_model=ad.price_model,
        impressions=impressions,
        viewable=viewable,
        unique_viewers=viewers,
        unique_viewers_from=of.raw_from,
        clicks=clicks,
        ctr=clicks / impressions if impressions else None,
        viewability=viewable / impressions if impressions else None,
        invalid=_refused(refused or {}, old_impressions, old_clicks),
        spend=Money(billed, ad.currency),
        over_delivery=Money(minor_units_of(unbilled, ad.currency), ad.currency),
        over_delivered_impressions=over_impressions,
        over_delivered_clicks=over_clicks,
        freshness=Freshness(as_of=now, data_through=first or now, pending_days=pending),
    )


def _refused(counts: dict[str, int], old_impressions: int, old_clicks: int) -> Refused:
    """Add up what is kept by quarters and what the frozen days hold. Viewable ones are impressions."""
    by_reason: dict[str, int] = {}
    clicks = 0
    for name, count in counts.items():
        kind, reason = name.split(" ")
        by_reason[reason] = by_reason.get(reason, 0) + count
        clicks += count if kind == "click" else 0
    impressions = sum(by_reason.values()) - clicks
    return Refused(old_impressions + impressions, old_clicks + clicks, dict(sorted(by_reason.items())))
