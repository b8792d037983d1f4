"""Commands and answers of the money path."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common.money import Money
from common.types import Actor


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One thing that somebody is about to buy; its goods are already reserved.

    ``reference`` names the thing that is sold (``offer:<uuid>``): with title and picture it makes the product's id at
    Stripe. ``known_product_id`` and ``known_price_id`` are how it was listed last at this unit price, perhaps under
    another title, or empty.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one person wants to buy, as far as money is concerned.

    ``operation`` and ``key`` are the scope of the idempotency key, ``body`` what a repetition has to have in
    common. ``network``: what the limit per address counts, where there is one.
    """

    operation: str
    buyer_id: UUID
    body: Mapping[str, Any]
    key: str | None
    network: str | None


@dataclass(frozen=True, slots=True)
class PurchaseAnswer:
    """What a buyer gets back (CONTRACT: "Purchase, 201"). A free order is complete and has no session."""

    order_id: UUID
    order_number: str
    order_status: str
    amount: int
    currency: str
    checkout_session_id: str | None
    stripe_checkout_url: str | None
    expires_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return the answer as REST gives it and as the idempotency record keeps it."""
        return {
            "checkout_session_id": self.checkout_session_id,
            "stripe_checkout_url": self.stripe_checkout_url,
            "expires_at": None if self.expires_at is None else self.expires_at.isoformat(),
            "order": {
                "id": str(self.order_id),
                "order_number": self.order_number,
                "status": self.order_status,
                "total_amount": {"amount": self.amount, "currency": self.currency},
            },
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "PurchaseAnswer":
        """Build the answer again from what was kept."""
        order, ends = body["order"], body["expires_at"]
        return cls(
            order_id=UUID(order["id"]),
            order_number=order["order_number"],
            order_status=order["status"],
            amount=order["total_amount"]["amount"],
            currency=order["total_amount"]["currency"],
            checkout_session_id=body["checkout_session_id"],
            stripe_checkout_url=body["stripe_checkout_url"],
            expires_at=None if ends is None else datetime.fromisoformat(ends),
        )
