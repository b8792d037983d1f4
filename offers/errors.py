"""What may stand between a person and an offer."""

from common.errors import Conflict
from payments.errors import BuyerLimit, HoldLimit, PurchasesDisabled, SoldOut

__all__ = [
    "BuyerLimit",
    "HoldLimit",
    "NotWaiting",
    "OfferArchived",
    "OfferUnavailable",
    "PurchasesDisabled",
    "SoldOut",
]


class OfferUnavailable(Conflict):
    """It is not on sale now, or not to this person."""

    code = "offer_unavailable"
    title = "This offer is not available"


class NotWaiting(Conflict):
    """The fulfilment is not in a state in which this can be done."""

    code = "not_waiting"
    title = "This fulfilment is not waiting for that"


class OfferArchived(Conflict):
    """An archived offer is kept for its purchases and does not change any more."""

    code = "offer_archived"
    title = "This offer is archived"
