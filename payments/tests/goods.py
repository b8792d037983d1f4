"""A real purpose over real stock, for the tests of this room: units of the order's event's one ticket tier.

What an order holds or has sold follows from its state and its refunds, so nothing else is stored; the
database refuses an oversale (``tier_never_oversold``).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from payments import purposes
from payments.models import HOLDING_STATES, Order, OrderState
from payments.purposes import ItemDescription, Settlement
from tickets.models import TicketTier


class Goods:
    """Sells units of a tier; remembers what fulfilment was told."""

    name = "goods"

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self.told: list[tuple[str, UUID]] = []
        self.fulfilled: set[UUID] = set()
        self.stopped: set[UUID] = set()
        self.tier_of: dict[UUID, UUID] = {}

    def tiers(self, purpose_id: UUID) -> Any:
        return TicketTier.objects.filter(pk=self.tier_of[purpose_id])

    def lock(self, purpose_id: UUID) -> None:
        self.tiers(purpose_id).select_for_update().get()

    def reserve(self, purpose_id: UUID, units: int) -> None:
        self.tiers(purpose_id).update(reserved=F("reserved") + units)

    def settle(self, order: Order, *, now: datetime) -> Settlement:
        tier = self.tiers(order.purpose_id)
        if order.state == OrderState.PAID:
            return Settlement.SETTLED
        if order.state in HOLDING_STATES:
            tier.update(reserved=F("reserved") - order.quantity, sold=F("sold") + order.quantity)
            return Settlement.SETTLED
        room = tier.filter(inventory_total__gte=F("sold") + F("reserved") + order.quantity)
        if room.update(sold=F("sold") + order.quantity):
            return Settlement.SETTLED
        return Settlement.NO_STOCK

    def release(self, order: Order, *, now: datetime) -> None:
        if order.state in HOLDING_STATES:
            self.tiers(order.purpose_id).update(reserved=F("reserved") - order.quantity)

    def return_units(self, order: Order, units: int, *, now: datetime) -> int:
        back = min(units, self.units_sold(order))
        self.tiers(order.purpose_id).update(sold=F("sold") - back)
        return back

    def units_sold(self, order: Order) -> int:
        returned = sum(order.refunds.values_list("units_returned", flat=True))
        return order.quantity - returned if order.state == OrderState.PAID else 0

    def is_fulfilled(self, order: Order) -> bool:
        return order.pk in self.fulfilled

    def stop_fulfilment(self, order: Order, *, reason: str, now: datetime) -> None:
        self.told.append(("stop", order.pk))
        self.stopped.add(order.pk)

    def resume_fulfilment(self, order: Order, *, now: datetime) -> None:
        self.told.append(("resume", order.pk))
        self.stopped.discard(order.pk)

    def describe(self, orders: Sequence[Order]) -> dict[UUID, list[ItemDescription]]:
        return {
            order.pk: [ItemDescription(order.title, order.quantity, order.unit_amount)] for order in orders
        }

    def price_listed(self, purpose_id: UUID, *, product_id: str, price_id: str, unit_amount: int) -> None:
        self.listed.append({"product_id": product_id, "price_id": price_id, "unit_amount": unit_amount})


def install() -> Goods:
    """Register a fresh one and return it."""
    goods = Goods()
    purposes.register(goods)
    return goods
