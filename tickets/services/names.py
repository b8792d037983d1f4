"""The names under which other rooms and Stripe know what is sold here."""

from uuid import UUID

PURPOSE = "ticket"
OPERATION = "tickets.checkout"
LETTER_JOB = "tickets.send_letter"


def stripe_reference(tier_id: UUID) -> str:
    """Return the stable id of the tier's Product at Stripe."""
    return f"tier:{tier_id}"
