"""Writing the ledger: each movement of money once, by the id that Stripe gave it."""

from datetime import datetime
from uuid import uuid4

from payments.models import LedgerEntry, LedgerKind, Order, Payment


def enter(
    order: Order,
    payment: Payment,
    kind: LedgerKind,
    stripe_id: str,
    *,
    amount: int,
    currency: str,
    occurred_at: datetime,
    now: datetime,
) -> bool:
    """Enter a movement (minor units, positive: to the organization); False when it was entered before."""
    entry_id = uuid4()
    entry = LedgerEntry(
        id=entry_id,
        order=order,
        payment=payment,
        kind=kind,
        amount=amount,
        currency=currency,
        stripe_id=stripe_id,
        occurred_at=occurred_at,
        recorded_at=now,
    )
    LedgerEntry.objects.bulk_create([entry], ignore_conflicts=True)
    return LedgerEntry.objects.filter(pk=entry_id).exists()
