"""What may stand between a person and an offer."""

from common.errors import Conflict, Failure, Kind


class SoldOut(Conflict):
    """Fewer units are left than were asked for."""

    code = "sold_out"
    title = "Sold out"


class OfferUnavailable(Conflict):
    """It is not on sale now, or not to this person."""

    code = "offer_unavailable"
    title = "This offer is not available"


class HoldLimit(Conflict):
    """The person holds as many unpaid units or open checkouts of it as anybody may."""

    code = "hold_limit"
    title = "You already hold units of this offer; pay for them or let them go first"


class BuyerLimit(Conflict):
    """The person has as many units of it as the organizer allows."""

    code = "buyer_limit"
    title = "You have reached the limit of this offer"


class PurchasesDisabled(Failure):
    """The operator stopped new purchases for a while."""

    code = "purchases_disabled"
    kind = Kind.UNAVAILABLE
    title = "Purchases are paused, please try again later"
    retryable = True


class NotWaiting(Conflict):
    """The fulfilment is not in a state in which this can be done."""

    code = "not_waiting"
    title = "This fulfilment is not waiting for that"


class OfferArchived(Conflict):
    """An archived offer is kept for its purchases and does not change any more."""

    code = "offer_archived"
    title = "This offer is archived"
