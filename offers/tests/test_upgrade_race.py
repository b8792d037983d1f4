"""One place left in a tier, wanted from every side at once (REQUIREMENTS OF-04, OF-11).

Different offers may lead to one tier, and tickets of it are sold at the door: no offer's lock protects the
tier's places, its own does.
"""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.tests.factories import make_user
from common import clock, idempotency
from config.local_stack.testing.race import Race
from offers.models import Offer, OfferType, Purchase
from offers.services.reservation import reserve_purchase
from offers.tests.factories import make_offer, make_upgrade, stock
from offers.types import PurchaseOffer
from payments.models import Order
from tickets.errors import TierSoldOut
from tickets.models import TicketTier, TierChange
from tickets.services import tickets as issuing
from tickets.services import upgrades
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db(transaction=True)

NO_KEY = idempotency.Ticket(None, None, None)
_CHECK = "tier_never_oversold"


class Fair:
    """Two upgrades to one VIP tier, and its door."""

    def __init__(self, places: int) -> None:
        first, self.standard = make_upgrade(places=places)
        assert first.upgrade_to_tier is not None
        self.vip: TicketTier = first.upgrade_to_tier
        second = make_offer(event=first.event, kind=OfferType.TICKET_UPGRADE, upgrade_to_tier=self.vip)
        self.offers = [first, second]

    def upgrade(self, offer: Offer) -> Callable[[], Order]:
        """Return the purchase of an upgrade by a new holder of a Standard ticket."""
        ticket = make_ticket(tier=self.standard)
        wish = PurchaseOffer(
            offer_id=offer.pk, quantity=1, buyer_id=ticket.holder_id, buyer_email="b@example.test",
            ticket_id=ticket.pk,
        )  # fmt: skip
        return lambda: reserve_purchase(wish, NO_KEY, now=clock.now())

    def door(self) -> Callable[[], Any]:
        """Return the sale of a VIP ticket at the door."""
        person = make_user()
        return lambda: make_ticket(holder=person, tier=self.vip)

    def paid_late(self) -> Callable[[], Any]:
        """Return the settlement of an upgrade whose place was given back before the money came."""
        ticket, cause, now = make_ticket(tier=self.standard), uuid.uuid4(), clock.now()
        upgrades.reserve_upgrade(
            ticket_id=ticket.pk, to_tier_id=self.vip.pk, user_id=ticket.holder_id, cause=cause, now=now
        )
        upgrades.release_upgrade(cause=cause, now=now)
        return lambda: upgrades.settle_upgrade(cause=cause, now=clock.now())

    def taken(self) -> int:
        """Return how many places of the tier are sold or reserved."""
        self.vip.refresh_from_db()
        return self.vip.sold + self.vip.reserved


def test_the_last_place_of_a_tier_goes_to_one(race: Race) -> None:
    """Of 8 buyers of each of two upgrades, 4 late payers and 8 at the door, one has it. REQ OF-04 OF-11."""
    fair = Fair(places=1)
    acts: list[Callable[[], Any]] = [fair.paid_late() for _ in range(4)]
    acts += [fair.upgrade(offer) for offer in fair.offers for _ in range(8)]
    acts += [fair.door() for _ in range(8)]
    outcomes = race.each(acts)
    winners = [one for one in outcomes if not isinstance(one, BaseException)]
    assert len(winners) == 1
    assert {type(one) for one in outcomes if isinstance(one, BaseException)} == {TierSoldOut}
    bought = sum(isinstance(one, Order) for one in winners)
    assert (fair.taken(), Purchase.objects.count(), sum(stock(one)[0] for one in fair.offers)) == (
        1,
        bought,
        bought,
    )
    assert TierChange.objects.filter(status="RESERVED").count() == bought


def test_control_without_the_tiers_lock_the_last_place_is_sold_twice(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both offers are locked and the tier is not; both upgrades and the door get it. REQ OF-04."""
    fair = Fair(places=1)
    acts: list[Callable[[], Any]] = [*(fair.upgrade(offer) for offer in fair.offers), fair.door()]
    everybody_looked = threading.Barrier(len(acts))
    for room in (upgrades, issuing):
        _unlocked(monkeypatch, room, everybody_looked)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE tickets_tickettier DROP CONSTRAINT {_CHECK}")
    try:
        outcomes = race.each(acts)
        assert [one for one in outcomes if isinstance(one, BaseException)] == []
        assert fair.taken() == 3
    finally:
        TicketTier.objects.update(sold=0, reserved=0)
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE tickets_tickettier ADD CONSTRAINT {_CHECK} "
                "CHECK (inventory_total IS NULL OR sold <= inventory_total - reserved)"
            )


def _unlocked(monkeypatch: pytest.MonkeyPatch, room: Any, barrier: threading.Barrier) -> None:
    """Let a room read the tier without its lock, and everybody look before anybody writes."""
    move = room.move

    def wait_and_move(*args: Any, **kwargs: Any) -> None:
        barrier.wait(30)
        move(*args, **kwargs)

    monkeypatch.setattr(room, "lock_tier", lambda tier_id: TicketTier.objects.get(pk=tier_id))
    monkeypatch.setattr(room, "move", wait_and_move)
