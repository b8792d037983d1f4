"""Telling an event's visitors how many units are left (REQ RT-02), once a second at most for an offer."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from common.outbox import enqueue
from notifications.realtime import constants, streams
from offers.models import Offer

TELL_JOB: Final = "offers.tell_availability"
# Everything that changes in so long a time is told of together, as it is in the end.
GATHERED_FOR: Final = timedelta(seconds=1)


def availability_changed(offer_id: UUID, *, now: datetime) -> None:
    """Have an offer's availability told in a second, unless that is arranged already."""
    enqueue(
        TELL_JOB,
        {"offer_id": str(offer_id)},
        now=now,
        run_at=now + GATHERED_FOR,
        dedupe_key=f"{TELL_JOB}:{offer_id}",
    )


@transaction.atomic
def tell_availability(offer_id: UUID, *, now: datetime) -> None:
    """Announce the units that can be bought now: none when it is not on sale, null when it has no end."""
    offer = Offer.objects.with_availability(now).filter(pk=offer_id).first()
    if offer is None:
        return
    left = offer.available if offer.is_available else 0
    room = constants.event_room(offer.event_id)
    payload = {"offer_id": str(offer.pk), "available": left}
    streams.announce(room, constants.OFFER_AVAILABILITY, payload, now=now)
