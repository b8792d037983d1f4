"""Ads for tests: ``make_ad(weight=3, placements=[AdPlacement.SIDEBAR])``."""

from typing import Any

from django.db.models import F

from accounts.tests.factories import NOW
from ads.micros import micros_of
from ads.models import Ad, AdIndexVersion, AdPlacement, AdSpend, ContentType
from events.models import Event
from events.tests.factories import make_event


def make_ad(event: Event | None = None, **values: Any) -> Ad:
    """Build an ad as the service leaves it: shown everywhere in the hero, without a price, with its spend row."""
    event = event or make_event()
    given: dict[str, Any] = {
        "name": "Backstage tour", "content_type": ContentType.BANNER, "media_url": "https://media.test/ad.png",
        "click_url": "https://shop.test/tour", "placements": [AdPlacement.EVENT_HERO], "currency": event.currency,
        "created_at": NOW, "updated_at": NOW, **values,
    }  # fmt: skip
    ad = Ad.objects.create(event=event, **given)
    AdSpend.objects.create(ad=ad, limit_micros=micros_of(ad.budget_total_amount, ad.currency))
    AdIndexVersion.objects.get_or_create(event=event)
    AdIndexVersion.objects.filter(pk=event.pk).update(version=F("version") + 1)
    return ad
