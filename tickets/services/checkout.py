"""Buying tickets (DESIGN "Money path"): check and reserve under the tier's lock, pay, settle into tickets.

Keys, limits and the checkout itself are ``payments.services.buying``'s.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from common import idempotency
from common.db import retrying
from common.errors import Failure, Invalid, NotFound
from common.requests import bind
from events.models import Event
from events.selectors import is_registered
from payments.errors import BuyerLimit, HoldLimit
from payments.models import Order
from payments.services import orders
from payments.services.buying import buy
from payments.services.front_pages import cancel_url, success_url
from payments.types import NewOrder, PurchaseAnswer, Wish
from tickets.errors import TierUnavailable
from tickets.models import TicketSale, TicketTier
from tickets.services import names
from tickets.services.stock import lock_tier, move, require_room
from tickets.types import MAXIMUM_QUANTITY, BuyTickets


def buy_tickets(wish: BuyTickets, *, now: datetime) -> PurchaseAnswer:
    """Buy tickets of a tier: hold them and answer where to pay; free ones are issued at once.

    Call with no transaction open. Raises what ``buying.buy`` raises, ``NotFound``, ``Invalid``,
    ``TierUnavailable``, ``TierSoldOut``, ``HoldLimit``, ``BuyerLimit``, ``Busy``.
    """
    bind(event_id=wish.event_id, tier_id=wish.tier_id)
    body = {"event_id": wish.event_id, "tier_id": wish.tier_id, "quantity": wish.quantity}
    wanted = Wish(
        operation=names.OPERATION, buyer_id=wish.buyer_id, body=body, key=wish.key, network=wish.network
    )
    return buy(wanted, _Counter(wish), now=now)


@dataclass(frozen=True, slots=True)
class _Counter:
    """One wish at the box office."""

    wish: BuyTickets
    unavailable: type[Failure] = TierUnavailable

    def check(self) -> None:
        """Raise ``Invalid`` unless it is a number of tickets that anybody may buy at once."""
        if not 1 <= self.wish.quantity <= MAXIMUM_QUANTITY:
            raise Invalid.field("quantity", "out_of_range", f"Buy 1 to {MAXIMUM_QUANTITY} at once.")

    def order_of(self, subject_id: uuid.UUID) -> Order | None:
        """Return the order of a sale."""
        sale = TicketSale.objects.filter(pk=subject_id).select_related("order").first()
        return None if sale is None else sale.order

    def reserve(self, key: idempotency.Ticket, *, now: datetime) -> Order:
        """Hold the tickets."""
        return reserve_tickets(self.wish, key, now=now)


@retrying
@transaction.atomic
def reserve_tickets(wish: BuyTickets, key: idempotency.Ticket, *, now: datetime) -> Order:
    """Hold tickets under the tier's lock and return the order that pays for them; free ones are issued.

    Raises ``NotFound``, ``Invalid``, ``TierUnavailable``, ``TierSoldOut``, ``HoldLimit``, ``BuyerLimit``, and
    ``InProgress`` when another call took the idempotency key over; then nothing has changed.
    """
    event = _open_event(wish, now)
    tier = lock_tier(wish.tier_id)
    if tier.event_id != event.pk:
        raise NotFound
    if not tier.is_active:
        raise TierUnavailable
    orders.check_amount(tier.price, wish.quantity)
    require_room(tier, wish.quantity)
    _check_buyer(tier, wish)
    sale_id, order_id = uuid.uuid4(), uuid.uuid4()
    move(tier.pk, reserved=wish.quantity)
    order = orders.create_order(_order_of(event, tier, wish, sale_id, order_id), now=now)
    TicketSale.objects.create(
        id=sale_id, tier=tier, event=event, user_id=wish.buyer_id, order=order, quantity=wish.quantity,
        reserved_units=wish.quantity, created_at=now,
    )  # fmt: skip
    idempotency.attach(key, sale_id)
    if order.amount == 0:
        orders.settle_free(order, now=now)
    return order


def _open_event(wish: BuyTickets, now: datetime) -> Event:
    """Return the event, unless it is over, or hidden from the buyer: then it is not told from a missing one."""
    event = Event.objects.filter(pk=wish.event_id).first()
    if event is None or not (event.is_public or is_registered(wish.buyer_id, event.pk)):
        raise NotFound
    if event.ends_at <= now:
        raise TierUnavailable("The event is over.")
    return event


def _check_buyer(tier: TicketTier, wish: BuyTickets) -> None:
    """Hold one person's part of the locked tier within the limits. All sales of it wait for its lock."""
    own = TicketSale.objects.filter(tier=tier, user_id=wish.buyer_id).aggregate(
        held=Coalesce(Sum("reserved_units"), 0),
        bought=Coalesce(Sum("sold_units"), 0),
        open=Count("pk", filter=Q(reserved_units__gt=0)),
    )
    if own["open"] >= settings.HOLD_LIMIT_CHECKOUTS:
        raise HoldLimit
    if own["held"] + wish.quantity > settings.HOLD_LIMIT_UNITS:
        raise HoldLimit
    limit = tier.per_user_limit
    if limit is not None and own["held"] + own["bought"] + wish.quantity > limit:
        raise BuyerLimit


def _order_of(
    event: Event, tier: TicketTier, wish: BuyTickets, sale_id: uuid.UUID, order_id: uuid.UUID
) -> NewOrder:
    price_known = tier.stripe_price_id and tier.stripe_price_amount == tier.price_amount
    return NewOrder(
        order_id=order_id,
        purpose=names.PURPOSE,
        purpose_id=sale_id,
        organization_id=event.organization_id,
        event_id=event.pk,
        buyer_id=wish.buyer_id,
        buyer_email=wish.buyer_email,
        title=f"{event.title}: {tier.name}"[:200],
        quantity=wish.quantity,
        unit=tier.price,
        reference=names.stripe_reference(tier.pk),
        known_product_id=tier.stripe_product_id,
        known_price_id=tier.stripe_price_id if price_known else "",
        # Limited stock is not kept for days for a payment that may not come.
        allows_delayed=tier.inventory_total is None,
        success_url=success_url(order_id),
        cancel_url=cancel_url(order_id),
    )
