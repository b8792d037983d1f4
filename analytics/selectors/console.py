"""How an event stands right now: its ads, its offers, its queues. For readers who were let in already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q, Sum

from ads.micros import minor_units_of
from ads.models import Ad, AdDaily
from ads.types.ads import AdStatus
from common.money import Money
from events.models import Event, Session
from offers.models import Offer
from offers.querysets import on_sale, with_room

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class AdsNow:
    """Ads by how they stand, and what they did today by the event's clocks, each currency by itself."""

    by_status: tuple[tuple[AdStatus, int], ...]
    impressions: int
    clicks: int
    billed: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class OffersNow:
    """What may be bought now, what is sold out, and those on sale with the fewest units left first."""

    on_sale: int
    sold_out: int
    reserved: int
    offers: Sequence[Offer]


@dataclass(frozen=True, slots=True)
class QueuesNow:
    """Who waits in how many sessions, the seats on offer, and the sessions with queues, then those ahead."""

    waiting: int
    held: int
    queues: int
    sessions: Sequence[Session]


def ads_now(event: Event, *, now: datetime) -> AdsNow:
    """Return how the event's ads stand. Two statements."""
    ads: Any = Ad.objects.filter(event=event).with_status(now).select_related(None).order_by()
    found = dict(ads.values_list("status").annotate(ads=Count("pk")))
    today = now.astimezone(event.zone).date()
    rows = list(
        AdDaily.objects.filter(event=event, day=today)
        .order_by()
        .values_list("ad__currency")
        .annotate(shown=Sum("impressions"), clicked=Sum("clicks"), micros=Sum("billed_micros"))
        .order_by("ad__currency")
    )
    return AdsNow(
        by_status=tuple((one, found[one]) for one in AdStatus if found.get(one)),
        impressions=sum(shown for _, shown, _, _ in rows),
        clicks=sum(clicked for _, _, clicked, _ in rows),
        billed=tuple(
            Money(minor_units_of(micros, currency), currency) for currency, _, _, micros in rows if micros
        ),
    )


def offers_now(event: Event, *, now: datetime) -> OffersNow:
    """Return how the event's offers stand. Two statements."""
    offers = Offer.objects.filter(event=event)
    counts = offers.aggregate(
        on_sale=Count("pk", filter=on_sale(now) & with_room()),
        sold_out=Count("pk", filter=on_sale(now) & ~with_room()),
        units=Sum("reserved", default=0),
    )
    shown = offers.filter(on_sale(now)).with_availability(now)
    listed = shown.order_by(F("available").asc(nulls_last=True), "title", "pk")[:_SHOWN]
    return OffersNow(counts["on_sale"], counts["sold_out"], counts["units"], list(listed))


def queues_now(event: Event, *, now: datetime) -> QueuesNow:
    """Return how the event's waitlists stand. Two statements."""
    sessions = Session.objects.filter(event=event)
    has_queue = Q(waiting__gt=0) | Q(held__gt=0)
    # Not by the columns' names: the last one asks for them.
    counts = sessions.aggregate(
        people=Sum("waiting", default=0), seats=Sum("held", default=0), queues=Count("pk", filter=has_queue)
    )
    shown = sessions.filter(has_queue | Q(starts_at__gt=now)).order_by(
        F("waiting").desc(), F("held").desc(), "starts_at", "pk"
    )
    return QueuesNow(counts["people"], counts["seats"], counts["queues"], list(shown[:_SHOWN]))
