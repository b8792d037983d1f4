"""What staff still owe buyers, for tests: ``owe(give(offer, user))``."""

from datetime import timedelta
from typing import Any

from common import clock
from offers.models import Fulfillment, FulfillmentStatus, Purchase


def owe(
    purchase: Purchase,
    *,
    status: str = FulfillmentStatus.PENDING_MANUAL,
    age: timedelta = timedelta(hours=1),
    **fields: Any,
) -> Fulfillment:
    """Create the fulfilment of a sale, waiting for staff since an hour ago."""
    return Fulfillment.objects.create(
        purchase=purchase, offer=purchase.offer, status=status, created_at=clock.now() - age, **fields
    )
