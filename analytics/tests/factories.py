"""Tracked events for tests: ``event_of(offer)``, and a world to track in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from accounts.tests.factories import NOW
from ads.tests.ad_factories import make_ad
from analytics.services.tracking import track
from analytics.types.tracking import Batch, Incoming, Tracked, Visitor
from events.models import Event, Session
from events.tests.factories import make_event, make_session
from offers.models import Offer
from offers.tests.factories import make_offer

HERE = Visitor(network="198.51.100.0")


@dataclass(frozen=True, slots=True)
class Place:
    """An event with something of each kind."""

    event: Event
    offer: Offer
    ad: Any
    session: Session


def make_place(**fields: Any) -> Place:
    """Create an event with an offer, an ad and a session."""
    event = make_event(**fields)
    return Place(event, make_offer(event=event), make_ad(event), make_session(event=event))


def told(place: Place, kind: str = "OFFER_VIEW", **fields: Any) -> dict[str, Any]:
    """Return an event as a front end tells it."""
    entity = {"O": place.offer, "A": place.ad, "W": place.session}[kind[0]]
    return {
        "id": str(uuid4()), "type": kind, "event_id": str(place.event.pk), "entity_id": str(entity.pk),
        "timestamp": NOW.isoformat(), "session_token": "tab-1", **fields,
    }  # fmt: skip


def keep(
    *events: dict[str, Any], now: datetime = NOW, sent_at: datetime | None = None, bot: bool = False
) -> Tracked:
    """Track events as the door does after it has read them."""
    read = [msgspec.json.decode(msgspec.json.encode(event), type=Incoming) for event in events]
    visitor = Visitor(HERE.network, is_bot=bot)
    return track(Batch(events=list(enumerate(read)), sent_at=sent_at), visitor, now=now)


def ago(**amount: float) -> str:
    """Return an instant before ``NOW`` as a front end writes it."""
    return (NOW - timedelta(**amount)).isoformat()
