"""Confirming sells what was reserved, never more: by the service, and by the database whatever a service does."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.tests.factories import make_user
from common import clock
from offers.models import Offer, Purchase
from offers.services import inventory
from offers.tests.factories import give, make_offer, stock

pytestmark = pytest.mark.django_db


def units(purchase: Purchase) -> tuple[int, int]:
    """Return how many units a purchase holds and how many it was sold."""
    purchase.refresh_from_db()
    return purchase.reserved_units, purchase.sold_units


def confirm(purchase: Purchase) -> None:
    """Sell what it holds, as settling its order does."""
    with transaction.atomic():
        inventory.sell_reserved(inventory.lock_purchase(purchase.pk), now=clock.now())


def test_confirming_moves_the_units_that_it_reserved_and_no_more() -> None:
    """Once: three of the five that are held are its own; twice is as once, and the others' stay held. REQ OF-04."""
    offer = make_offer(units=5)
    mine, others = (give(offer, make_user(), quantity=quantity, held=True) for quantity in (3, 2))
    for _ in range(2):
        confirm(mine)
        assert (units(mine), units(others), stock(offer)) == ((0, 3), (2, 0), (2, 3))


def test_confirming_counts_what_is_held_not_what_was_wanted() -> None:
    """Of a purchase of three that holds one, one is sold; of one whose hold was released, none. REQ OF-04."""
    offer = make_offer(units=5)
    purchase = give(offer, make_user(), quantity=3, held=True)
    Purchase.objects.filter(pk=purchase.pk).update(reserved_units=1)
    Offer.objects.filter(pk=offer.pk).update(reserved=1)
    confirm(purchase)
    assert (units(purchase), stock(offer)) == ((0, 1), (0, 1))
    released = give(offer, make_user(), quantity=2, held=True)
    with transaction.atomic():
        assert inventory.release(inventory.lock_purchase(released.pk), now=clock.now()) == 2
    confirm(released)
    assert (units(released), stock(offer)) == ((0, 0), (0, 1))


@pytest.mark.parametrize("name", ["reserved_units", "sold_units", "returned_units"])
def test_the_database_refuses_a_purchase_of_more_than_its_quantity(name: str) -> None:
    """A row written by hand: held, sold and returned together are never more than were wanted. REQ OF-04."""
    purchase = give(make_offer(units=9), make_user(), quantity=2, held=True)
    row = Purchase.objects.filter(pk=purchase.pk)
    row.update(reserved_units=1, sold_units=1)
    before = row.values().get()
    with pytest.raises(IntegrityError, match="purchase_units_within_quantity"), transaction.atomic():
        row.update(**{name: F(name) + 1})
    assert row.values().get() == before
