"""The stock of offers. Every change happens under the offer's lock and moves its counters by ``F()``.

``Offer.sold`` and ``Offer.reserved`` are the sums of the purchases' units; both sides move in one
transaction. A CHECK of the database refuses an oversale whatever this module does.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from common.errors import NotFound
from offers.models import Offer, Purchase
from offers.services.announcing import availability_changed


def lock_offer(offer_id: UUID) -> Offer:
    """Lock one offer and return it; raises ``NotFound``. Needs a transaction."""
    offer = Offer.objects.select_for_update().filter(pk=offer_id).first()
    if offer is None:
        raise NotFound
    return offer


def sell_reserved(purchase: Purchase, *, now: datetime) -> None:
    """Turn what a locked purchase holds into a sale: exactly the units that it reserved, never more."""
    units = purchase.reserved_units
    Offer.objects.filter(pk=purchase.offer_id).update(reserved=F("reserved") - units, sold=F("sold") + units)
    purchase.reserved_units, purchase.sold_units, purchase.purchased_at = 0, purchase.sold_units + units, now
    purchase.save(update_fields=["reserved_units", "sold_units", "purchased_at"])


def sell_unreserved(offer: Offer, purchase: Purchase, *, now: datetime) -> bool:
    """Sell a purchase whose hold is over, if its units are still there; says whether they were.

    Offer and purchase are locked.
    """
    units = purchase.quantity
    if offer.units_left is not None and offer.units_left < units:
        return False
    Offer.objects.filter(pk=offer.pk).update(sold=F("sold") + units)
    purchase.sold_units, purchase.purchased_at = units, now
    purchase.save(update_fields=["sold_units", "purchased_at"])
    _announce(offer, now)
    return True


def release(purchase: Purchase, *, now: datetime) -> int:
    """Give back what a locked purchase holds and return how many units that were; a second time it is
    none.
    """
    units = purchase.reserved_units
    if units:
        Offer.objects.filter(pk=purchase.offer_id).update(reserved=F("reserved") - units)
        purchase.reserved_units = 0
        purchase.save(update_fields=["reserved_units"])
        _announce(purchase.offer, now)
    return units


def take_back(purchase: Purchase, units: int, *, now: datetime) -> int:
    """Return up to so many sold units of a locked purchase to the stock; answers how many came."""
    units = min(units, purchase.sold_units)
    if units > 0:
        Offer.objects.filter(pk=purchase.offer_id).update(sold=F("sold") - units)
        purchase.sold_units -= units
        purchase.returned_units += units
        purchase.save(update_fields=["sold_units", "returned_units"])
        _announce(purchase.offer, now)
    return max(units, 0)


def lock_purchase(purchase_id: UUID) -> Purchase:
    """Lock an offer, then one of its purchases, and return the purchase with its offer. Raises
    ``NotFound``.
    """
    offer_id = Purchase.objects.filter(pk=purchase_id).values_list("offer_id", flat=True).first()
    if offer_id is None:
        raise NotFound
    offer = lock_offer(offer_id)
    purchase = Purchase.objects.select_for_update().get(pk=purchase_id)
    purchase.offer = offer
    return purchase


def lock_offers(offer_ids: Sequence[UUID]) -> list[Offer]:
    """Lock several offers, by id."""
    return list(Offer.objects.select_for_update().filter(pk__in=offer_ids).order_by("pk"))


def _announce(offer: Offer, now: datetime) -> None:
    if offer.can_run_out:
        availability_changed(offer.pk, now=now)
