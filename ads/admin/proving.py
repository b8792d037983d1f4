"""The proof of a day: what is stored of each ad beside what its raw events say."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django.db import transaction

from ads.models import Ad, AdDaily
from ads.services.figures_sql import FIGURES
from ads.services.recount import Recount, recount
from events.models import Event

_MOST_ROWS: Final = 500
_WORDS: Final = {
    "impressions": "Impressions",
    "viewable": "Viewable impressions",
    "clicks": "Clicks",
    "unique_viewers": "Viewers",
    "billed_impressions": "Billed impressions",
    "billed_clicks": "Billed clicks",
    "billed_micros": "Billed",
    "unbilled_micros": "Not billed, after the budget was spent",
    "unbilled_impressions": "Impressions past the budget",
    "unbilled_clicks": "Clicks past the budget",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of one ad, stored and recounted, in words."""

    ad: str
    figure: str
    stored: str
    raw: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """A day's recount, what differs first; figures that are nothing on both sides are left out."""

    outcome: Recount
    lines: tuple[Line, ...]
    unseen: int


@transaction.atomic
def prove(event: Event, day: date) -> Proof:
    """Recount the day and set it beside what is stored, in one transaction, so that nothing moves between."""
    outcome = recount(event_id=event.pk, day=day)
    kept = AdDaily.objects.filter(event=event, day=day).values("ad_id", *FIGURES)
    pairs = {(row["ad_id"], figure): (row[figure], row[figure]) for row in kept for figure in FIGURES}
    pairs |= {(one.ad_id, one.figure): (one.stored, one.raw) for one in outcome.differences}
    ads = {ad.pk: ad for ad in Ad.objects.filter(pk__in={ad_id for ad_id, _ in pairs})}
    told = [
        _line(ads[ad_id], figure, stored, raw)
        for (ad_id, figure), (stored, raw) in pairs.items()
        if stored or raw
    ]
    told.sort(key=lambda line: (line.is_same, line.ad))
    return Proof(outcome, tuple(told[:_MOST_ROWS]), max(0, len(told) - _MOST_ROWS))


def _line(ad: Ad, figure: str, stored: int, raw: int) -> Line:
    before, after = (_words(figure, number, ad.currency) for number in (stored, raw))
    return Line(ad.name, _WORDS[figure], before, after, stored == raw)


def _words(figure: str, number: int, currency: str) -> str:
    """Say money to the millionth: less than a cent is a difference too."""
    if figure.endswith("_micros"):
        return f"{Decimal(number).scaleb(-6):,.6f} {currency}"
    return f"{number:,}"
