"""A month of shown, seen and clicked ads, so that their screens have something to show.

Events go into the table that real ones go into, and billing follows the same rules: a cap holds for each viewer and
day, nothing is billed above a budget, a flat fee once. The daily figures are computed from them by the service.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from operator import attrgetter
from uuid import UUID

from django.db import connection

from ads.decision.viewers import viewer_of
from ads.micros import micros_of, micros_per_impression
from ads.models import (
    Ad,
    AdDaily,
    AdEvent,
    AdSpend,
    AdSpendDay,
    EventKind,
    InvalidCount,
    InvalidReason,
    InvalidSample,
    PriceModel,
)
from events.models import Event

_DAYS = 30
_VISITORS = 160
# When people look, by the hour of the event's day.
_HOURS = (8, 9, 9, 10, 11, 12, 12, 13, 14, 16, 18, 19, 20, 20, 21, 22)
_WEEKEND = 5
_NOT_COUNTED = (
    (EventKind.IMPRESSION, InvalidReason.BOT, 0.05),
    (EventKind.IMPRESSION, InvalidReason.DUPLICATE, 0.02),
    (EventKind.IMPRESSION, InvalidReason.STAFF, 0.01),
    (EventKind.CLICK, InvalidReason.DUPLICATE, 0.008),
)
_ROBOT = "Mozilla/5.0 (compatible; DemoCrawler/1.0)"


@dataclass(frozen=True, slots=True)
class Run:
    """How an ad does: impressions on an ordinary day, the share that is viewable, the share that is clicked."""

    ad: Ad
    a_day: int
    viewable: float
    clicked: float
    until: datetime


@dataclass(slots=True)
class _Row:
    """A row of the table of events, by its columns: five thousand models would take longer than all else."""

    issue_day: date
    decision_id: UUID
    kind: str
    ad_id: UUID
    event_id: UUID
    placement: str
    viewer: UUID
    occurred_at: datetime
    billed_micros: int = 0
    unbilled_micros: int = 0


@dataclass(slots=True)
class _Books:
    """What an ad was billed so far, in micro-units."""

    total: int = 0
    days: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    flat_at: datetime | None = None


def seed_ad_history(event: Event, runs: list[Run], *, now: datetime) -> int:
    """Record the past events of ads that have none, with what they were billed; return how many there are.

    Past days have no partition: the default one takes the rows, and the daily job makes the days.
    """
    ad_ids = [run.ad.pk for run in runs]
    # Raw events are deleted one day; the figures of their days stay.
    if any(model.objects.filter(ad_id__in=ad_ids).exists() for model in (AdEvent, AdDaily)):
        return 0
    # The same month each time.
    chance = random.Random(2026)
    rows = [row for run in runs for row in _events(run, event, chance, now)]
    _copy(rows)
    _not_counted(runs, event, chance, now)
    return len(rows)


def _events(run: Run, event: Event, chance: random.Random, now: datetime) -> list[_Row]:
    books = _Books()
    rows = [row for day in _days(event, now) for row in _day(run, event, day, chance, now)]
    rows.sort(key=lambda row: row.occurred_at)
    for row in rows:
        _bill(row, run.ad, event, books)
    AdSpend.objects.filter(ad=run.ad).update(billed_micros=books.total, flat_billed_at=books.flat_at)
    AdSpendDay.objects.bulk_create(
        AdSpendDay(ad=run.ad, day=day, billed_micros=micros) for day, micros in books.days.items()
    )
    return rows


def _days(event: Event, now: datetime) -> list[date]:
    today = now.astimezone(event.zone).date()
    return [today - timedelta(days=ago) for ago in range(_DAYS, -1, -1)]


def _day(run: Run, event: Event, day: date, chance: random.Random, now: datetime) -> Iterator[_Row]:
    seen: Counter[UUID] = Counter()
    visitors = _visitors()
    busy = run.a_day * chance.uniform(0.7, 1.3) * (0.6 if day.weekday() >= _WEEKEND else 1)
    for _ in range(round(busy)):
        shown_at = _moment(event, day, chance)
        viewer = chance.choice(visitors)
        luck = chance.random(), chance.random(), chance.uniform(1.2, 9)
        seen[viewer] += 1
        # A minute for what follows an impression.
        if shown_at < min(now, run.until) - timedelta(minutes=1) and seen[viewer] <= run.ad.frequency_cap:
            yield from _one(run, shown_at, viewer, luck, UUID(int=chance.getrandbits(128), version=4))


@cache
def _visitors() -> tuple[UUID, ...]:
    return tuple(viewer_of(None, f"demo-visitor-{number}") for number in range(_VISITORS))


def _moment(event: Event, day: date, chance: random.Random) -> datetime:
    at = time(chance.choice(_HOURS), chance.randrange(60), chance.randrange(60))
    return datetime.combine(day, at, tzinfo=event.zone).astimezone(UTC)


def _one(
    run: Run, shown_at: datetime, viewer: UUID, luck: tuple[float, float, float], decision: UUID
) -> Iterator[_Row]:
    of_view, of_click, seconds = luck
    happened = [(EventKind.IMPRESSION, shown_at)]
    if of_view < run.viewable:
        happened.append((EventKind.VIEWABLE, shown_at + timedelta(seconds=seconds)))
        if of_click < run.clicked / run.viewable:
            happened.append((EventKind.CLICK, shown_at + timedelta(seconds=2 * seconds)))
    for kind, at in happened:
        yield _Row(
            shown_at.date(),
            decision,
            kind.value,
            run.ad.pk,
            run.ad.event_id,
            run.ad.placements[0],
            viewer,
            at,
        )


def _bill(row: _Row, ad: Ad, event: Event, books: _Books) -> None:
    """Bill an event as its redemption would have: the price while budgets last, the rest as unbilled."""
    price = _price(row, ad, books)
    if price is None:
        return
    day = row.occurred_at.astimezone(event.zone).date()
    total, daily = (micros_of(one, ad.currency) for one in (ad.budget_total_amount, ad.budget_daily_amount))
    fits = (total is None or books.total + price <= total) and (
        daily is None or books.days[day] + price <= daily
    )
    if not fits:
        row.unbilled_micros = price
        return
    row.billed_micros = price
    books.total += price
    books.days[day] += price


def _price(row: _Row, ad: Ad, books: _Books) -> int | None:
    if ad.price_model == PriceModel.CPM and row.kind == EventKind.IMPRESSION:
        return micros_per_impression(ad.price_amount, ad.currency)
    if ad.price_model == PriceModel.CPC and row.kind == EventKind.CLICK:
        return micros_of(ad.price_amount, ad.currency)
    if ad.price_model == PriceModel.FLAT and books.flat_at is None:
        books.flat_at = row.occurred_at
        return micros_of(ad.price_amount, ad.currency)
    return None


def _copy(rows: list[_Row]) -> None:
    names = [one.name for one in fields(_Row)]
    values = attrgetter(*names)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ads_adevent ({', '.join(names)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(values(row))


def _not_counted(runs: list[Run], event: Event, chance: random.Random, now: datetime) -> None:
    """Add what was refused: crawlers, repetitions, the organizer's own people."""
    counts, samples = [], []
    for run in runs:
        for day in _days(event, now):
            for kind, reason, share in _NOT_COUNTED:
                at, many = _moment(event, day, chance), round(run.a_day * share * chance.uniform(0, 2))
                if not many or at >= min(now, run.until):
                    continue
                slot = at.replace(minute=at.minute // 15 * 15, second=0)
                about = {"event_id": event.pk, "ad_id": run.ad.pk, "kind": kind, "reason": reason}
                counts.append(InvalidCount(slot=slot, count=many, **about))
                client = _ROBOT if reason == InvalidReason.BOT else ""
                samples.append(
                    InvalidSample(occurred_at=at, network="203.0.113.0/24", user_agent=client, **about)
                )
    InvalidCount.objects.bulk_create(counts)
    InvalidSample.objects.bulk_create(samples)
