"""Panels about how things stand right now: ads, offers, queues."""

from typing import Final

from django.urls import reverse

from accounts.types import Capability
from analytics.admin.console_panels import Asked, Panel, Told
from analytics.admin.dashboard_words import Card
from analytics.selectors.console import ads_now, offers_now, queues_now
from analytics.services.monetization import bounded
from common.admin.times import time_words
from common.money import Money, format_money


def _ads(asked: Asked) -> Told:
    found = bounded(lambda: ads_now(asked.event, now=asked.now))
    cards = [Card(str(status.label), f"{ads:,}") for status, ads in found.by_status]
    today = [
        Card("Impressions today", f"{found.impressions:,}"),
        Card("Clicks today", f"{found.clicks:,}"),
        Card("Billed today", ", ".join(map(format_money, found.billed)) or "Nothing"),
    ]
    return Told({"cards": [*cards, *today] if cards else [], "add_url": _add(asked, "ad")}, asked.now)


def _offers(asked: Asked) -> Told:
    found = bounded(lambda: offers_now(asked.event, now=asked.now))
    cards = [
        Card("On sale", f"{found.on_sale:,}"),
        Card("Sold out", f"{found.sold_out:,}"),
        Card("Units in open checkouts", f"{found.reserved:,}"),
    ]
    rows = [
        {
            "title": one.title,
            "link": reverse("admin:offers_offer_change", args=[one.pk]),
            "price": format_money(Money(one.price_amount, one.currency)),
            "offer": one,
        }
        for one in found.offers
    ]
    return Told({"cards": cards, "rows": rows, "add_url": _add(asked, "offer")}, asked.now)


def _queues(asked: Asked) -> Told:
    found = bounded(lambda: queues_now(asked.event, now=asked.now))
    may_act = asked.may(Capability.MANAGE_WAITLIST)
    rows = [
        {
            "session": one,
            "starts": time_words(one.starts_at, asked.event.zone),
            # Only those who may manage waitlists may see who stands in them.
            "link": reverse("admin:waitlist_sessionwaitlist_change", args=[one.pk]) if may_act else "",
        }
        for one in found.sessions
    ]
    cards = [
        Card("People and groups waiting", f"{found.waiting:,}"),
        Card("Seats on offer", f"{found.held:,}"),
        Card("Sessions with a queue", f"{found.queues:,}"),
    ]
    return Told({"cards": cards, "rows": rows}, asked.now)


_ADD: Final = {
    "ad": ("admin:ads_ad_add", Capability.MANAGE_ADS),
    "offer": ("admin:offers_offer_add", Capability.MANAGE_OFFERS),
}


def _add(asked: Asked, kind: str) -> str:
    """Return where one more is made at this event; nothing for who may not."""
    address, capability = _ADD[kind]
    return f"{reverse(address)}?event={asked.event.pk}" if asked.may(capability) else ""


LIVE: Final = (
    Panel("ads_now", "Ads now", _ads),
    Panel("offers_now", "On sale now", _offers),
    Panel("queues_now", "Queues now", _queues),
)
