"""The first step of a purchase: look, decide, then reserve and write everything down under the offer's lock.

A wanted offer is sold by one transaction at a time, so nothing is decided while it is locked. What the decision
rests on is read before, and the statement that writes asks under the lock whether it is still so; if not, nothing
is written and all begins again. A refusal locks nothing.
"""

import uuid
from datetime import datetime
from uuid import UUID

from django.db import transaction

from common import idempotency, statements
from common.db import retrying
from common.errors import Busy
from common.facts import OfferAvailabilityChanged
from common.outbox import jobs_of
from offers.models import Offer
from offers.services import names, writing
from offers.services.conditions import check_buyer, check_sale, choose_ticket
from offers.services.sighting import look
from offers.services.writing import Sale
from offers.types import PurchaseOffer
from payments.models import Order
from payments.services import orders
from payments.types import NewOrder
from tickets.services import upgrades

# Between a look and the lock only the buyer's own other purchases, an edit or the last unit come in the way.
_LOOKS = 10


class _Changed(Exception):
    """Something is not as it was seen; what was written with it has to go."""


@retrying
def reserve_purchase(wish: PurchaseOffer, key: idempotency.Ticket, *, now: datetime) -> Order:
    """Hold the units and return the order that is to be paid for them; a free one is complete at once.

    Raises ``NotFound``, ``Invalid``, ``OfferUnavailable``, ``SoldOut``, ``HoldLimit``, ``BuyerLimit``,
    ``Busy``, and ``InProgress`` when another call took the idempotency key over; then nothing has changed.
    """
    for _ in range(_LOOKS):
        sale = _decide(wish, now=now)
        if _is_written(sale, key, now=now):
            orders.arranged(sale.order, now=now)
            return sale.order.order
    raise Busy


def _decide(wish: PurchaseOffer, *, now: datetime) -> Sale:
    """Look, apply every rule, and prepare what is to be written."""
    seen = look(wish.offer_id, wish.buyer_id)
    offer = seen.offer
    check_sale(offer, wish, now=now)
    orders.check_amount(offer.price, wish.quantity)
    check_buyer(offer, seen.facts, wish.quantity)
    ticket = choose_ticket(offer, wish)
    changed = (
        [] if offer.inventory_total is None else jobs_of(OfferAvailabilityChanged(offer.pk, offer.event_id))
    )
    order = orders.prepare(_order_of(offer, wish, uuid.uuid4(), uuid.uuid4()), now=now, jobs=changed)
    return Sale(seen, order, None if ticket is None else ticket.pk)


def _is_written(sale: Sale, key: idempotency.Ticket, *, now: datetime) -> bool:
    """Lock and write. A free offer is complete, and an upgrade has its place, in the same transaction."""
    if sale.order.order.amount and sale.ticket_id is None:
        with statements.together():
            writing.lock(sale)
            is_done = writing.write(sale, key)
        return is_done()
    try:
        with transaction.atomic():
            _write_more(sale, key, now=now)
    except _Changed:
        return False
    return True


def _write_more(sale: Sale, key: idempotency.Ticket, *, now: datetime) -> None:
    offer, order = sale.seen.offer, sale.order.order
    writing.lock(sale)
    if sale.ticket_id is not None and offer.upgrade_to_tier_id is not None:
        upgrades.reserve_upgrade(
            ticket_id=sale.ticket_id,
            to_tier_id=offer.upgrade_to_tier_id,
            user_id=order.buyer_id,
            cause=order.purpose_id,
            now=now,
        )
    if not writing.write(sale, key)():
        raise _Changed
    if order.amount == 0:
        orders.settle_free(order, now=now)


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
