"""Panels of the dashboard: each is loaded by itself, so that one that fails leaves the others alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from accounts.scope import Scope
from accounts.types import Capability
from analytics.admin.dashboard_chart import SOURCES, revenue_chart
from analytics.admin.dashboard_words import (
    Card,
    count_card,
    day_words,
    days_words,
    minutes_card,
    money_card,
    rate_card,
)
from analytics.selectors.funnel import Stage, funnel
from analytics.selectors.ranges import before
from analytics.services.experiments.looks import look
from analytics.services.monetization import Part, monetization, part_of
from analytics.services.thresholds import Judgement, judge_conversion, judge_ctr, judge_drop_off
from analytics.types.figures import AdFigures, OfferFigures, Range, Revenue, WaitlistFigures
from common.money import format_fraction, format_money
from events.models import Event

# More verdicts are read in the list of experiments.
MOST_EXPERIMENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a panel of which event, for which days."""

    scope: Scope
    event: Event
    wanted: Range
    now: datetime

    def may(self, capability: Capability) -> bool:
        """Say whether they may do that at this event."""
        return self.scope.has(capability, self.event.organization_id)


@dataclass(frozen=True, slots=True)
class Told:
    """What a panel shows. ``data_through`` None: it is read from the books themselves, as they are at ``as_of``."""

    context: Mapping[str, Any]
    as_of: datetime
    data_through: datetime | None = None
    is_stale: bool = False
    # Of which days these are, where those are not the ones that were chosen.
    days: str = ""
    failures: int = 0


class NoFigures(Exception):
    """The figures could not be had, and there is no answer from before."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: its name in addresses, its title, its template, and what it shows."""

    name: str
    title: str
    tell: Callable[[Asked], Told]
    about: str = field(default="")

    @property
    def template(self) -> str:
        """The file that shows it."""
        return f"admin/analytics/panels/{self.name}.html"


@dataclass(frozen=True, slots=True)
class _Figures:
    """One part's figures, and those of as many days before; None where those could not be had."""

    now: Any
    before: Any
    told: Callable[[Mapping[str, Any]], Told]

    def of_before(self, name: str) -> Any:
        return None if self.before is None else getattr(self.before, name)


def _figures(asked: Asked, name: str) -> _Figures:
    """Read a part. Raises ``NoFigures``. The days before are left out where these already had to be waited for."""
    found = monetization(
        actor=asked.scope.actor, event_id=asked.event.pk, date_from=asked.wanted.first, date_to=asked.wanted.last,
        parts=(name,), now=asked.now,
    )  # fmt: skip
    part: Part = found.parts[name]
    if part.figures is None:
        raise NoFigures
    earlier = before(asked.wanted, asked.event)
    compared = None
    if not found.is_stale:
        compared = part_of(name, asked.event, earlier, now=asked.now).figures

    def told(context: Mapping[str, Any]) -> Told:
        return Told(
            {**context, "compared": days_words(earlier)},
            part.as_of,
            min(part.as_of, found.freshness.data_through),
            is_stale=found.is_stale,
            days="" if part.days is None else f"{day_words(part.days[0])} – {day_words(part.days[1])}",
            failures=found.freshness.failures,
        )

    return _Figures(part.figures, compared, told)


