"""Named failures of this room."""

from common.errors import Conflict, Failure


class SponsorInactive(Conflict):
    """The organizer took the sponsor off: nothing is shown of it, and it takes no leads."""

    code = "sponsor_inactive"
    title = "This sponsor takes no leads now"


class TokenInvalid(Failure):
    """Not the token of an ad that we served."""

    code = "token_invalid"
    title = "This token is not valid"


class AdArchived(Conflict):
    """An archived ad is kept for what it delivered and does not change any more."""

    code = "ad_archived"
    title = "This ad is archived"


class AdNotLive(Conflict):
    """It would not be served now: archived, paused, ended, not begun, or its budget is spent."""

    code = "ad_not_live"
    title = "This ad is not live"
