"""What a buyer got of a purchase, as every door shows it."""

from datetime import datetime
from typing import Any

from offers.models import Fulfillment, Purchase


def fulfillment_details(purchase: Purchase, fulfillment: Fulfillment | None) -> dict[str, Any]:
    """Return what the buyer got (CONTRACT: ``fulfillment`` of an order's item); only what there is.

    A revoked access code is not shown any more.
    """
    if fulfillment is None:
        return {}
    details: dict[str, Any] = {
        "carrier": fulfillment.carrier or None,
        "tracking_number": fulfillment.tracking_number or None,
        "appointment_at": fulfillment.appointment_at,
    }
    if fulfillment.revoked_at is None:
        details |= {"access_code": fulfillment.access_code, "access_url": fulfillment.access_url or None}
    else:
        details["revoked_at"] = fulfillment.revoked_at
    if purchase.ticket is not None:
        ticket = purchase.ticket
        details["ticket"] = {"id": str(ticket.pk), "number": ticket.number, "tier": ticket.tier.name}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in details.items()
        if value is not None
    }


def fulfillment_of(purchase: Purchase) -> Fulfillment | None:
    """Return the purchase's fulfilment, None before it is paid; loaded with ``select_related``."""
    return getattr(purchase, "fulfillment", None)
