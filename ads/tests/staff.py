"""Members of staff at the screens of ads, for tests."""

from typing import Any

from django.test import Client

from ads.models import Ad, AdSpend
from common.audit.models import AuditEntry

LIST = "/admin/ads/ad/"


FORM = {
    "name": "Espresso at booth 12", "content_type": "BANNER", "media_url": "https://media.test/espresso.png",
    "click_url": "https://shop.test/espresso", "display_duration_seconds": "15", "aspect_ratio": "16:9",
    "placements": ["EVENT_HERO", "SIDEBAR"], "weight": "2", "frequency_cap": "3", "starts_at": "", "ends_at": "",
    "price_model": "CPM", "price": "5.00", "budget_total": "100", "budget_daily": "", "pacing": "EVEN",
}  # fmt: skip


def page_of(ad: Ad) -> str:
    """Return the address of an ad's page."""
    return f"{LIST}{ad.pk}/change/"


def add_page(ad_or_event: Any) -> str:
    """Return the address of the form of a new ad of an event."""
    return f"{LIST}add/?event={ad_or_event.pk}"


def do(client: Client, name: str, *ads: Ad, **data: Any) -> Any:
    """Confirm an act on ads."""
    return client.post(f"{LIST}act/{name}/", {"ids": [str(one.pk) for one in ads], "confirmed": "1", **data})


def bill(ad: Ad, micros: int) -> None:
    """Have the ad billed."""
    AdSpend.objects.filter(ad=ad).update(billed_micros=micros)


def audited() -> list[tuple[str, str]]:
    """Return what the audit has, the oldest first: action and reason."""
    return list(AuditEntry.objects.order_by("id").values_list("action", "reason"))
