"""What a report says, section by section: one source for all formats, made of the figures that the screen shows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from analytics.exporting.experiments import experiments_section
from analytics.exporting.funnel import funnel_section
from analytics.exporting.sections import (
    ADS,
    BY_CURRENCY,
    BY_DAY,
    LEDGER,
    OFFERS,
    ORDERS,
    ORDERS_WITH_BUYERS,
    SUMMARY,
    WAITLIST,
    Frame,
)
from analytics.services.monetization import Monetization
from analytics.types.experiments import Results
from analytics.types.exports import Cell, Content, Rate, Row, Section
from analytics.types.figures import AdPerformance, CurrencyRevenue, OfferPerformance, Revenue
from common.admin.times import time_words
from common.money import Money

_PARTS: Final = {"revenue": "Revenue", "offers": "Offers", "ads": "Ads", "waitlist": "Waitlist"}
_GONE: Final = "This part could not be had when the report was made. It is not zero: it is not known."


@dataclass(frozen=True, slots=True)
class Found:
    """What was read for a report. None: it could not be had."""

    figures: Monetization
    offers: tuple[OfferPerformance, ...] | None
    ads: tuple[AdPerformance, ...] | None
    experiments: list[Results] | None


@dataclass(frozen=True, slots=True)
class Details:
    """The long sections, a row for each thing that happened."""

    orders: Iterable[Row]
    ledger: Iterable[Row]
    with_buyers: bool


def content_of(found: Found, details: Details | None, *, written_at: datetime) -> Content:
    """Return the report. ``details`` None: it has no long sections."""
    figures = found.figures
    event = figures.event
    sections = [
        _by_currency(figures), _by_day(figures), _offers(found),
        funnel_section(figures.parts["offers"].figures, gone=_GONE), _ads(found), _waitlist(figures),
        experiments_section(found.experiments, event.zone, gone=_GONE),
        *([] if details is None else _long(details)),
    ]  # fmt: skip
    content = Content(
        title=f"{event.title}, {_days(figures)}",
        organization=event.organization.name,
        zone=event.time_zone,
        as_of=figures.as_of,
        written_at=written_at,
        sections=(),
        notes=tuple(_stale_notes(figures)),
        missing=[section.title for section in sections if _GONE in section.notes],
        is_figures_stale=figures.is_behind,
    )
    content.sections = (_summary(figures, content, [one.title for one in sections]), *sections)
    return content


def _days(figures: Monetization) -> str:
    return f"{figures.wanted.first} to {figures.wanted.last}"


def _stale_notes(figures: Monetization) -> Iterator[str]:
    zone = figures.event.zone
    for name, part in figures.parts.items():
        if part.figures is None:
            yield f"{_PARTS[name]}: the figures could not be had. They are not zero: they are not known."
        elif part.is_stale:
            days = "" if part.days is None else f" and of the days {part.days[0]} to {part.days[1]}"
            yield f"{_PARTS[name]}: old figures, of {time_words(part.as_of, zone)}{days}; newer ones could not be had."
    if not figures.is_freshness_known:
        yield "How new views, clicks and impressions are could not be had, so they may be old."
    late = figures.freshness
    if late.is_told_late:
        days = _days_wait(late.pending_days)
        yield f"What front ends told after {time_words(late.told_through, zone)} is not in yet: {days} to be computed."
    if late.is_ads_late:
        days = _days_wait(late.pending_ad_days)
        yield f"What ads counted after {time_words(late.ads_through, zone)} is not in yet: {days} to be computed."
    if late.failures:
        yield "Computing what front ends told has failed of late, so views and clicks may be old."


def _days_wait(days: int) -> str:
    return "1 day waits" if days == 1 else f"{days} days wait"


def _summary(figures: Monetization, content: Content, titles: list[str]) -> Section:
    event, wanted, zone = figures.event, figures.wanted, figures.event.zone
    rows: list[tuple[str, Cell]] = [
        ("Event", event.title),
        ("Organization", content.organization),
        ("First day", wanted.first),
        ("Last day", wanted.last),
        ("Time zone", event.time_zone),
        ("Currency", event.currency),
        ("Figures as of", figures.as_of.astimezone(zone)),
        ("Data through", figures.freshness.data_through.astimezone(zone)),
        ("Written at", content.written_at.astimezone(zone)),
        ("All figures are new", "no" if content.is_stale else "yes"),
        *_headlines(figures),
        ("Sections", ", ".join(titles)),
    ]
    shown = [(name, value, value.currency if isinstance(value, Money) else None) for name, value in rows]
    return Frame.section(SUMMARY, shown, notes=content.notes)


def _headlines(figures: Monetization) -> Iterator[tuple[str, Cell]]:
    """Yield the totals of the screen's cards; of a part that could not be had, none."""
    parts = {name: part.figures for name, part in figures.parts.items()}
    if money := parts["revenue"]:
        yield from (("Gross revenue", money.total), ("Refunds", money.refunds), ("Net revenue", money.net))
    if offers := parts["offers"]:
        yield from (
            ("Offer views", offers.total_views),
            ("Visitors of offers, by day", offers.unique_viewers),
        )
        yield ("Offer clicks", offers.total_clicks if offers.has_click_data else "no click data")
        yield from (
            ("Offers put into a cart", offers.total_carts),
            ("Offer purchases", offers.total_purchases),
        )
        yield ("Offer conversion", Rate(offers.conversion_rate))
    if ads := parts["ads"]:
        yield from (("Ad impressions", ads.total_impressions), ("Ads viewable", ads.total_viewable))
        yield from (("Ad clicks", ads.total_clicks), ("Ad click-through", Rate(ads.average_ctr)))
    if waitlist := parts["waitlist"]:
        yield from (
            ("Waitlist joins", waitlist.total_joins),
            ("Waitlist acceptance", Rate(waitlist.acceptance_rate)),
        )


