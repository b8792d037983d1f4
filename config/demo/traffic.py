"""A month of what front ends told: views, clicks and carts around the purchases there were, and of ads and the queue.

Told to the service that the pages tell, a few days at a time, and computed as ever. Who bought has looked, clicked and
filled a cart before; so no day has more purchases than clicks.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from ads.models import AdEvent, EventKind
from analytics.models import DailyFigure, RawEvent, TrackedType
from analytics.services.checking import LATEST
from analytics.services.rollup import refresh
from analytics.services.tracking import track
from analytics.types.tracking import Batch, Incoming, Visitor
from events.models import Event
from offers.models import Offer, Purchase
from waitlist.models import Entry

_DAYS: Final = 30
_WEEKEND: Final = 5
_QUIETER: Final = 0.6
# When people look, by the hour of the event's day.
_HOURS: Final = (8, 9, 10, 10, 11, 12, 12, 13, 14, 15, 17, 18, 19, 19, 20, 20, 20, 21, 21, 22)
_VISITORS: Final = 700
# Views of an offer on an ordinary day, the dearer the fewer; of a hundred views how many click, and fill a cart.
_A_DAY: Final = (22, 46)
_DEAR: Final = 5_000
_CLICKS, _CARTS = 0.21, 0.045
# An offer that is on sale is looked at from then on.
_NEW_FOR: Final = timedelta(days=2)
_PEOPLE: Final = Visitor(network="203.0.113.0")
_CRAWLER: Final = Visitor(network="198.51.100.0", is_bot=True)
_CRAWLED: Final = 60
# Told within the time in which events are taken, with room for the clock.
_AT_ONCE: Final = LATEST - timedelta(days=1)
_OF_ADS: Final = {
    EventKind.IMPRESSION: TrackedType.AD_IMPRESSION,
    EventKind.CLICK: TrackedType.AD_CLICK,
}


@dataclass(frozen=True, slots=True)
class _Told:
    """Something that happened, as a page tells it."""

    at: datetime
    kind: TrackedType
    entity_id: UUID
    visitor: str


def seed_traffic(event: Event, *, now: datetime) -> int:
    """Tell the past month once, after its purchases are there, and compute it; return how many events it has."""
    if any(kind.objects.filter(event_id=event.pk).exists() for kind in (RawEvent, DailyFigure)):
        return 0
    # The same month each time.
    chance = random.Random(2026)
    told = sorted(
        (one for one in _everything(event, chance, now) if one.at <= now),
        key=lambda one: (one.at, one.kind, one.entity_id),
    )
    with transaction.atomic():
        for start in range(_DAYS + 1, -1, -_AT_ONCE.days):
            since = now - timedelta(days=start)
            until = min(now, since + _AT_ONCE)
            _tell(
                event, [one for one in told if since <= one.at < until or one.at == until == now], now=until
            )
    refresh(now=now, event_id=event.pk)
    return len(told)


def _tell(event: Event, told: Sequence[_Told], *, now: datetime) -> None:
    batch = [_incoming(event, one, place) for place, one in enumerate(told)]
    track(Batch(events=list(enumerate(batch))), _PEOPLE, now=now)
    track(Batch(events=list(enumerate(batch[:_CRAWLED]))), _CRAWLER, now=now)


def _incoming(event: Event, one: _Told, place: int) -> Incoming:
    said = Incoming(type=one.kind.value, id=f"demo-{one.at.timestamp():.0f}-{place}", timestamp=one.at)
    said.event_id, said.entity_id, said.session_token = event.pk, one.entity_id, one.visitor
    return said


def _everything(event: Event, chance: random.Random, now: datetime) -> Iterator[_Told]:
    yield from _buyers(event, chance)
    offers = Offer.objects.filter(event=event).order_by("title")
    for offer in offers:
        yield from _lookers(event, offer, chance, now)
    yield from _ads(event)
    for entry in Entry.objects.filter(session__event=event).order_by("joined_at", "pk"):
        yield _Told(entry.joined_at, TrackedType.WAITLIST_JOIN, entry.session_id, f"demo-{entry.user_id}")


def _buyers(event: Event, chance: random.Random) -> Iterator[_Told]:
    """Yield what those did who bought in the end, on the day on which they paid."""
    bought = Purchase.objects.filter(order__event=event, order__paid_at__isnull=False)
    for purchase in bought.select_related("order").order_by("order__paid_at", "pk"):
        paid_at: datetime = purchase.order.paid_at or purchase.order.created_at
        midnight = datetime.combine(paid_at.astimezone(event.zone).date(), time(), event.zone)
        seconds = 0.0
        for kind, took in (
            (TrackedType.OFFER_PURCHASE, 0.0),
            (TrackedType.OFFER_ADD_TO_CART, chance.uniform(50, 240)),
            (TrackedType.OFFER_CLICK, chance.uniform(5, 40)),
            (TrackedType.OFFER_VIEW, chance.uniform(3, 60)),
        ):
            seconds += took
            at = max(midnight.astimezone(UTC), paid_at - timedelta(seconds=seconds))
            yield _Told(at, kind, purchase.offer_id, f"demo-{purchase.order.buyer_id}")


def _lookers(event: Event, offer: Offer, chance: random.Random, now: datetime) -> Iterator[_Told]:
    """Yield what those did who bought nothing, while the offer was to be seen."""
    since, until = (
        (offer.starts_at or now - timedelta(days=_DAYS), offer.expires_at)
        if offer.expires_at and offer.expires_at < now
        else (now - _NEW_FOR, now)
    )
    for ago in range(_DAYS, -1, -1):
        day = now.astimezone(event.zone).date() - timedelta(days=ago)
        for _ in range(_views(offer, day, chance)):
            at, visitor = _moment(event, day, chance), f"demo-looker-{chance.randrange(_VISITORS)}"
            luck, pause = chance.random(), chance.uniform(3, 60)
            if not since <= at < until:
                continue
            yield _Told(at, TrackedType.OFFER_VIEW, offer.pk, visitor)
            if luck < _CLICKS:
                yield _Told(at + timedelta(seconds=pause), TrackedType.OFFER_CLICK, offer.pk, visitor)
            if luck < _CARTS:
                yield _Told(
                    at + timedelta(seconds=2 * pause), TrackedType.OFFER_ADD_TO_CART, offer.pk, visitor
                )


def _views(offer: Offer, day: date, chance: random.Random) -> int:
    busy = chance.randint(*_A_DAY) * (_QUIETER if day.weekday() >= _WEEKEND else 1)
    return round(busy * (0.5 if offer.price_amount >= _DEAR else 1))


def _moment(event: Event, day: date, chance: random.Random) -> datetime:
    at = time(chance.choice(_HOURS), chance.randrange(58), chance.randrange(60))
    return datetime.combine(day, at, tzinfo=event.zone).astimezone(UTC)


def _ads(event: Event) -> Iterator[_Told]:
    """Yield the ads that were shown and clicked, as their own books have them."""
    shown = AdEvent.objects.filter(event_id=event.pk, kind__in=list(_OF_ADS)).order_by(
        "occurred_at", "decision_id"
    )
    for kind, at, ad_id, viewer in shown.values_list("kind", "occurred_at", "ad_id", "viewer"):
        yield _Told(at, _OF_ADS[EventKind(kind)], ad_id, f"demo-{viewer}")
