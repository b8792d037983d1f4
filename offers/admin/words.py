"""How far a buyer is from having the goods, in a word, with its colour."""

from offers.models import Fulfillment, FulfillmentStatus

TAKEN_BACK = "Taken back"
COLOURS = {
    "Fulfilled": "success",
    "Waiting for staff": "warning",
    "Failed": "danger",
    "Pending": "info",
    "Processing": "info",
    "Cancelled": "default",
    TAKEN_BACK: "default",
}


def standing_of(fulfillment: Fulfillment) -> str:
    """Return the status in words; what came back is the buyer's no more, whatever was delivered."""
    if fulfillment.revoked_at is not None:
        return TAKEN_BACK
    return str(FulfillmentStatus(fulfillment.status).label)
