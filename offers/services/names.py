"""The names under which other rooms and Stripe know what is sold here."""

from uuid import UUID

PURPOSE = "offer"
OPERATION = "offers.purchase"
FULFIL_JOB = "offers.fulfil"


def stripe_reference(offer_id: UUID) -> str:
    """Return the stable id of the offer's Product at Stripe."""
    return f"offer:{offer_id}"


def fulfil_key(purchase_id: UUID) -> str:
    """Return the dedupe key of the job that fulfils a purchase."""
    return f"offers.fulfil:{purchase_id}"
