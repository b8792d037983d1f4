"""Named failures of this room."""

from common.errors import Conflict


class SessionFull(Conflict):
    """No seat is free, or people wait for the ones that are: nobody walks past the queue."""

    code = "session_full"
    title = "This session is full"


class AlreadyAttending(Conflict):
    """The person has a seat already."""

    code = "already_attending"
    title = "You have a seat in this session already"


class SessionOver(Conflict):
    """The session has ended."""

    code = "session_over"
    title = "This session is over"
