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
