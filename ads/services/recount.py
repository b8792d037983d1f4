"""Proving stored days against the raw events, ad by ad."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import transaction

from ads.models import AdFigures
from ads.services import daily, figures_sql
from common import statements
from common.errors import NotFound


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of one ad that is not what its raw events say."""

    ad_id: UUID
    figure: str
    stored: int
    raw: int


@dataclass(frozen=True, slots=True)
class Recount:
    """One day of an event, recounted. A frozen day is the record: nothing is there to compare it with.

    ``is_marked``: events came that wait to be computed, so a difference is none.
    """

    event_id: UUID
    day: date
    differences: tuple[Difference, ...]
    is_marked: bool
    is_frozen: bool

    @property
    def is_off(self) -> bool:
        """Say whether the stored day is wrong."""
        return bool(self.differences) and not self.is_marked


@transaction.atomic
def recount(*, event_id: UUID, day: date) -> Recount:
    """Compare one stored day with its raw events, in one snapshot. Changes nothing. Raises ``NotFound``.

    Refused events are not compared: they are kept as counts alone, with nothing raw behind them.
    """
    book = daily.locked(event_id)
    if book is None:
        raise NotFound
    if book.is_frozen(day):
        return Recount(event_id, day, (), is_marked=False, is_frozen=True)
    rows = statements.run(figures_sql.RECOUNT, daily.parameters(book, day)).fetchall()
    differences = tuple(
        Difference(ad_id, figure, was, found)
        for ad_id, stored, raw, _ in rows
        for figure, was, found in zip(figures_sql.FIGURES, stored, raw, strict=True)
        if was != found
    )
    return Recount(event_id, day, differences, is_marked=any(row[3] for row in rows), is_frozen=False)


def days_to_prove(*, event_id: UUID | None, day: date | None) -> Iterator[tuple[UUID, date]]:
    """Yield the days that are not frozen and have raw events or figures, event by event. Raises ``NotFound``."""
    events = [event_id] if event_id is not None else list(_events())
    for one in events:
        for found in _open_days(one):
            if day is None or found == day:
                yield one, found


def _events() -> Iterator[UUID]:
    known = AdFigures.objects.values_list("pk", flat=True)
    raw = statements.run("SELECT DISTINCT event_id FROM ads_adevent", []).fetchall()
    yield from sorted({*known, *(event_id for (event_id,) in raw)})


@transaction.atomic
def _open_days(event_id: UUID) -> list[date]:
    book = daily.locked(event_id)
    if book is None:
        raise NotFound
    return daily.open_days(book)
