"""Named failures of this room."""

from common.errors import Conflict


class SponsorInactive(Conflict):
    """The organizer took the sponsor off: nothing is shown of it, and it takes no leads."""

    code = "sponsor_inactive"
    title = "This sponsor takes no leads now"
