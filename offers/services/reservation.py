"""The first step of a purchase: look, decide, then reserve and write everything down under the offer's lock.

A wanted offer is sold by one transaction at a time, so nothing is decided while it is locked. What the decision
rests on is read before, and the statement that writes asks under the lock whether it is still so; if not, nothing
is written and all begins again. Where an offer just sold, it is tried first without a look (``newcomers``).
A refusal comes from a look and locks nothing.
"""

import uuid
from datetime import datetime
from uuid import UUID

from django.db import transaction

from common import idempotency, statements
from common.db import retrying
from common.errors import Busy, Failure
from offers.models import Offer
from offers.services import announcing, names, newcomers, writing
from offers.services.conditions import check_buyer, check_sale, choose_ticket
from offers.services.sighting import Sighting, look
from offers.services.writing import Sale
from offers.types import PurchaseOffer
from payments.models import Order
from payments.services import orders
from payments.services.front_pages import cancel_url, success_url
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
    remembered = newcomers.recall(wish.offer_id)
    order = None if remembered is None else _sold_as_remembered(remembered, wish, key, now=now)
    if order is not None:
        return order
    for _ in range(_LOOKS):
        order = _sold(look(wish.offer_id, wish.buyer_id), wish, key, now=now)
        if order is not None:
            return order
    raise Busy


def _sold_as_remembered(
    seen: Sighting, wish: PurchaseOffer, key: idempotency.Ticket, *, now: datetime
) -> Order | None:
    """Sell to a newcomer without a look; None when a rule refuses or something has changed: then look."""
    try:
        order = _sold(seen, wish, key, now=now)
    except idempotency.InProgress:
        raise
    except Failure:
        order = None
    (newcomers.forget if order is None else newcomers.prove)(wish.offer_id)
    return order


def _sold(seen: Sighting, wish: PurchaseOffer, key: idempotency.Ticket, *, now: datetime) -> Order | None:
    """Apply the rules to what was seen and write the sale; None, with nothing written, when it is not so any more."""
    sale = _decide(seen, wish, now=now)
    if not _is_written(sale, key, now=now):
        return None
    orders.arranged(sale.order, now=now)
    if _is_plain(sale):
        newcomers.remember(seen)
    return sale.order.order


def _is_plain(sale: Sale) -> bool:
    """Say whether one statement writes all of it: a free sale is settled beside, an upgrade takes a place."""
    return bool(sale.order.order.amount) and sale.ticket_id is None


def _decide(seen: Sighting, wish: PurchaseOffer, *, now: datetime) -> Sale:
    """Apply every rule, and prepare what is to be written."""
    offer = seen.offer
    check_sale(offer, wish, now=now)
    orders.check_amount(offer.price, wish.quantity)
    check_buyer(offer, seen.facts, wish.quantity)
    ticket = choose_ticket(offer, wish)
    told = announcing.telling(offer, now=now)
    order = orders.prepare(_order_of(offer, wish, uuid.uuid4(), uuid.uuid4()), now=now, jobs=told)
    return Sale(seen, order, None if ticket is None else ticket.pk)


def _is_written(sale: Sale, key: idempotency.Ticket, *, now: datetime) -> bool:
    """Lock and write. A free offer is complete, and an upgrade has its place, in the same transaction."""
    if _is_plain(sale):
        # Everybody wants the lock of an offer that sells: they do not wait for the disk as well.
        with statements.together(unlocks_early=True):
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
        allows_delayed=offer.allows_delayed_payment or not offer.can_run_out,
        success_url=success_url(order_id),
        cancel_url=cancel_url(order_id),
    )