def _by_currency(figures: Monetization) -> Section:
    money: Revenue | None = figures.parts["revenue"].figures
    if money is None:
        return Frame.section(BY_CURRENCY, (), notes=(_GONE,))
    books: list[tuple[str, Revenue | CurrencyRevenue]] = [(figures.event.currency, money)]
    books += [(one.currency, one) for one in money.other_currencies]
    rows = [
        (currency, one.total, one.from_offers, one.from_tickets, one.from_ads, one.refunds, one.net)
        for currency, one in books
    ]
    return Frame.section(BY_CURRENCY, rows)


def _by_day(figures: Monetization) -> Section:
    money: Revenue | None = figures.parts["revenue"].figures
    if money is None:
        return Frame.section(BY_DAY, (), notes=(_GONE,))
    rows = [
        (
            one.date, figures.event.currency, one.from_offers + one.from_tickets + one.from_ads, one.from_offers,
            one.from_tickets, one.from_ads, one.refunds, one.net,
        )
        for one in money.by_day
    ]  # fmt: skip
    return Frame.section(BY_DAY, rows)


def _offers(found: Found) -> Section:
    rows = [
        (
            one.title, one.views, one.clicks, one.purchases, one.units, one.revenue.currency, one.revenue,
            Rate(one.conversion_rate), str(one.offer_id),
        )
        for one in found.offers or ()
    ]  # fmt: skip
    return Frame.section(OFFERS, rows, notes=tuple(_offer_notes(found)))


def _offer_notes(found: Found) -> Iterator[str]:
    if found.offers is None:
        yield _GONE
    told = found.figures.parts["offers"].figures
    if told is not None and not told.has_click_data:
        yield "No click data: front ends told of no clicks in these days."


def _ads(found: Found) -> Section:
    rows = [
        (
            one.name, one.impressions, one.clicks, Rate(one.ctr), one.spend.currency, one.spend, str(one.ad_id),
        )
        for one in found.ads or ()
    ]  # fmt: skip
    return Frame.section(ADS, rows, notes=() if found.ads is not None else (_GONE,))


def _waitlist(figures: Monetization) -> Section:
    told = figures.parts["waitlist"].figures
    if told is None:
        return Frame.section(WAITLIST, (), notes=(_GONE,))
    wait = told.average_wait_time_minutes
    rows: list[Row] = [
        ("Joins", told.total_joins),
        ("Seat offers made", told.offers_issued),
        ("Acceptance", Rate(told.acceptance_rate)),
        ("Average wait, minutes", Rate(None) if wait is None else round(wait, 2)),
    ]
    return Frame.section(WAITLIST, rows)


def _long(details: Details) -> Iterator[Section]:
    frame = ORDERS_WITH_BUYERS if details.with_buyers else ORDERS
    yield Frame.section(frame, details.orders)
    yield Frame.section(LEDGER, details.ledger)
