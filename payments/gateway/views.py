"""What we read of Stripe's objects, as frozen values of our own.

Nothing of the library's leaves the gateway.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ChargeView:
    """A charge that succeeded.

    ``fee`` is in minor units of ``fee_currency``; None while Stripe does not know it.
    """

    id: str
    amount: int
    currency: str
    occurred_at: datetime
    method_type: str = ""
    brand: str = ""
    last4: str = ""
    fee: int | None = None
    fee_currency: str = ""
    balance_transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class IntentView:
    """A PaymentIntent: how far the payment is, and its charge once that succeeded."""

    id: str
    status: str
    livemode: bool
    metadata: Mapping[str, str]
    charge: ChargeView | None = None


@dataclass(frozen=True, slots=True)
class SessionView:
    """A Checkout session.

    ``status``: open, complete or expired; amounts in minor units, currency in capitals.
    """

    id: str
    url: str | None
    status: str
    payment_status: str
    amount_total: int
    currency: str
    livemode: bool
    created_at: datetime
    expires_at: datetime
    client_reference_id: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    payment_intent_id: str | None = None
    intent: IntentView | None = None

    @property
    def is_paid(self) -> bool:
        """Say whether the goods may be given: only these two statuses (Stripe: Fulfill orders)."""
        return self.status == "complete" and self.payment_status in {"paid", "no_payment_required"}


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund as Stripe tells it, whoever made it."""

    id: str
    payment_intent_id: str
    charge_id: str
    amount: int
    currency: str
    status: str
    occurred_at: datetime
    metadata: Mapping[str, str]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class DisputeMovement:
    """Money that a dispute moved: withdrawn (negative) or reinstated.

    ``fee`` is what the bank asks for it.
    """

    id: str
    amount: int
    fee: int
    currency: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute with the movements it caused so far."""

    id: str
    payment_intent_id: str
    amount: int
    currency: str
    status: str
    reason: str
    opened_at: datetime
    movements: tuple[DisputeMovement, ...] = ()


def moment(seconds: int) -> datetime:
    """Return Stripe's Unix seconds as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def session_view(data: Mapping[str, Any]) -> SessionView:
    """Read a Checkout session; its PaymentIntent too where it was expanded."""
    intent = data.get("payment_intent")
    return SessionView(
        id=data["id"],
        url=data.get("url"),
        status=data.get("status") or "",
        payment_status=data["payment_status"],
        amount_total=data.get("amount_total") or 0,
        currency=(data.get("currency") or "").upper(),
        livemode=data["livemode"],
        created_at=moment(data["created"]),
        expires_at=moment(data["expires_at"]),
        client_reference_id=data.get("client_reference_id") or "",
        metadata=dict(data.get("metadata") or {}),
        payment_intent_id=intent if isinstance(intent, str | None) else intent["id"],
        intent=intent_view(intent) if isinstance(intent, Mapping) else None,
    )


def intent_view(data: Mapping[str, Any]) -> IntentView:
    """Read a PaymentIntent; its charge only where it was expanded and succeeded."""
    charge = data.get("latest_charge")
    succeeded = isinstance(charge, Mapping) and charge["status"] == "succeeded"
    return IntentView(
        id=data["id"],
        status=data["status"],
        livemode=data["livemode"],
        metadata=dict(data.get("metadata") or {}),
        charge=charge_view(charge) if succeeded and isinstance(charge, Mapping) else None,
    )


def charge_view(data: Mapping[str, Any]) -> ChargeView:
    """Read a charge, with how it was paid and, where expanded, what it cost."""
    method = data.get("payment_method_details") or {}
    kind = method.get("type") or ""
    details = method.get(kind) or {}
    cost = data.get("balance_transaction")
    known = cost if isinstance(cost, Mapping) else {}
    return ChargeView(
        id=data["id"],
        amount=data["amount"],
        currency=data["currency"].upper(),
        occurred_at=moment(data["created"]),
        method_type=kind,
        brand=details.get("brand") or "",
        last4=details.get("last4") or "",
        fee=known.get("fee"),
        fee_currency=(known.get("currency") or "").upper(),
        balance_transaction_id=known.get("id") or "",
    )


def refund_view(data: Mapping[str, Any]) -> RefundView:
    """Read a refund."""
    return RefundView(
        id=data["id"],
        payment_intent_id=data.get("payment_intent") or "",
        charge_id=data.get("charge") or "",
        amount=data["amount"],
        currency=data["currency"].upper(),
        status=data.get("status") or "pending",
        occurred_at=moment(data["created"]),
        metadata=dict(data.get("metadata") or {}),
        failure=data.get("failure_reason") or "",
    )


def dispute_view(data: Mapping[str, Any]) -> DisputeView:
    """Read a dispute and what it moved."""
    return DisputeView(
        id=data["id"],
        payment_intent_id=data.get("payment_intent") or "",
        amount=data["amount"],
        currency=data["currency"].upper(),
        status=data["status"],
        reason=data.get("reason") or "",
        opened_at=moment(data["created"]),
        movements=tuple(
            DisputeMovement(
                id=entry["id"],
                amount=entry["amount"],
                fee=entry.get("fee") or 0,
                currency=entry["currency"].upper(),
                occurred_at=moment(entry["created"]),
            )
            for entry in data.get("balance_transactions") or ()
        ),
    )
