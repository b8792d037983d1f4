"""An event's visitors hear how many units are left."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.tests.factories import make_user
from common import clock
from common.models import Job
from common.outbox.testing import run_due
from config.local_stack.testing.race import Race
from notifications.models import RealtimeEvent
from offers.models import Offer
from offers.services import inventory
from offers.services.announcing import GATHERED_FOR, TELL_JOB, availability_changed, tell_availability
from offers.tests.factories import give, make_offer

pytestmark = pytest.mark.django_db


def told(offer: Offer) -> list[object]:
    """Return what the event's room was told, in order."""
    events = RealtimeEvent.objects.filter(stream=f"event:{offer.event_id}", event="OFFER_AVAILABILITY")
    assert {one.payload["offer_id"] for one in events} <= {str(offer.pk)}
    return [one.payload["available"] for one in events]


def this_second() -> datetime:
    """Return the beginning of the present second: what is told is gathered for a second of the clock."""
    return clock.now().replace(microsecond=0)


def test_many_changes_in_a_second_are_told_once_as_they_are_in_the_end() -> None:
    """REQ RT-02: OFFER_AVAILABILITY {offer_id, available} to event:{id}, once a second at most."""
    now, offer = this_second(), make_offer(units=10)
    for number in range(5):
        give(offer, make_user(), held=True)
        availability_changed(offer.pk, now=now + timedelta(milliseconds=199 * number))
        run_due(now + timedelta(milliseconds=199 * number))
    assert told(offer) == []
    assert Job.objects.filter(kind=TELL_JOB, status="pending").count() == 1
    assert run_due(now + GATHERED_FOR) == 1
    assert told(offer) == [5]
    give(offer, make_user())
    availability_changed(offer.pk, now=now + GATHERED_FOR)
    run_due(now + GATHERED_FOR)
    run_due(now + GATHERED_FOR * 2)
    assert told(offer) == [5, 4]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("later", "left"), [(GATHERED_FOR, [2]), (timedelta(0), [])])
def test_a_change_of_the_next_second_holds_nothing_up(race: Race, later: timedelta, left: list[int]) -> None:
    """REQ RT-02: while an offer sells without a pause, what is left is told all the same.

    A change of the same second that nobody can see yet is waited for: told before it, it would be told never.
    """
    now, offer = this_second(), make_offer(units=2)
    availability_changed(offer.pk, now=now)
    with transaction.atomic():
        availability_changed(offer.pk, now=now + later)
        race(1, lambda _: run_due(now + GATHERED_FOR))
        assert told(offer) == left
    run_due(now + GATHERED_FOR * 2)
    assert told(offer)[-1] == 2


def test_a_change_while_it_is_told_is_told_again() -> None:
    """REQ RT-02: who was told may have been told of what was before."""
    now, offer = this_second(), make_offer(units=2)
    availability_changed(offer.pk, now=now)
    Job.objects.update(status="running", claim=1, lease_until=now + timedelta(minutes=1))
    availability_changed(offer.pk, now=now)
    assert Job.objects.get().again


def test_units_that_come_back_are_told() -> None:
    """REQ RT-02: an expired hold frees its units."""
    now, offer = clock.now(), make_offer(units=3)
    purchase = give(offer, make_user(), quantity=2, held=True)
    with transaction.atomic():
        inventory.release(inventory.lock_purchase(purchase.pk), now=now)
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
