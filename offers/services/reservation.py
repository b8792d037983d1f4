"""The first transaction of a purchase: under the offer's lock everything is checked, reserved and written
down.
"""

import uuid
from datetime import datetime
from uuid import UUID

from django.db import transaction

from common import idempotency, statements
from common.db import retrying
from offers.models import Offer, Purchase
from offers.services import inventory, names
from offers.services.conditions import check_buyer, check_sale, choose_ticket, facts_of
from offers.types import PurchaseOffer
from payments.models import Order
from payments.services import orders
from payments.types import NewOrder
from tickets.models import Ticket
from tickets.services import upgrades


@retrying
@transaction.atomic
def reserve_purchase(wish: PurchaseOffer, key: idempotency.Ticket, *, now: datetime) -> Order:
    """Hold the units and return the order that is to be paid for them; a free one is complete at once.

    Raises ``NotFound``, ``Invalid``, ``OfferUnavailable``, ``SoldOut``, ``HoldLimit``, ``BuyerLimit``,
    ``Busy``, and ``InProgress`` when another call took the idempotency key over; then nothing has changed.
    """
    with statements.together():
        get_offer = inventory.lock_for_sale(wish.offer_id)
        get_facts = facts_of(wish.offer_id, wish.buyer_id)
    offer = get_offer()
    check_sale(offer, wish, now=now)
    orders.check_amount(offer.price, wish.quantity)
    check_buyer(offer, get_facts(), wish.quantity)
    ticket = choose_ticket(offer, wish)
    purchase_id, order_id = uuid.uuid4(), uuid.uuid4()
    if ticket is not None and offer.upgrade_to_tier_id is not None:
        upgrades.reserve_upgrade(
            ticket_id=ticket.pk,
            to_tier_id=offer.upgrade_to_tier_id,
            user_id=wish.buyer_id,
            cause=purchase_id,
            now=now,
        )
    idempotency.attach(key, purchase_id)
    with statements.last_together() if offer.price_amount else statements.together():
        inventory.reserve(offer, _purchase_of(purchase_id, order_id, offer, ticket, wish, now))
        order = orders.create_order(_order_of(offer, wish, purchase_id, order_id), now=now)
    if offer.price_amount == 0:
        orders.settle_free(order, now=now)
    return order


def _purchase_of(
    purchase_id: UUID, order_id: UUID, offer: Offer, ticket: Ticket | None, wish: PurchaseOffer, now: datetime
) -> Purchase:
    return Purchase(
        id=purchase_id,
        order_id=order_id,
        offer_id=offer.pk,
        event_id=offer.event_id,
        user_id=wish.buyer_id,
        ticket=ticket,
        quantity=wish.quantity,
        reserved_units=wish.quantity,
        created_at=now,
    )


def _order_of(offer: Offer, wish: PurchaseOffer, purchase_id: UUID, order_id: UUID) -> NewOrder:
    price_known = offer.stripe_price_id and offer.stripe_price_amount == offer.price_amount
    return NewOrder(
        order_id=order_id,
        purpose=names.PURPOSE,
        purpose_id=purchase_id,
        organization_id=offer.event.organization_id,
        event_id=offer.event_id,
        buyer_id=wish.buyer_id,
        buyer_email=wish.buyer_email,
        title=offer.title,
        quantity=wish.quantity,
        unit=offer.price,
        image_url=offer.image_url,
        reference=names.stripe_reference(offer.pk),
        known_product_id=offer.stripe_product_id,
        known_price_id=offer.stripe_price_id if price_known else "",
        # Limited stock is not kept for days for a payment that may not come, unless the organizer says so.
        allows_delayed=offer.allows_delayed_payment or offer.inventory_total is None,
        success_url=names.success_url(order_id),
        cancel_url=names.cancel_url(order_id),
    )
