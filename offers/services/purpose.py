"""The goods' side of an order for an offer, as ``payments`` asks for it (``payments.purposes.Purpose``)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from common.errors import Busy, Failure
from common.facts import OfferPurchased
from common.outbox import publish
from offers.models import Fulfillment, FulfillmentStatus, Offer, OfferType, Purchase
from offers.services import fulfilment, inventory, names
from offers.services.goods import fulfillment_details, fulfillment_of
from payments.models import Order
from payments.purposes import ItemDescription, Settlement
from payments.services import following
from tickets.errors import UpgradeSuperseded
from tickets.services import upgrades


class OfferPurpose:
    """Offers as something that an order can be for. Every method may be repeated."""

    name = names.PURPOSE

    def lock(self, purpose_id: UUID) -> None:
        """Lock the offer, then the purchase."""
        inventory.lock_purchase(purpose_id)

    def settle(self, order: Order, *, now: datetime) -> Settlement:
        """Sell what was reserved, or what is still there when the reservation is over, and owe the goods.

        An upgrade whose ticket is void, stopped or moved on is released instead: nothing can be given for the money.
        """
        purchase = _purchase_of(order)
        if purchase.sold_units or purchase.returned_units:
            return Settlement.SETTLED
        if purchase.reserved_units and not _can_be_given(purchase):
            self.release(order, now=now)
            return Settlement.NOT_POSSIBLE
        if purchase.reserved_units:
            inventory.sell_reserved(purchase, now=now)
        elif not _sell_late(purchase, now):
            return Settlement.NO_STOCK
        fulfilment.begin(purchase, order, now=now)
        fact = OfferPurchased(purchase.pk, purchase.offer_id, order.pk, order.buyer_id)
        publish(fact, now=now, organization_id=order.organization_id)
        return Settlement.SETTLED

    def release(self, order: Order, *, now: datetime) -> None:
        """Give the held units back, and the room in the tier that an upgrade held."""
        purchase = _purchase_of(order)
        if inventory.release(purchase, now=now) and purchase.ticket_id is not None:
            upgrades.release_upgrade(cause=purchase.pk, now=now)

    def return_units(self, order: Order, units: int, *, now: datetime) -> int:
        """Take sold units back; with the last of them go the access code, the upgrade and what is owed.

        A ticket that a later upgrade moved on stays until that one is undone too; where it is not known how it moved
        on, no unit comes back.
        """
        purchase = _purchase_of(order)
        try:
            with transaction.atomic():
                returned = inventory.take_back(purchase, units, now=now)
                if returned and not purchase.sold_units:
                    _withdraw(purchase, now)
        except UpgradeSuperseded:
            return 0
        return returned

    def units_sold(self, order: Order) -> int:
        """Answer how many units are sold and not returned."""
        return _purchase_of(order).sold_units

    def is_fulfilled(self, order: Order) -> bool:
        """Say whether the buyer has the goods."""
        return Fulfillment.objects.filter(
            purchase_id=order.purpose_id, status=FulfillmentStatus.FULFILLED, revoked_at__isnull=True
        ).exists()

    def stop_fulfilment(self, order: Order, *, reason: str, now: datetime) -> None:
        """Stop what has not been given yet; staff may take it up again when the reason is gone.

        When all money went back nobody waits for an upgrade's place any more, though its unit is not sold again.
        """
        stopped = Q(status=FulfillmentStatus.CANCELLED, note__in=following.REASONS)
        Fulfillment.objects.filter(
            Q(status__in=fulfilment.UNFINISHED) | stopped, purchase_id=order.purpose_id
        ).update(status=FulfillmentStatus.CANCELLED, note=reason[:500])
        if order.paid_amount and not order.kept.amount:
            upgrades.release_upgrade(cause=order.purpose_id, now=now)

    def resume_fulfilment(self, order: Order, *, now: datetime) -> None:
        """Take up again what was stopped, unless the units went back meanwhile."""
        purchase = _purchase_of(order)
        if purchase.sold_units:
            fulfilment.resume(purchase, order, now=now)

    def describe(self, orders: Sequence[Order]) -> dict[UUID, list[ItemDescription]]:
        """Describe the goods of many orders, by one query."""
        rows = Purchase.objects.filter(pk__in=[order.purpose_id for order in orders]).select_related(
            "offer", "fulfillment", "ticket__tier"
        )
        by_id = {purchase.pk: purchase for purchase in rows}
        return {order.pk: [_described(order, by_id[order.purpose_id])] for order in orders}

    def price_listed(self, purpose_id: UUID, *, product_id: str, price_id: str, unit_amount: int) -> None:
        """Remember Product and Price together, while it is still the offer's price. The offer is locked."""
        offer = Offer.objects.get(purchases=purpose_id)
        if offer.price_amount == unit_amount:
            offer.stripe_product_id = product_id
            offer.stripe_price_id, offer.stripe_price_amount = price_id, unit_amount
            offer.save(update_fields=["stripe_product_id", "stripe_price_id", "stripe_price_amount"])


def _described(order: Order, purchase: Purchase) -> ItemDescription:
    fulfillment = fulfillment_of(purchase)
    return ItemDescription(
        title=order.title,
        quantity=order.quantity,
        unit_amount=order.unit_amount,
        offer_id=purchase.offer_id,
        fulfillment_status=None if fulfillment is None else fulfillment.status,
        fulfillment=fulfillment_details(purchase, fulfillment),
    )


def _purchase_of(order: Order) -> Purchase:
    return Purchase.objects.select_related("offer").get(pk=order.purpose_id)


def _can_be_given(purchase: Purchase) -> bool:
    is_upgrade = purchase.offer.offer_type == OfferType.TICKET_UPGRADE
    return not is_upgrade or upgrades.is_still_possible(cause=purchase.pk)


def _sell_late(purchase: Purchase, now: datetime) -> bool:
    """Sell a purchase whose hold was released; an upgrade needs a place in the tier again as well."""
    offer = purchase.offer
    if offer.units_left is not None and offer.units_left < purchase.quantity:
        return False
    if offer.offer_type == OfferType.TICKET_UPGRADE and not _upgraded_late(purchase, now):
        return False
    return inventory.sell_unreserved(offer, purchase, now=now)


def _upgraded_late(purchase: Purchase, now: datetime) -> bool:
    """Move the ticket at once, if a place is left: the one that was reserved went back."""
    try:
        with transaction.atomic():
            upgrades.settle_upgrade(cause=purchase.pk, now=now)
    except Busy:
        # Others are at the ticket: whoever reads the order comes again.
        raise
    except Failure:
        # No place, or the ticket is void, stopped or moved on: there is nothing to give, so the money goes back.
        return False
    return True


def _withdraw(purchase: Purchase, now: datetime) -> None:
    """Take back what the last returned unit gave, and stop what was still owed."""
    fulfillment = Fulfillment.objects.select_for_update().get(purchase=purchase)
    if purchase.offer.offer_type == OfferType.TICKET_UPGRADE:
        upgrades.reverse_upgrade(cause=purchase.pk, now=now)
    fulfillment.revoked_at = now
    if fulfillment.status != FulfillmentStatus.FULFILLED:
        fulfillment.status, fulfillment.note = FulfillmentStatus.CANCELLED, following.REFUNDED
    fulfillment.save(update_fields=["revoked_at", "status", "note"])
