"""The stock of offers. Every change happens under the offer's lock and moves its counters by ``F()``.

``Offer.sold`` and ``Offer.reserved`` are the sums of the purchases' units; both sides move in one
transaction. A CHECK of the database refuses an oversale whatever this module does.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F

from common import statements
from common.errors import Busy, NotFound
from common.facts import OfferAvailabilityChanged
from common.outbox import publish
from events.models import Event
from offers.errors import SoldOut
from offers.models import Offer, Purchase

_OFFER_FIELDS = tuple(field.attname for field in Offer._meta.concrete_fields)
_EVENT_FIELDS = ("id", "organization_id", "visibility")
_LOCK_FOR_SALE = f"""
SELECT {", ".join(f"o.{name}" for name in _OFFER_FIELDS)}, {", ".join(f"e.{name}" for name in _EVENT_FIELDS)}
FROM offers_offer o JOIN events_event e ON e.id = o.event_id
WHERE o.id = %(offer)s OR o.excludes_offer_id = %(offer)s
    OR o.id = (SELECT excludes_offer_id FROM offers_offer WHERE id = %(offer)s)
ORDER BY o.id FOR UPDATE OF o
"""  # noqa: S608 - constants

_PURCHASE_FIELDS = (
    "id", "offer_id", "event_id", "user_id", "order_id", "ticket_id", "quantity", "reserved_units", "created_at",
)  # fmt: skip
_RESERVE = """
WITH stock AS (
    UPDATE offers_offer SET reserved = reserved + %(reserved_units)s WHERE id = %(offer_id)s
)
INSERT INTO offers_purchase (id, offer_id, event_id, user_id, order_id, ticket_id, quantity, reserved_units,
    sold_units, returned_units, created_at)
VALUES (%(id)s, %(offer_id)s, %(event_id)s, %(user_id)s, %(order_id)s, %(ticket_id)s, %(quantity)s,
    %(reserved_units)s, 0, 0, %(created_at)s)
"""


def lock_offer(offer_id: UUID) -> Offer:
    """Lock one offer and return it; raises ``NotFound``. Needs a transaction."""
    offer = Offer.objects.select_for_update().filter(pk=offer_id).first()
    if offer is None:
        raise NotFound
    return offer


def lock_for_sale(offer_id: UUID) -> Callable[[], Offer]:
    """Lock an offer and every one that excludes it or that it excludes, by id, in one statement.

    Returns how to get at the offer, with its event: it may be sent ``together`` with what is asked next. Two
    purchases of offers that exclude each other so wait for one another, and the second sees the first. Getting
    it raises ``NotFound``, and ``Busy`` when the exclusion was edited in this very moment.
    """
    cursor = statements.run(_LOCK_FOR_SALE, {"offer": offer_id})

    def locked() -> Offer:
        rows = {row[0]: row for row in cursor.fetchall()}
        if offer_id not in rows:
            raise NotFound
        row = rows[offer_id]
        offer = Offer.from_db(connection.alias, _OFFER_FIELDS, row[: len(_OFFER_FIELDS)])
        offer.event = Event.from_db(connection.alias, _EVENT_FIELDS, row[len(_OFFER_FIELDS) :])
        if offer.excludes_offer_id is not None and offer.excludes_offer_id not in rows:
            raise Busy
        return offer

    return locked


def reserve(offer: Offer, purchase: Purchase) -> None:
    """Write a new purchase that holds its units of a locked offer.

    Raises ``SoldOut`` and changes nothing when fewer are left.
    """
    units = purchase.reserved_units
    if offer.units_left is not None and offer.units_left < units:
        raise SoldOut
    values = {name: getattr(purchase, name) for name in _PURCHASE_FIELDS}
    statements.run(_RESERVE, values)
    _announce(offer, purchase.created_at)


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
    if offer.inventory_total is not None:
        publish(OfferAvailabilityChanged(offer_id=offer.pk, event_id=offer.event_id), now=now)
