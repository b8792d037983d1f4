"""Telling an event's visitors how many units are left (REQ RT-02), once a second at most for an offer."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from common.outbox import NewJob, post
from notifications.realtime import constants, streams
from offers.models import Offer

TELL_JOB: Final = "offers.tell_availability"
# Everything that changes in so long a time is told of together, as it is in the end.
GATHERED_FOR: Final = timedelta(seconds=1)


def telling(offer: Offer, *, now: datetime) -> list[NewJob]:
    """Return the job that tells what is left when this second of the clock is over; none where stock has no end.

    Changes of one second share a job. Those of the next have another key: a job waits for the transactions that
    wanted it, and while an offer sells without a pause there is always one.
    """
    return [_job(offer.pk, now)] if offer.can_run_out else []


def availability_changed(offer_id: UUID, *, now: datetime) -> None:
    """Have what is left told in a second, by the caller's transaction."""
    post([_job(offer_id, now)], now=now)


def _job(offer_id: UUID, now: datetime) -> NewJob:
    ends = now.replace(microsecond=0) + GATHERED_FOR
    key = f"{TELL_JOB}:{offer_id}:{int(ends.timestamp())}"
    return NewJob(TELL_JOB, {"offer_id": str(offer_id)}, run_at=ends, dedupe_key=key)


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
