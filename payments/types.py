"""Commands and answers of the money path."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.money import Money
from common.types import Actor


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One thing that somebody is about to buy; its goods are already reserved.

    ``reference`` is the stable id of the product at Stripe (``offer:<uuid>``). ``known_product_id`` and
    ``known_price_id`` are what Stripe already calls it at this unit price, or empty.
    """

    order_id: UUID
    purpose: str
    purpose_id: UUID
    organization_id: UUID
    event_id: UUID
    buyer_id: UUID
    buyer_email: str
    title: str
    quantity: int
    unit: Money
    reference: str
    success_url: str
    cancel_url: str
    image_url: str = ""
    known_product_id: str = ""
    known_price_id: str = ""
    allows_delayed: bool = False

    @property
    def total(self) -> Money:
        """What it comes to."""
        return self.unit * self.quantity


@dataclass(frozen=True, slots=True)
class CheckoutOpened:
    """Where the buyer pays, and until when the units are held for them; all None for a free order."""

    order_id: UUID
    checkout_session_id: str | None
    url: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class RequestRefund:
    """Money to give back.

    ``amount`` in minor units, None for all that is left; ``restock_units`` None: by rule.

    The rule: an amount keeps the goods; everything that is left, of goods that nobody has yet, returns them
    all.
    """

    order_id: UUID
    amount: int | None
    reason: str
    restock_units: int | None
    actor: Actor
