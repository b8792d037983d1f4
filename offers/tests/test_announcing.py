"""An event's visitors hear how many units are left."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.tests.factories import make_user
from common import clock
from common.facts import OfferAvailabilityChanged
from common.models import Job
from common.outbox import publish
from common.outbox.testing import run_due
from notifications.models import RealtimeEvent
from offers.models import Offer
from offers.services import inventory
from offers.services.announcing import GATHERED_FOR, TELL_JOB, tell_availability
from offers.tests.factories import give, make_offer

pytestmark = pytest.mark.django_db


def told(offer: Offer) -> list[object]:
    """Return what the event's room was told, in order."""
    events = RealtimeEvent.objects.filter(stream=f"event:{offer.event_id}", event="OFFER_AVAILABILITY")
    assert {one.payload["offer_id"] for one in events} <= {str(offer.pk)}
    return [one.payload["available"] for one in events]


def change(offer: Offer, now: datetime) -> None:
    """Say that units of the offer moved."""
    publish(OfferAvailabilityChanged(offer_id=offer.pk, event_id=offer.event_id), now=now)


def test_many_changes_in_a_second_are_told_once_as_they_are_in_the_end() -> None:
    """REQ RT-02: OFFER_AVAILABILITY {offer_id, available} to event:{id}, once a second at most."""
    now, offer = clock.now(), make_offer(units=10)
    for number in range(5):
        give(offer, make_user(), held=True)
        change(offer, now)
        run_due(now + timedelta(milliseconds=number))
    assert told(offer) == []
    assert Job.objects.filter(kind=TELL_JOB, status="pending").count() == 1
    assert run_due(now + GATHERED_FOR) == 1
    assert told(offer) == [5]
    give(offer, make_user())
    change(offer, now + GATHERED_FOR)
    run_due(now + GATHERED_FOR)
    run_due(now + GATHERED_FOR * 2)
    assert told(offer) == [5, 4]


def test_units_that_come_back_are_told() -> None:
    """REQ RT-02: an expired hold frees its units."""
    now, offer = clock.now(), make_offer(units=3)
    purchase = give(offer, make_user(), quantity=2, held=True)
    with transaction.atomic():
        inventory.release(inventory.lock_purchase(purchase.pk), now=now)
    run_due(now)
    run_due(now + GATHERED_FOR)
    assert told(offer) == [3]


@pytest.mark.parametrize(
    ("fields", "available"),
    [
        ({"units": 4}, 4),
        ({"units": None}, None),
        ({"units": 1, "sold": 1}, 0),
        ({"units": 4, "is_active": False}, 0),
        ({"units": 4, "is_archived": True}, 0),
        ({"units": 4, "expires_at": clock.now() - timedelta(hours=1)}, 0),
    ],
)
def test_what_cannot_be_bought_is_none(
    fields: dict[str, Any], available: int | None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """REQ RT-02: paused, archived, ended or sold out: 0; without an end: null. A read and an INSERT."""
    offer = make_offer(**fields)
    with django_assert_num_queries(4):
        tell_availability(offer.pk, now=clock.now())
    assert told(offer) == [available]


def test_an_offer_that_is_not_there_is_nothing_to_tell() -> None:
    """REQ RT-02: the job of an offer that never was ends."""
    tell_availability(make_user().pk, now=clock.now())
    assert not RealtimeEvent.objects.exists()
