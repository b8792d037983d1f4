"""The demo's offers: the five that are on sale, three that are over, and one of the rival's."""

from datetime import datetime, timedelta
from typing import Any

from config.demo.events import Stage
from events.models import Event
from offers.models import Offer, OfferType, Placement
from tickets.models import Priority


def seed_offers(stage: Stage, *, now: datetime) -> dict[str, Offer]:
    """Create the offers that are missing and return them by title."""
    conference, rival = stage.events["demo-conf"], stage.events["rival-meetup"]
    past = {"is_active": False, "expires_at": now - timedelta(days=2), "starts_at": now - timedelta(days=60)}
    offers = [
        _offer(
            conference,
            now,
            "Backstage video",
            OfferType.EXCLUSIVE_CONTENT,
            1_999,
            total=5,
            description="Forty minutes behind the scenes, with the speakers before they go on.",
            content_url="https://video.demo.test/backstage",
            original_price_amount=2_999,
        ),
        _offer(
            conference,
            now,
            "VIP upgrade",
            OfferType.TICKET_UPGRADE,
            15_000,
            total=None,
            description="Front rows, the lounge, and a place ahead in every queue.",
            upgrade_to_tier=stage.tiers[Priority.VIP],
            placement=Placement.CHECKOUT,
        ),
        _offer(
            conference,
            now,
            "T-shirt",
            OfferType.MERCHANDISE,
            2_500,
            total=100,
            description="Organic cotton, this year's print. Shipped to your door.",
        ),
        _offer(
            conference,
            now,
            "Career coaching",
            OfferType.SERVICE,
            8_000,
            total=10,
            description="Forty-five minutes with a coach, at a time that suits you.",
        ),
        _offer(
            conference,
            now,
            "Wallpaper",
            OfferType.EXCLUSIVE_CONTENT,
            0,
            total=None,
            per_user_limit=1,
            description="The artwork of the conference for your screen.",
            content_url="https://media.demo.test/wallpaper",
        ),
        _offer(
            conference,
            now,
            "Early-bird poster",
            OfferType.MERCHANDISE,
            1_500,
            total=400,
            description="A signed print, for those who came first.",
            **past,
        ),
        _offer(
            conference,
            now,
            "Last year's recordings",
            OfferType.EXCLUSIVE_CONTENT,
            2_900,
            total=None,
            description="All talks of last year.",
            content_url="https://video.demo.test/archive",
            **past,
        ),
        _offer(
            conference,
            now,
            "Portrait session",
            OfferType.SERVICE,
            4_500,
            total=20,
            description="Half an hour with the conference's photographer.",
            **past,
        ),
        _offer(
            rival,
            now,
            "Rival mug",
            OfferType.MERCHANDISE,
            1_200,
            total=10,
            description="Somebody else's mug.",
        ),
    ]
    return {offer.title: offer for offer in offers}


def _offer(
    event: Event, now: datetime, title: str, kind: str, price: int, *, total: int | None, **more: Any
) -> Offer:
    values = {
        "offer_type": kind,
        "price_amount": price,
        "currency": event.currency,
        "inventory_total": total,
        "created_at": now,
        "updated_at": now,
        **more,
    }
    return Offer.objects.get_or_create(event=event, title=title, defaults=values)[0]