def _revenue(asked: Asked) -> Told:
    figures = _figures(asked, "revenue")
    now: Revenue = figures.now
    cards = [
        money_card(label, getattr(now, name), figures.of_before(name))
        for label, name in (
            ("Net", "net"), ("Gross", "total"), ("Went back", "refunds"), ("From offers", "from_offers"),
            ("From tickets", "from_tickets"), ("From ads", "from_ads"),
        )
    ]  # fmt: skip
    is_empty = not (now.total.amount or now.refunds.amount)
    rows = [
        (
            day_words(day.date),
            *map(format_money, (day.from_offers, day.from_tickets, day.from_ads, day.refunds, day.net)),
        )
        for day in now.by_day
    ]  # fmt: skip
    others = [
        (one.currency, *map(format_money, (one.total, one.refunds, one.net))) for one in now.other_currencies
    ]
    return figures.told({
        "cards": cards,
        "chart": None if is_empty else revenue_chart(now.by_day, now.total.currency),
        "sources": SOURCES,
        "rows": rows,
        "others": others,
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class _StageRow:
    """A stage in words, and how long its bar is, of 100."""

    stage: Stage
    length: float
    judged: Judgement

    @property
    def count(self) -> str:
        return (
            f"No {self.stage.name[:-1].lower()} data" if self.stage.count is None else f"{self.stage.count:,}"
        )

    @property
    def came(self) -> str:
        return format_fraction(self.stage.came) if self.stage.after else "-"

    @property
    def lost(self) -> str:
        return format_fraction(self.stage.lost) if self.stage.after else "-"


def _funnel(asked: Asked) -> Told:
    figures = _figures(asked, "offers")
    now: OfferFigures = figures.now
    stages = funnel(now)
    most = max((stage.count or 0 for stage in stages), default=0)
    rows = [
        _StageRow(
            stage, round(100 * (stage.count or 0) / most, 2) if most else 0.0, judge_drop_off(stage.lost)
        )
        for stage in stages
    ]
    judged = judge_conversion(now.conversion_rate)
    conversion = rate_card(
        "Conversion", now.conversion_rate, figures.of_before("conversion_rate"), judged, decimals=2
    )
    has_unknown = any(stage.after and stage.came is None for stage in stages)
    return figures.told({"rows": rows if most else [], "cards": [conversion], "has_unknown": has_unknown})


def _offers(asked: Asked) -> Told:
    figures = _figures(asked, "offers")
    now: OfferFigures = figures.now
    cards = [
        count_card("Views", now.total_views, figures.of_before("total_views")),
        count_card("Visitors of each day", now.unique_viewers, figures.of_before("unique_viewers")),
        count_card("Clicks", now.total_clicks, figures.of_before("total_clicks"))
        if now.has_click_data
        else Card("Clicks", "No click data"),
        count_card("Purchases", now.total_purchases, figures.of_before("total_purchases")),
    ]
    rows = [
        {
            "title": one.title,
            "link": reverse("admin:offers_offer_change", args=[one.offer_id]),
            "told": one,
            "revenue": format_money(one.revenue),
            "rate": format_fraction(one.conversion_rate, 2),
            "judged": judge_conversion(one.conversion_rate),
        }
        for one in now.top_performers
    ]
    return figures.told({"cards": cards, "rows": rows, "has_click_data": now.has_click_data})


def _ads(asked: Asked) -> Told:
    figures = _figures(asked, "ads")
    now: AdFigures = figures.now
    cards = [
        count_card("Impressions", now.total_impressions, figures.of_before("total_impressions")),
        count_card("Viewable", now.total_viewable, figures.of_before("total_viewable")),
        count_card("Clicks", now.total_clicks, figures.of_before("total_clicks")),
        rate_card(
            "Click rate (CTR)", now.average_ctr, figures.of_before("average_ctr"), judge_ctr(now.average_ctr), 2
        ),
    ]  # fmt: skip
    rows = [
        {
            "name": one.name,
            "link": reverse("admin:ads_ad_change", args=[one.ad_id]),
            "told": one,
            "ctr": format_fraction(one.ctr, 2),
            "judged": judge_ctr(one.ctr),
            "spend": format_money(one.spend),
        }
        for one in now.top_performers
    ]
    return figures.told({"cards": cards, "rows": rows})


def _waitlist(asked: Asked) -> Told:
    figures = _figures(asked, "waitlist")
    now: WaitlistFigures = figures.now
    cards = [
        count_card("Joined", now.total_joins, figures.of_before("total_joins")),
        count_card("Seats offered", now.offers_issued, figures.of_before("offers_issued")),
        rate_card("Accepted of those that ended", now.acceptance_rate, figures.of_before("acceptance_rate")),
        minutes_card(
            "Wait until the offer", now.average_wait_time_minutes, figures.of_before("average_wait_time_minutes")
        ),
    ]  # fmt: skip
    return figures.told({"cards": cards, "is_empty": not (now.total_joins or now.offers_issued)})


def _experiments(asked: Asked) -> Told:
    """Show the newest. One more is asked for, to know whether there are more."""
    found = look(asked.event, newest=MOST_EXPERIMENTS + 1, now=asked.now)
    shown = found.results[:MOST_EXPERIMENTS]
    rows = [(one, reverse("admin:analytics_experiment_results", args=[one.experiment.pk])) for one in shown]
    everything = f"{reverse('admin:analytics_experiment_changelist')}?event__id__exact={asked.event.pk}"
    context = {"rows": rows, "rest": everything if len(found.results) > len(shown) else ""}
    return Told(context, found.as_of, found.as_of, is_stale=found.is_stale)


FIGURES: Final = (
    Panel(
        "revenue", "Revenue by day", _revenue,
        "Net is what came, less what went back by refunds and what disputes withdrew. Stripe's fees are not taken off.",
    ),
    Panel(
        "funnel", "From views to purchases", _funnel,
        "Views, clicks and carts are what front ends told; purchases are paid orders.",
    ),
    Panel("offers", "Offers", _offers),
    Panel("ads", "Ads", _ads, "From counted impressions and clicks."),
    Panel("waitlist", "Waitlists", _waitlist),
    Panel("experiments", "Experiments", _experiments, "Whatever the days chosen above: from start to now."),
)  # fmt: skip
