"""The figures of an event in a range of days, as every door shows them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from common.money import Money
from common.windows import LONGEST_RANGE_DAYS as LONGEST_RANGE_DAYS

# Figures are promised to be newer than this.
LATE_AFTER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Range:
    """Days of the event's time zone, both included, and the instants ``[start, end)`` that they are."""

    first: date
    last: date
    start: datetime
    end: datetime

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class DayRevenue:
    """What came on one day, and what went back on it."""

    date: date
    from_offers: Money
    from_tickets: Money
    from_ads: Money
    refunds: Money
    net: Money


@dataclass(frozen=True, slots=True)
class CurrencyRevenue:
    """The same in another currency; currencies are never added together."""

    currency: str
    total: Money
    from_offers: Money
    from_tickets: Money
    from_ads: Money
    refunds: Money
    net: Money


@dataclass(frozen=True, slots=True)
class Revenue:
    """Gross, what went back (refunds, and disputed amounts that the bank took), and net, in the event's currency."""

    total: Money
    from_offers: Money
    from_tickets: Money
    from_ads: Money
    refunds: Money
    net: Money
    by_day: tuple[DayRevenue, ...]
    other_currencies: tuple[CurrencyRevenue, ...]


@dataclass(frozen=True, slots=True)
class OfferPerformance:
    """One offer: what was told of it, and what was bought. The rate is purchases by views; None says nothing."""

    offer_id: UUID
    title: str
    views: int
    clicks: int
    purchases: int
    units: int
    revenue: Money
    conversion_rate: float | None


@dataclass(frozen=True, slots=True)
class OfferFigures:
    """The offers of the event together. ``has_click_data``: whether a front end told of clicks at all."""

    total_views: int
    unique_viewers: int
    total_clicks: int
    total_carts: int
    total_purchases: int
    conversion_rate: float | None
    has_click_data: bool
    top_performers: tuple[OfferPerformance, ...]


@dataclass(frozen=True, slots=True)
class AdPerformance:
    """One ad, by its redeemed tokens."""

    ad_id: UUID
    name: str
    impressions: int
    clicks: int
    ctr: float | None
    spend: Money


@dataclass(frozen=True, slots=True)
class AdFigures:
    """The ads of the event together."""

    total_impressions: int
    total_viewable: int
    total_clicks: int
    average_ctr: float | None
    top_performers: tuple[AdPerformance, ...]


@dataclass(frozen=True, slots=True)
class WaitlistFigures:
    """The waitlists of the event's sessions together."""

    total_joins: int
    offers_issued: int
    acceptance_rate: float | None
    average_wait_time_minutes: float | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new figures are: everything told before ``data_through`` is in them.

    That is the older of ``told_through``, of what front ends told and ``pending_days`` wait for, and ``ads_through``,
    of ads and ``pending_ad_days``.
    """

    as_of: datetime
    told_through: datetime
    ads_through: datetime
    pending_days: int
    pending_ad_days: int
    failures: int
    last_error: str

    @classmethod
    def unknown(cls, *, since: datetime, now: datetime) -> Self:
        """Say no more than that whatever was told before then is in."""
        return cls(now, since, since, pending_days=0, pending_ad_days=0, failures=0, last_error="")

    @property
    def data_through(self) -> datetime:
        """Until when the figures hold everything."""
        return min(self.told_through, self.ads_through)

    @property
    def is_told_late(self) -> bool:
        """Say whether something of front ends waits for longer than it may."""
        return self.as_of - self.told_through > LATE_AFTER

    @property
    def is_ads_late(self) -> bool:
        """Say whether something of ads does."""
        return self.as_of - self.ads_through > LATE_AFTER

    @property
    def is_late(self) -> bool:
        """Say whether figures are older than promised, or computing them fails. What waits its minute is neither."""
        return self.is_told_late or self.is_ads_late or self.failures > 0
