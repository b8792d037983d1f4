"""What ads did in a range of days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from common.money import Money


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days of an event's time zone, both included. None: to today, from 29 days before the end."""

    date_from: date | None = None
    date_to: date | None = None


@dataclass(frozen=True, slots=True)
class Invalid:
    """Events that were refused. By reason as far back as they are kept; the totals reach further."""

    impressions: int
    clicks: int
    by_reason: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Freshness:
    """When figures were read, and what of the events is in them.

    ``data_through``: everything counted until then is in the figures. ``pending_days``: days of the range with
    events that wait to be added, which takes some seconds.
    """

    as_of: datetime
    data_through: datetime
    pending_days: int


@dataclass(frozen=True, slots=True)
class AdPerformance:
    """One ad in a range of days. Rates are fractions, None with nothing below them.

    ``spend`` is what was billed, rounded for each day; ``over_delivery`` what was delivered beyond the budget and not
    billed: it is shown, never cut away. ``unique_viewers`` is None where the range begins before
    ``unique_viewers_from``, the first day whose raw events are kept (None: all are).
    """

    ad_id: UUID
    name: str
    status: str
    price_model: str
    impressions: int
    viewable: int
    unique_viewers: int | None
    unique_viewers_from: date | None
    clicks: int
    ctr: float | None
    viewability: float | None
    invalid: Invalid
    spend: Money
    over_delivery: Money
    over_delivered_impressions: int
    over_delivered_clicks: int
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class PerformancePage:
    """A page of an event's ads, the newest first, and how many there are in all."""

    count: int
    time_zone: str
    date_from: date
    date_to: date
    freshness: Freshness
    results: tuple[AdPerformance, ...]
