"""The registry of what can be bought. ``payments`` knows money; a purpose knows its goods.

An app above registers its purpose in ``apps.py ready()``. Every method is called inside a transaction of
``payments``; ``lock`` first, so that the one lock order of the house holds (offer, tier, ticket, purchase,
then the order).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from payments.models import Order


class Settlement(Enum):
    """What became of the goods when the money came."""

    SETTLED = "settled"
    NO_STOCK = "no_stock"
    NOT_POSSIBLE = "not_possible"


@dataclass(frozen=True, slots=True)
class ItemDescription:
    """What an order shows of its goods (CONTRACT: ``items`` of an order)."""

    title: str
    quantity: int
    unit_amount: int
    offer_id: UUID | None = None
    tier_id: UUID | None = None
    fulfillment_status: str | None = None
    fulfillment: dict[str, Any] = field(default_factory=dict)


class Purpose(Protocol):
    """The goods' side of an order."""

    name: str

    def lock(self, purpose_id: UUID) -> None:
        """Take the locks of the goods, in the house's order, before the order's own."""

    def settle(self, order: Order, *, now: datetime) -> Settlement:
        """Turn the reservation into a sale and see to fulfilment; doing so twice changes nothing.

        When the reservation was already released (paid too late), take stock again if there is any, else
        answer ``NO_STOCK`` and change nothing: the money then goes back. So it does when what is reserved can
        finally not be given any more: release it and answer ``NOT_POSSIBLE``.
        """

    def release(self, order: Order, *, now: datetime) -> None:
        """Give the reserved units back; doing so twice changes nothing."""

    def return_units(self, order: Order, units: int, *, now: datetime) -> int:
        """Take back that many sold units (their codes are revoked, upgrades reversed) and answer how many
        came.
        """

    def units_sold(self, order: Order) -> int:
        """Answer how many units of it are sold and not returned."""

    def is_fulfilled(self, order: Order) -> bool:
        """Say whether the buyer already has the goods."""

    def stop_fulfilment(self, order: Order, *, reason: str, now: datetime) -> None:
        """Stop what has not been delivered yet: a dispute, or a refund of everything."""

    def resume_fulfilment(self, order: Order, *, now: datetime) -> None:
        """Take up again what was stopped: a dispute is over and money kept, or the refund of everything failed."""

    def describe(self, orders: Sequence[Order]) -> dict[UUID, list[ItemDescription]]:
        """Describe the goods of many orders, by order id, in a fixed number of queries."""

    def price_listed(self, purpose_id: UUID, *, product_id: str, price_id: str, unit_amount: int) -> None:
        """Remember what Stripe calls the thing that is sold, so that the next sale need not ask."""


_purposes: dict[str, Purpose] = {}


def register(purpose: Purpose) -> None:
    """Add a purpose; called once by each selling app when it is ready."""
    _purposes[purpose.name] = purpose


def purpose_of(order: Order) -> Purpose:
    """Return the purpose that knows the order's goods."""
    return _purposes[order.purpose]


def registered() -> dict[str, Purpose]:
    """Return all purposes by name."""
    return dict(_purposes)
