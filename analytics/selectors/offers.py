"""Offers of an event in a range of days: what front ends told of them, and what was bought."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db.models import Sum

from analytics.models import DailyFigure, TrackedType
from analytics.types.figures import OfferFigures, OfferPerformance, Range
from common.money import Money
from events.models import Event
from offers.models import Offer
from offers.selectors.sales import OfferSales, sales_by_offer

_TOP = 5
_TYPES = (TrackedType.OFFER_VIEW, TrackedType.OFFER_CLICK, TrackedType.OFFER_ADD_TO_CART)
# How often each type was told, and by how many visitors of a day, by entity; None: all entities together.
_Told = Mapping[UUID | None, Mapping[str, tuple[int, int]]]


def offer_figures(event: Event, wanted: Range) -> OfferFigures:
    """Return the figures of the event's offers. Three statements.

    Visitors are those of each day added up: the same visitor on two days counts twice.
    """
    told = _told(event, wanted)
    sales = sales_by_offer(event_id=event.pk, start=wanted.start, end=wanted.end)
    views, viewers = told[None].get(TrackedType.OFFER_VIEW, (0, 0))
    clicks, _ = told[None].get(TrackedType.OFFER_CLICK, (0, 0))
    carts, _ = told[None].get(TrackedType.OFFER_ADD_TO_CART, (0, 0))
    purchases = sum(sold.purchases for sold in sales)
    return OfferFigures(
        total_views=views,
        unique_viewers=viewers,
        total_clicks=clicks,
        total_carts=carts,
        total_purchases=purchases,
        conversion_rate=rate(purchases, views),
        has_click_data=clicks > 0,
        top_performers=_top(event, told, sales),
    )


def all_offers(event: Event, wanted: Range) -> tuple[OfferPerformance, ...]:
    """Return every offer that was seen or bought: the best first, other currencies by themselves, then mere views.

    Three statements.
    """
    told = _told(event, wanted)
    sales = sales_by_offer(event_id=event.pk, start=wanted.start, end=wanted.end)
    sold = sorted(sales, key=lambda one: (one.currency != event.currency, one.currency))
    seen = _seen(told, {one.offer_id for one in sales})
    titles = dict(Offer.objects.filter(pk__in=seen).values_list("pk", "title"))
    return (
        *(_performance(event, one.offer_id, one.title, told, one) for one in sold),
        *(_performance(event, entity, titles[entity], told, None) for entity in seen),
    )


def rate(part: int, whole: int) -> float | None:
    """Return a share of 0 to 1; None with nothing below, and where less was told than happened."""
    return part / whole if whole and part <= whole else None


def _told(event: Event, wanted: Range) -> _Told:
    figures = (
        DailyFigure.objects.filter(event=event, day__range=(wanted.first, wanted.last), type__in=_TYPES)
        .order_by()
        .values_list("entity_id", "type")
        .annotate(times=Sum("count"), people=Sum("visitors"))
    )
    told: dict[UUID | None, dict[str, tuple[int, int]]] = defaultdict(dict)
    for entity_id, kind, times, people in figures:
        told[entity_id][kind] = (times, people)
    return told


def _top(event: Event, told: _Told, sales: Sequence[OfferSales]) -> tuple[OfferPerformance, ...]:
    """Return the offers that brought most in the event's currency; then those that were seen most."""
    own = {sold.offer_id: sold for sold in sales if sold.currency == event.currency}
    first = [*own, *_seen(told, own)][:_TOP]
    titles = dict(Offer.objects.filter(pk__in=first).values_list("pk", "title"))
    return tuple(_performance(event, entity, titles[entity], told, own.get(entity)) for entity in first)


def _seen(told: _Told, but: Collection[UUID]) -> list[UUID]:
    """Return what was told of beside these, the most seen first."""
    return sorted(
        (entity for entity in told if entity and entity not in but),
        key=lambda entity: (-_times(told, entity, TrackedType.OFFER_VIEW), str(entity)),
    )


def _performance(
    event: Event, offer_id: UUID, title: str, told: _Told, sold: OfferSales | None
) -> OfferPerformance:
    views = _times(told, offer_id, TrackedType.OFFER_VIEW)
    purchases = sold.purchases if sold else 0
    return OfferPerformance(
        offer_id=offer_id,
        title=title,
        views=views,
        clicks=_times(told, offer_id, TrackedType.OFFER_CLICK),
        purchases=purchases,
        units=sold.units if sold else 0,
        revenue=Money(sold.amount, sold.currency) if sold else Money(0, event.currency),
        conversion_rate=rate(purchases, views),
    )


def _times(told: _Told, entity: UUID, kind: str) -> int:
    return told.get(entity, {}).get(kind, (0, 0))[0]
