"""Ads in the words and small pictures of their list."""

from collections.abc import Sequence
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from ads.micros import micros_of, minor_units_of
from ads.models import Ad, AdPlacement, PriceModel
from ads.types.ads import AdStatus
from common.admin.times import time_words
from common.money import Money, format_money

_BADGES = {
    AdStatus.LIVE: "success", AdStatus.SCHEDULED: "info", AdStatus.PAUSED: "warning", AdStatus.ENDED: "default",
    AdStatus.ARCHIVED: "default", AdStatus.OUT_OF_BUDGET: "danger",
}  # fmt: skip
COLOURS = {str(status.label): badge for status, badge in _BADGES.items()}
_RUNNING = frozenset({"pause", "archive"})
# Which acts fit how an ad stands.
FITTING_ACTS = {
    AdStatus.LIVE: _RUNNING | {"show_now"}, AdStatus.SCHEDULED: _RUNNING, AdStatus.OUT_OF_BUDGET: _RUNNING,
    AdStatus.PAUSED: frozenset({"resume", "archive"}), AdStatus.ENDED: frozenset({"archive"}),
    AdStatus.ARCHIVED: frozenset(),
}  # fmt: skip
_PER = {PriceModel.CPM: " per thousand", PriceModel.CPC: " per click", PriceModel.FLAT: " flat"}
SPARK_WIDTH: Final = 84
SPARK_HEIGHT: Final = 22


def price_words(ad: Ad) -> str:
    """Say what is paid for what: ``$5.00 per thousand``; ``Free`` where nothing is."""
    return f"{format_money(ad.price)}{_PER[PriceModel(ad.price_model)]}" if ad.price_amount else "Free"


def placement_words(ad: Ad) -> str:
    """Name the placements, in the order of the page they are on."""
    return ", ".join(str(one.label) for one in AdPlacement if one.value in ad.placements)


def schedule(ad: Ad) -> str:
    """Show the schedule as the clocks at the event say it; ``Always`` where it is open at both ends."""
    zone = ad.event.zone
    ends = {
        name: None if instant is None else _breaking_once(time_words(instant, zone))
        for name, instant in (("starts", ad.starts_at), ("ends", ad.ends_at))
    }
    return render_to_string("admin/ads/schedule.html", ends)


def _breaking_once(moment: str) -> str:
    """Let ``18 Nov 2026, 13:36 UTC`` break after its day alone."""
    return ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in moment.split(", "))


def announced(people: int) -> str:
    """Say who hears of an ad that is shown now, and what happens next."""
    who = f"{people:,} registered {'person is' if people == 1 else 'people are'} connected just now"
    if not people:
        who = "Nobody who is registered is connected just now"
    return (
        f"Announced. {who}. Each page of the event that somebody signed in has open asks for the ad "
        "within a second and shows it where it belongs, as far as caps and budget allow; a page that is opened later "
        "does not hear of it."
    )


def money_of(micros: int, currency: str) -> str:
    """Say micro-units as money, rounded to what the currency has."""
    return format_money(Money(minor_units_of(micros, currency), currency))


def spent_bar(ad: Ad) -> str:
    """Show what was billed of the total budget as a bar with words; words alone where there is no limit."""
    billed = money_of(ad.spend.billed_micros, ad.currency)
    most = micros_of(ad.budget_total_amount, ad.currency)
    if most is None:
        # A flat fee is billed once: there is nothing that could go on.
        is_once = ad.price_model == PriceModel.FLAT
        return _bar(billed if is_once else f"{billed}, no limit", None, 0)
    budget = format_money(Money(ad.budget_total_amount or 0, ad.currency))
    return _bar(f"{billed} of {budget}", most, min(ad.spend.billed_micros, most))


def _bar(words: str, most: int | None, billed: int) -> str:
    return render_to_string("admin/ads/spent.html", {"words": words, "most": most, "billed": billed})


def spark(counts: Sequence[int]) -> SafeString | str:
    """Draw daily counts, the oldest first, as a line with a text that says the same; ``-`` where all are nothing."""
    if not any(counts):
        return "-"
    most, steps = max(counts), max(1, len(counts) - 1)
    points = " ".join(
        f"{1 + number * (SPARK_WIDTH - 2) / steps:.1f},{SPARK_HEIGHT - 2 - count * (SPARK_HEIGHT - 4) / most:.1f}"
        for number, count in enumerate(counts)
    )
    context: dict[str, Any] = {
        "points": points,
        "total": f"{sum(counts):,}",
        "words": f"{sum(counts):,} impressions in {len(counts)} days: {', '.join(f'{count:,}' for count in counts)}",
        "width": SPARK_WIDTH,
        "height": SPARK_HEIGHT,
    }
    return SafeString(render_to_string("admin/ads/sparkline.html", context))
