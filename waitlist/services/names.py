"""Names that the services, their jobs and their messages share."""

from enum import Enum
from typing import Final

TELL_PEOPLE: Final = "waitlist.tell_people"
TELL_QUEUE: Final = "waitlist.tell_queue"
EXPIRE: Final = "waitlist.expire"
FILL: Final = "waitlist.fill"
REGISTRATION_ENDED: Final = "waitlist.registration_ended"
TICKETS_REDUCED: Final = "waitlist.tickets_reduced"
FOLLOW: Final = "waitlist.follow_tickets"
TELL_SEAT: Final = "waitlist.tell_seat"

# Messages of one job: short enough for its time-out, and others get their turn in between.
TOLD_AT_ONCE: Final = 200


class What(Enum):
    """What people are told about their entry."""

    OFFERED = "offered"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    REMOVED = "removed"
    CLOSED = "closed"
    NO_TICKET = "no_ticket"
