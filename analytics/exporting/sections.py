"""The tables of a report: their names, their columns, and what their figures mean."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from analytics.types.exports import Column, Row, Section

_CURRENCY: Final = Column("currency", "Currency", 10, is_on_paper=False)
_SUMS: Final = (
    Column("from_offers", "Offers"),
    Column("from_tickets", "Tickets"),
    Column("from_ads", "Ads"),
    Column("refunds", "Refunds"),
    Column("net", "Net"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A table without its rows."""

    name: str
    title: str
    definition: str
    columns: tuple[Column, ...]
    is_long: bool = False

    @staticmethod
    def section(frame: "Frame", rows: Iterable[Row], *, notes: tuple[str, ...] = ()) -> Section:
        """Return the table with these rows."""
        return Section(
            frame.name, frame.title, frame.definition, frame.columns, rows, notes, is_long=frame.is_long
        )


SUMMARY: Final = Frame(
    "summary",
    "Summary",
    "Days are those of the event's time zone, both included. Money is of the event's own currency.",
    (Column("figure", "Figure", 30), Column("value", "Value", 40), _CURRENCY),
)
BY_CURRENCY: Final = Frame(
    "revenue_by_currency",
    "Revenue by currency",
    "Gross: charges of offers and tickets, and what ads were billed. Refunds: what went back, by disputes too. "
    "Net: gross less refunds; Stripe's fees are not in it. Currencies are never added together.",
    (Column("currency", "Currency", 10), Column("gross", "Gross"), *_SUMS),
)
BY_DAY: Final = Frame(
    "revenue_by_day",
    "Revenue by day",
    "In the event's own currency. A refund counts on the day it went back, so a day's net may be below zero.",
    (Column("date", "Day", 12), _CURRENCY, Column("gross", "Gross"), *_SUMS),
)
OFFERS: Final = Frame(
    "offers",
    "Offers",
    "Views and clicks as front ends told them; purchases paid in these days, free ones too, whatever was refunded "
    "later. Conversion: purchases by views; N/A where fewer views were told than things bought.",
    (
        Column("title", "Offer", 40), Column("views", "Views", 10), Column("clicks", "Clicks", 10),
        Column("purchases", "Purchases", 11), Column("units", "Units", 10), _CURRENCY, Column("revenue", "Revenue"),
        Column("conversion_rate", "Conversion", 12), Column("offer_id", "Offer id", 38, is_on_paper=False),
    ),
)  # fmt: skip
FUNNEL: Final = Frame(
    "funnel",
    "Funnel",
    "From views to purchases. Each stage is compared with the last one before it of which anything was told: the share "
    "that went on, and the drop-off. N/A where more is counted than there, so that something was not told.",
    (
        Column("stage", "Stage", 20), Column("count", "Count", 12), Column("compared_with", "Compared with", 16),
        Column("rate", "Went on", 12), Column("drop_off", "Drop-off", 12),
    ),
)  # fmt: skip
ADS: Final = Frame(
    "ads",
    "Ads",
    "Impressions and clicks that were proved by a token. CTR: clicks by impressions; N/A where there were more clicks. "
    "Spend: what was billed, rounded for each day.",
    (
        Column("title", "Ad", 40), Column("impressions", "Impressions", 13), Column("clicks", "Clicks", 10),
        Column("ctr", "CTR", 10), _CURRENCY, Column("spend", "Spend"), Column("ad_id", "Ad id", 38, is_on_paper=False),
    ),
)  # fmt: skip
WAITLIST: Final = Frame(
    "waitlist",
    "Waitlist",
    "Joins in these days; seat offers made in these days, and of those that are answered or over the share accepted; "
    "the wait is from joining to the offer.",
    (Column("figure", "Figure", 30), Column("value", "Value", 40)),
)
EXPERIMENTS: Final = Frame(
    "experiments",
    "A/B tests",
    "Everybody since the start of each test, not these days alone. Intervals are at 95 %. p: one planned look, "
    "adjusted for several variants. p at any time: for any number of looks; it decides. Revenue as front ends told it.",
    (
        Column("experiment", "A/B test", 30), Column("verdict", "Verdict", 26), Column("title", "Variant", 24),
        Column("weight", "Weight", 8, is_on_paper=False), Column("impressions", "People", 10),
        Column("conversions", "Goals", 10), Column("conversion_rate", "Rate", 10),
        Column("rate_low", "Rate from", 12), Column("rate_high", "Rate to", 10), Column("lift", "Lift", 10),
        Column("lift_low", "Lift from", 10, is_on_paper=False), Column("lift_high", "Lift to", 10, is_on_paper=False),
        _CURRENCY, Column("revenue", "Revenue"),
        Column("revenue_per_person", "A person brings", 16, is_on_paper=False),
        Column("revenue_per_person_low", "Brings from", is_on_paper=False),
        Column("revenue_per_person_high", "Brings to", is_on_paper=False), Column("p_value", "p", 10),
        Column("p_value_always_valid", "p at any time", 19), Column("state", "State", 10, is_on_paper=False),
        Column("started_at", "Started", 20, is_on_paper=False), Column("stopped_at", "Stopped", 20, is_on_paper=False),
        Column("recommendation", "In words", 120, is_on_paper=False),
    ),
)  # fmt: skip
_OF_ORDERS: Final = (
    Column("order", "Order", 18), Column("created_at", "Ordered", 20), Column("paid_at", "Paid", 20),
    Column("purpose", "Kind", 10), Column("title", "What", 40), Column("quantity", "Units", 8), _CURRENCY,
    Column("unit_amount", "Each"), Column("amount", "Amount"), Column("refunded", "Refunded so far"),
    Column("status", "Status", 20),
)  # fmt: skip
ORDERS: Final = Frame(
    "orders",
    "Orders",
    "Orders paid in these days, free ones too, in the order they were made; status and refunds as they are now. Who "
    "bought is left out: the reader's role does not see orders, or the report goes by mail.",
    _OF_ORDERS,
    is_long=True,
)
ORDERS_WITH_BUYERS: Final = Frame(
    "orders",
    "Orders",
    "Orders paid in these days, free ones too, in the order they were made; status and refunds as they are now.",
    (*_OF_ORDERS, Column("buyer", "Buyer", 34)),
    is_long=True,
)
LEDGER: Final = Frame(
    "ledger",
    "Ledger",
    "Each movement of money in these days, order by order; positive amounts came in. Charges add up to gross but for "
    "ads, all others to refunds.",
    (
        Column("occurred_at", "At", 20), Column("movement", "Movement", 30), Column("order", "Order", 18),
        Column("purpose", "Kind", 10), Column("title", "What", 40), _CURRENCY, Column("amount", "Amount"),
    ),
    is_long=True,
)  # fmt: skip
