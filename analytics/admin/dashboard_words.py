"""Figures as people read them, each with what it was in the days before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format

from analytics.selectors.changes import Change, change
from analytics.services.thresholds import NOTHING, Judgement
from analytics.types.figures import Range
from common.money import Money, format_fraction, format_money

Say = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Card:
    """One figure: its name, its value, how it changed, and what that is called."""

    label: str
    value: str
    changed: str = ""
    judged: Judgement = NOTHING


def money_card(label: str, now: Money, before: Money | None) -> Card:
    """Show an amount, and how it changed."""
    changed = change(now.amount, None if before is None else before.amount)
    return Card(label, format_money(now), _words(changed, _money_of(now.currency)))


def count_card(label: str, now: int, before: int | None) -> Card:
    """Show a number, and how it changed."""
    return Card(label, f"{now:,}", _words(change(now, before), lambda one: f"{one:,.0f}"))


def rate_card(
    label: str, now: float | None, before: float | None, judged: Judgement = NOTHING, decimals: int = 1
) -> Card:
    """Show a share of 0 to 1, and by how many percentage points it changed."""
    if now is None:
        return Card(label, "N/A")
    changed = _words(change(now, before), lambda one: f"{100 * one:.{decimals}f} points")
    return Card(label, format_fraction(now, decimals), changed, judged)


def minutes_card(label: str, now: float | None, before: float | None) -> Card:
    """Show minutes, and how they changed."""
    if now is None:
        return Card(label, "N/A")
    return Card(label, f"{now:,.0f} min", _words(change(now, before), lambda one: f"{one:,.0f} min"))


def days_words(wanted: Range) -> str:
    """Say a range: ``23 Oct – 21 Nov 2026``."""
    first, last = wanted.first, wanted.last
    if first == last:
        return day_words(last)
    shape = "j M" if first.year == last.year else "j M Y"
    return f"{date_format(first, shape)} – {day_words(last)}"


def day_words(day: date) -> str:
    """Say a day: ``21 Nov 2026``."""
    return date_format(day, "j M Y")


def _words(changed: Change | None, say: Say) -> str:
    """Say a change: ``up $12.00 (+8.5 %)``, ``down 3 (N/A)``, ``unchanged``; ``N/A before``."""
    if changed is None:
        return "N/A before"
    if changed.absolute == 0:
        return "unchanged"
    direction = "up" if changed.absolute > 0 else "down"
    share = "N/A" if changed.relative is None else f"{100 * changed.relative:+,.1f}\N{NO-BREAK SPACE}%"
    return f"{direction} {say(abs(changed.absolute))} ({share})"


def _money_of(currency: str) -> Say:
    return lambda amount: format_money(Money(round(amount), currency))
