"""The chart of revenue by day, drawn by the server: the theme's charts are canvases that say nothing to screen
readers, and are not drawn for parts that come later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.formats import date_format

from analytics.admin.dashboard_words import day_words
from analytics.types.figures import DayRevenue
from common.money import Money, format_money

WIDTH: Final = 1000
HEIGHT: Final = 200
# How much of a day's place its bar takes.
_FULL: Final = 0.8
_MOST_TICKS: Final = 5
SOURCES: Final = (("offers", "Offers"), ("tickets", "Tickets"), ("ads", "Ads"))


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of one source."""

    source: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ChartDay:
    """What stands at a day, and the same in words."""

    words: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the scale: how far from the top, in per cent and in units of the picture."""

    words: str
    percent: float
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of what came above a line, and of what went back below it."""

    days: tuple[ChartDay, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[str, ...]
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def revenue_chart(days: Sequence[DayRevenue], currency: str) -> Chart:
    """Return the chart of days in one currency. No statement."""
    highest = max(sum(_sources(day)) for day in days)
    lowest = max((max(0, day.refunds.amount) for day in days), default=0)
    step = _step(max(highest, lowest, 1))
    top, bottom = -(-highest // step) * step, -(-lowest // step) * step
    scale = _Scale(top or step, bottom, len(days))
    best = max(days, key=lambda day: sum(_sources(day)))
    return Chart(
        days=tuple(scale.day(number, day) for number, day in enumerate(days)),
        ticks=tuple(
            Tick(
                format_money(Money(value, currency)), round(100 * scale.y(value) / HEIGHT, 2), scale.y(value)
            )
            for value in range(scale.top, -bottom - 1, -step)
        ),
        labels=tuple(date_format(days[at].date, "j M") for at in sorted({0, len(days) // 2, len(days) - 1})),
        words=(
            f"{len(days)} days from {day_words(days[0].date)} to {day_words(days[-1].date)}. Most came on"
            f" {day_words(best.date)}: {format_money(Money(sum(_sources(best)), currency))}."
            " The table below has each day."
        ),
    )


def _sources(day: DayRevenue) -> tuple[int, int, int]:
    return day.from_offers.amount, day.from_tickets.amount, day.from_ads.amount


def _step(most: int) -> int:
    """Return a round number of minor units that divides the scale into few parts."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if most <= factor * step * _MOST_TICKS:
                return factor * step
        step *= 10


@dataclass(frozen=True, slots=True)
class _Scale:
    top: int
    bottom: int
    days: int

    def y(self, value: int) -> float:
        """Return how far from the top a value stands."""
        return round(HEIGHT * (self.top - value) / (self.top + self.bottom), 2)

    def day(self, number: int, day: DayRevenue) -> ChartDay:
        """Return a day's bars, one upon the other; what went back hangs below the line."""
        place = WIDTH / self.days
        x, width = round(place * (number + (1 - _FULL) / 2), 2), round(place * _FULL, 2)
        bars, below = [], 0
        for (source, _), amount in zip(SOURCES, _sources(day), strict=True):
            if amount > 0:
                top = self.y(below + amount)
                bars.append(Bar(source, x, top, width, round(self.y(below) - top, 2)))
                below += amount
        if day.refunds.amount > 0:
            bars.append(Bar("back", x, self.y(0), width, round(self.y(-day.refunds.amount) - self.y(0), 2)))
        said = f"{day_words(day.date)}: {format_money(Money(sum(_sources(day)), day.net.currency))}"
        back = f", {format_money(day.refunds)} went back" if day.refunds.amount else ""
        return ChartDay(said + back, tuple(bars))
