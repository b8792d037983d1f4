"""Revenue of an event: from the ledger and from what ads were billed, each currency by itself."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from ads.selectors.revenue import revenue_by_day
from analytics.types.figures import CurrencyRevenue, DayRevenue, Range, Revenue
from common.money import Money
from events.models import Event
from offers.services.names import PURPOSE as OFFER
from payments.models import LedgerKind
from payments.revenue import movements_by_day

# What comes is gross; what goes back is told beside it, in the day it went.
_BACK = frozenset({
    LedgerKind.REFUND, LedgerKind.REFUND_FAILED, LedgerKind.DISPUTE_WITHDRAWN, LedgerKind.DISPUTE_REINSTATED,
})  # fmt: skip


@dataclass(slots=True)
class _Sums:
    """Minor units of one currency."""

    offers: int = 0
    tickets: int = 0
    ads: int = 0
    back: int = 0

    @property
    def total(self) -> int:
        return self.offers + self.tickets + self.ads


@dataclass(slots=True)
class _Book:
    """One currency: in all, and by day."""

    all: _Sums = field(default_factory=_Sums)
    days: dict[date, _Sums] = field(default_factory=lambda: defaultdict(_Sums))

    def of(self, day: date) -> tuple[_Sums, _Sums]:
        return self.all, self.days[day]


def revenue(event: Event, wanted: Range) -> Revenue:
    """Return the revenue of a range of days. Two statements.

    Days without any are there with nothing. A refund counts on the day it went back, and never lowers gross.
    """
    books: dict[str, _Book] = defaultdict(_Book)
    for moved in movements_by_day(event_id=event.pk, zone=event.zone, first=wanted.first, last=wanted.last):
        for sums in books[moved.currency].of(moved.day):
            if moved.kind in _BACK:
                sums.back -= moved.amount
            elif moved.purpose == OFFER:
                sums.offers += moved.amount
            else:
                sums.tickets += moved.amount
    for day, currency, amount in revenue_by_day(event.pk, wanted.first, wanted.last):
        for sums in books[currency].of(day):
            sums.ads += amount
    own = books.pop(event.currency, _Book())
    return Revenue(
        **_shown(own.all, event.currency),
        by_day=tuple(
            DayRevenue(day, **_shown(own.days[day], event.currency, with_total=False))
            for day in _days(wanted)
        ),
        other_currencies=tuple(
            CurrencyRevenue(currency, **_shown(books[currency].all, currency)) for currency in sorted(books)
        ),
    )


def _days(wanted: Range) -> Iterator[date]:
    return (wanted.first + timedelta(days=number) for number in range(wanted.days))


def _shown(sums: _Sums, currency: str, *, with_total: bool = True) -> dict[str, Money]:
    shown = {
        "from_offers": sums.offers,
        "from_tickets": sums.tickets,
        "from_ads": sums.ads,
        "refunds": sums.back,
        "net": sums.total - sums.back,
    }
    if with_total:
        shown = {"total": sums.total, **shown}
    return {name: Money(amount, currency) for name, amount in shown.items()}
