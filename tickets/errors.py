"""Named failures of this room."""

from common.errors import Conflict
from payments.errors import SoldOut


class TierSoldOut(SoldOut):
    """The tier has fewer tickets left than were asked for."""

    title = "This ticket tier is sold out"


class TierUnavailable(Conflict):
    """Its tickets are not on sale now."""

    code = "offer_unavailable"
    title = "These tickets are not on sale"


class UpgradeNotPossible(Conflict):
    """The ticket is void, stopped or fell below where its upgrade began, or the tier is not above its own."""

    code = "offer_unavailable"
    title = "This ticket cannot be upgraded so"


class UpgradeInProgress(Conflict):
    """An upgrade of this ticket is being paid for; it ends by itself."""

    code = "upgrade_in_progress"
    title = "An upgrade of this ticket is open already"


class UpgradeSuperseded(Conflict):
    """The ticket moved on after this upgrade, by no upgrade that could lead back instead."""

    code = "upgrade_superseded"
    title = "It is not known how this ticket moved on"


class TicketVoid(Conflict):
    """The ticket opens no door any more."""

    code = "ticket_void"
    title = "This ticket is void"


class TicketStopped(Conflict):
    """Its payment is in question: while it is, no page is made that would open no door."""

    code = "ticket_stopped"
    title = "The payment of this ticket is in question"


class PrintedCodesOff(Conflict):
    """The event's doors take live codes only."""

    code = "printed_codes_off"
    title = "This event does not accept printed codes"


class AnomalyCleared(Conflict):
    """Somebody has looked at it."""

    code = "anomaly_cleared"
    title = "This was looked at already"
