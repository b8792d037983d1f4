"""The goods' side of an order for tickets, as ``payments`` asks for it (``payments.purposes.Purpose``)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from common.errors import Busy, NotFound
from payments.models import Order
from payments.purposes import ItemDescription, Settlement
from tickets.models import Ticket, TicketSale, TicketStatus, TicketTier, TierChange, TierChangeStatus
from tickets.services import names
from tickets.services.posting import owe_tickets
from tickets.services.stock import lock_tiers, move
from tickets.services.stopping import stop
from tickets.services.tickets import issue_for_sale
from tickets.services.voiding import void_locked

# An upgrade that was given, or is being paid.
_UPGRADING = (TierChangeStatus.RESERVED, TierChangeStatus.SETTLED)


class TicketPurpose:
    """Tickets as something that an order can be for. Every method may be repeated."""

    name = names.PURPOSE

    def lock(self, purpose_id: UUID) -> None:
        """Lock the tiers in which the sale's tickets are, the tickets, then the sale."""
        tier_id = TicketSale.objects.filter(pk=purpose_id).values_list("tier_id", flat=True).first()
        if tier_id is None:
            raise NotFound
        own = Ticket.objects.filter(sale_id=purpose_id)
        tiers = lock_tiers(tier_id, *own.values_list("tier_id", flat=True))
        tickets = list(own.select_for_update().order_by("pk"))
        if any(ticket.tier_id not in tiers for ticket in tickets):
            # One moved between our look and our lock; another tier cannot be locked now without breaking the order.
            raise Busy
        TicketSale.objects.select_for_update().get(pk=purpose_id)

    def settle(self, order: Order, *, now: datetime) -> Settlement:
        """Issue the tickets for what was reserved, or for what is still there when the reservation is over; a letter
        brings them."""
        sale = _sale_of(order)
        if sale.sold_units or sale.returned_units:
            return Settlement.SETTLED
        held, tier = sale.reserved_units, TicketTier.objects.get(pk=sale.tier_id)
        if not held and tier.available is not None and tier.available < sale.quantity:
            return Settlement.NO_STOCK
        move(tier.pk, reserved=-held, sold=sale.quantity)
        sale.reserved_units, sale.sold_units, sale.purchased_at = 0, sale.quantity, now
        sale.save(update_fields=["reserved_units", "sold_units", "purchased_at"])
        issue_for_sale(sale, now=now)
        owe_tickets(sale, order.organization_id, now=now)
        return Settlement.SETTLED

    def release(self, order: Order, *, now: datetime) -> None:
        """Give the held tickets back."""
        sale = _sale_of(order)
        if sale.reserved_units:
            move(sale.tier_id, reserved=-sale.reserved_units)
            sale.reserved_units = 0
            sale.save(update_fields=["reserved_units"])

    def return_units(self, order: Order, units: int, *, now: datetime) -> int:
        """Take sold units back and void as many tickets: first those that staff voided before, then unused ones.

        Among the unused those go last that an upgrade moved, or is about to: more was paid for them than this order
        gives back.
        """
        sale = _sale_of(order)
        units = min(units, sale.sold_units)
        if units <= 0:
            return 0
        standing = TierChange.objects.filter(ticket=OuterRef("pk"), status__in=_UPGRADING)
        rows = Ticket.objects.filter(sale=sale).annotate(is_upgraded=Exists(standing))
        tickets = list(rows.select_related("event").order_by("is_upgraded", "-sale_position"))
        valid = [ticket for ticket in tickets if ticket.status == TicketStatus.VALID]
        voided_by_staff = len(tickets) - len(valid) - sale.returned_units
        valid.sort(key=lambda ticket: ticket.first_scanned_at is not None)
        void_locked(valid[: max(0, units - voided_by_staff)], now=now)
        sale.sold_units -= units
        sale.returned_units += units
        sale.save(update_fields=["sold_units", "returned_units"])
        return units

    def units_sold(self, order: Order) -> int:
        """Answer how many units are sold and not returned."""
        return _sale_of(order).sold_units

    def is_fulfilled(self, order: Order) -> bool:
        """Say whether the buyer had what they paid for: a ticket let somebody in."""
        return Ticket.objects.filter(sale_id=order.purpose_id, first_scanned_at__isnull=False).exists()

    def stop_fulfilment(self, order: Order, *, reason: str, now: datetime) -> None:
        """Let the tickets open no door while the reason stands."""
        stop(_valid_of(order), reason=reason, now=now)

    def resume_fulfilment(self, order: Order, *, now: datetime) -> None:
        """Let the tickets open doors again."""
        _valid_of(order).update(stopped_reason="")

    def describe(self, orders: Sequence[Order]) -> dict[UUID, list[ItemDescription]]:
        """Describe the goods of many orders, by two queries."""
        ids = [order.purpose_id for order in orders]
        sales = TicketSale.objects.filter(pk__in=ids).prefetch_related("tickets__tier").in_bulk()
        return {order.pk: [_described(order, sales[order.purpose_id])] for order in orders}

    def price_listed(self, purpose_id: UUID, *, product_id: str, price_id: str, unit_amount: int) -> None:
        """Remember Product and Price together, while it is still the tier's price. The tier is locked."""
        tier = TicketTier.objects.get(sales=purpose_id)
        if tier.price_amount == unit_amount:
            tier.stripe_product_id = product_id
            tier.stripe_price_id, tier.stripe_price_amount = price_id, unit_amount
            tier.save(update_fields=["stripe_product_id", "stripe_price_id", "stripe_price_amount"])


def _sale_of(order: Order) -> TicketSale:
    return TicketSale.objects.get(pk=order.purpose_id)


def _valid_of(order: Order) -> QuerySet[Ticket]:
    return Ticket.objects.filter(sale_id=order.purpose_id, status=TicketStatus.VALID)


def _described(order: Order, sale: TicketSale) -> ItemDescription:
    tickets = sorted(sale.tickets.all(), key=lambda ticket: ticket.sale_position or 0)
    shown = [
        {"id": str(one.pk), "number": one.number, "tier": one.tier.name, "status": one.status}
        for one in tickets
    ]
    return ItemDescription(
        title=order.title,
        quantity=order.quantity,
        unit_amount=order.unit_amount,
        tier_id=sale.tier_id,
        fulfillment_status=_status(tickets),
        fulfillment={"ticket": shown[0], "tickets": shown} if shown else {},
    )


def _status(tickets: Sequence[Ticket]) -> str | None:
    """Return the contract's word: null before they are paid."""
    if not tickets:
        return None
    return "FULFILLED" if any(ticket.status == TicketStatus.VALID for ticket in tickets) else "CANCELLED"
