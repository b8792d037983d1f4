"""Showing an ad now: everybody who is at the event hears of it and asks for it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.types import Capability
from ads.errors import AdNotLive
from ads.models import Ad
from ads.selectors.ads import ad_of
from ads.types.ads import AdStatus
from common import audit
from common.db import retrying
from common.errors import Invalid
from common.types import Actor
from events.models import Session
from notifications.realtime import constants, streams


@retrying
@transaction.atomic
def inject_ad(*, actor: Actor, ad_id: UUID, now: datetime, session_id: UUID | None = None) -> Ad:
    """Announce an ad to the room of its event, to be shown at once, in one session or wherever it is aimed at.

    Nothing is counted by it: who shows it asks for a token by ``ads/serve`` with its id, where schedule, caps and
    budgets decide as always. Raises as ``access.require``, ``AdNotLive``, and ``Invalid`` for a session that is not
    of the event or that the ad is not aimed at.
    """
    ad = ad_of(actor, ad_id, now=now, capability=Capability.MANAGE_ADS)
    if ad.status != AdStatus.LIVE:
        raise AdNotLive(f"This ad is not live: {AdStatus(ad.status).label.lower()}.")
    _check_session(ad, session_id)
    payload = {"ad": _announced(ad), "session_id": None if session_id is None else str(session_id)}
    streams.announce(constants.event_room(ad.event_id), constants.AD_INJECTED, payload, now=now)
    audit.record(
        actor=actor, action="ads.inject", subject=ad, organization_id=ad.event.organization_id,
        changes={} if session_id is None else {"session_id": [None, session_id]}, now=now,
    )  # fmt: skip
    return ad


def _check_session(ad: Ad, session_id: UUID | None) -> None:
    if session_id is None:
        return
    if not Session.objects.filter(pk=session_id, event_id=ad.event_id).exists():
        raise Invalid.field("session_id", "not_of_this_event", "This session is not of the ad's event.")
    if ad.target_sessions and session_id not in ad.target_sessions:
        raise Invalid.field("session_id", "not_targeted", "The ad is aimed at other sessions.")


def _announced(ad: Ad) -> dict[str, object]:
    """Return the ad as it is served, without a token: each who shows it has one of their own."""
    return {
        "id": str(ad.pk), "name": ad.name, "content_type": ad.content_type, "media_url": ad.media_url,
        "click_url": ad.click_url, "display_duration_seconds": ad.display_duration_seconds,
        "aspect_ratio": ad.aspect_ratio, "placements": ad.placements,
        "target_sessions": [str(one) for one in ad.target_sessions],
    }  # fmt: skip
