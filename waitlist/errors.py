"""Named failures of this room."""

from common.errors import Conflict, Failure, Forbidden, Kind


class SessionNotFull(Conflict):
    """There is room: take a seat instead of waiting."""

    code = "session_not_full"
    title = "This session has free seats"


class TicketRequired(Forbidden):
    """Only people registered for the event may wait for its sessions."""

    code = "ticket_required"
    title = "You need a ticket of this event"


class AlreadyWaiting(Conflict):
    """One place per person and session."""

    code = "already_waiting"
    title = "You are in this waitlist already"


class NotWaiting(Conflict):
    """The entry is not where the act needs it: it has an offer, or has ended."""

    code = "not_waiting"
    title = "This entry does not wait any more"


class AlreadyOffered(Conflict):
    """A seat is held for this person: walking in would take a second one and leave the first empty."""

    code = "already_offered"
    title = "A seat is held for you: accept your offer from the waitlist"


class WaitlistClosed(Conflict):
    """The session has begun, or the organizer closed its waitlist."""

    code = "waitlist_closed"
    title = "The waitlist of this session is closed"


class TokenInvalid(Failure):
    """Not a token of ours, or of another person, session or offer, or one that was used."""

    code = "token_invalid"
    kind = Kind.MALFORMED
    title = "This join token is not valid"


class TokenExpired(Failure):
    """The offer's time is over, whether or not it was closed already."""

    code = "token_expired"
    kind = Kind.GONE
    title = "This offer has expired"
