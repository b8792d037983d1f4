"""Every name that Socket.IO clients rely on (REQ RT-01 to RT-05). Payloads are JSON primitives, in snake_case."""

from typing import Final
from uuid import UUID

PATH: Final = "/socket.io"

# From clients; each is acknowledged with {ok: true, ...} or {ok: false, code}.
JOIN_ROOM: Final = "join_room"
LEAVE_ROOM: Final = "leave_room"
JOIN_WAITLIST: Final = "monetization.waitlist.join"

# To user:{id}
WAITLIST_POSITION_UPDATE: Final = (
    "WAITLIST_POSITION_UPDATE"  # position, total, estimated_wait_minutes, session_id
)
WAITLIST_OFFER: Final = "WAITLIST_OFFER"  # title, message, join_token, expires_at, session_id
WAITLIST_OFFER_EXPIRED: Final = "WAITLIST_OFFER_EXPIRED"  # message, session_id
WAITLIST_ACCEPTED: Final = "WAITLIST_ACCEPTED"  # message, session_id, attendance_id
WAITLIST_REMOVED: Final = "WAITLIST_REMOVED"  # message, session_id, had_seat
PURCHASE_UPDATE: Final = "PURCHASE_UPDATE"  # order_id, status
# To session:{id}:waitlist
WAITLIST_CHANGED: Final = "WAITLIST_CHANGED"  # waiting, offered, free
# To event:{id}
OFFER_AVAILABILITY: Final = "OFFER_AVAILABILITY"  # offer_id, available
AD_INJECTED: Final = "AD_INJECTED"  # ad, session_id
# To dashboard:{event_id}
DASHBOARD_CHANGED: Final = "DASHBOARD_CHANGED"  # parts
# To sponsor:{id}
SPONSOR_LEAD: Final = "SPONSOR_LEAD"  # sponsor_id, lead_id, name, company, source, created_at

# To one socket, without a number: it may not hear that room any more and was taken out of it
ROOM_LEFT: Final = "ROOM_LEFT"  # room

# The names of older front ends, with their older payloads; emitted beside the new ones where a setting says so.
LEGACY_SPOT_AVAILABLE: Final = (
    "monetization.waitlist.spot_available"  # sessionId, title, message, join_token, expires_at
)
LEGACY_AD_INJECTED: Final = "monetization.ad.injected"  # ad


def user_room(user_id: UUID) -> str:
    """Return the room of one person's sockets."""
    return f"user:{user_id}"


def waitlist_room(session_id: UUID) -> str:
    """Return the room of those who watch a session's waitlist."""
    return f"session:{session_id}:waitlist"


def event_room(event_id: UUID) -> str:
    """Return the room of an event's visitors."""
    return f"event:{event_id}"


def dashboard_room(event_id: UUID) -> str:
    """Return the room of the staff who watch an event's figures."""
    return f"dashboard:{event_id}"


def sponsor_room(sponsor_id: UUID) -> str:
    """Return the room of a sponsor's people."""
    return f"sponsor:{sponsor_id}"
