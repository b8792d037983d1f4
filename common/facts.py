"""Facts: things that became true in one room and that others may want to know.

A room publishes a fact with ``common.outbox.publish`` in the transaction that makes it true; whoever cares
registers a handler with ``on_fact``. A fact carries ids, not state: handlers read the state again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self, get_type_hints
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Fact:
    """The base of all facts: ``name`` is its address in logs, the fields are its payload."""

    name: ClassVar[str] = ""

    def payload(self) -> dict[str, object]:
        """Return the fields as JSON primitives."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """Build the fact again from its payload; a missing field is a ``KeyError``."""
        hints = get_type_hints(cls)
        given = {field.name: payload[field.name] for field in fields(cls)}
        return cls(**{name: UUID(value) if hints[name] is UUID else value for name, value in given.items()})


@dataclass(frozen=True, slots=True)
class SeatFreed(Fact):
    """Somebody left a session, or its capacity was raised."""

    name: ClassVar[str] = "events.seat_freed"
    session_id: UUID


@dataclass(frozen=True, slots=True)
class RegistrationEnded(Fact):
    """Somebody belonged to an event by a ticket and has none left."""

    name: ClassVar[str] = "events.registration_ended"
    user_id: UUID
    event_id: UUID


@dataclass(frozen=True, slots=True)
class TicketsReduced(Fact):
    """A ticket of somebody was voided or stopped, or went back to a lesser tier; they belong to the event still."""

    name: ClassVar[str] = "tickets.reduced"
    user_id: UUID
    event_id: UUID


@dataclass(frozen=True, slots=True)
class OfferPurchased(Fact):
    """A purchase of an offer was paid, or was free."""

    name: ClassVar[str] = "offers.purchased"
    purchase_id: UUID
    offer_id: UUID
    order_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class PaymentSettled(Fact):
    """The money of an order arrived."""

    name: ClassVar[str] = "payments.settled"
    order_id: UUID


@dataclass(frozen=True, slots=True)
class PurchaseUpdated(Fact):
    """The status that a buyer sees on an order changed."""

    name: ClassVar[str] = "offers.purchase_updated"
    order_id: UUID
    user_id: UUID
    status: str


@dataclass(frozen=True, slots=True)
class RefundRecorded(Fact):
    """A refund of an order reached the ledger."""

    name: ClassVar[str] = "payments.refund_recorded"
    order_id: UUID
    refund_id: UUID
