"""The words of this room: what people are told by e-mail, push and Socket.IO about their entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from events.models import Attendance
from notifications import kinds
from notifications.kinds import Channel, Kind
from notifications.push import PushMessage
from notifications.realtime import constants
from notifications.services.email import NewEmail
from notifications.templates import EmailTemplate, register
from waitlist.models import Entry
from waitlist.services import tokens
from waitlist.services.names import What

_COMMON = ("session_title", "event_title", "quantity", "session_url")
OFFER = EmailTemplate("waitlist_offer", (*_COMMON, "expires_at"), urgent=True)
EXPIRED = EmailTemplate("waitlist_offer_expired", _COMMON, urgent=True)
ACCEPTED = EmailTemplate("waitlist_accepted", (*_COMMON, "starts_at"), urgent=True)
REMOVED = EmailTemplate("waitlist_removed", (*_COMMON, "reason"))
CLOSED = EmailTemplate("waitlist_closed", _COMMON)
NO_TICKET = EmailTemplate("waitlist_no_ticket", (*_COMMON, "had_seat"))
NEAR_FRONT = EmailTemplate("waitlist_near_front", (*_COMMON, "position"))
KIND = Kind(
    "waitlist",
    "Waitlists",
    "Seats that are offered to you, and what becomes of your place.",
    is_transactional=True,
    channels=frozenset({Channel.EMAIL, Channel.PUSH}),
)
# Of an entry that was removed: a place in the queue ended, or an offer, and no seat.
_NO_SEAT: Final = {"had_seat": False}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one person, on every channel."""

    template: EmailTemplate
    title: str
    message: str
    event: str | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def register_templates() -> None:
    """Make the room's messages known; called once when the app is ready."""
    kinds.register(KIND)
    for template in (OFFER, EXPIRED, ACCEPTED, REMOVED, CLOSED, NO_TICKET, NEAR_FRONT):
        register(template)
        kinds.assign(KIND.name, template.name)


def session_page(session_id: UUID) -> str:
    """Return the front end's page of a session's waitlist."""
    return f"{settings.FRONTEND_URL}/sessions/{session_id}/waitlist"


def notice_of(what: What, entry: Entry) -> Notice:
    """Return what to tell about an entry, which has its session and event at hand."""
    return _NOTICES[what](entry)


def near_front(entry: Entry, position: int) -> Notice:
    """Return what to tell somebody who came among the first. Sockets hear of positions anyway."""
    message = f"You are number {position} in the waitlist of {entry.session.title}."
    return Notice(NEAR_FRONT, "Nearly there", message, words={"position": position})


def seat_email(seat: Attendance) -> NewEmail:
    """Return the e-mail to somebody whose seat was given back with their last ticket; once for each seat."""
    session = seat.session
    return NewEmail(
        template=NO_TICKET.name,
        to=seat.user.email,
        context={
            "session_title": session.title,
            "event_title": session.event.title,
            "quantity": seat.seats,
            "session_url": session_page(session.pk),
            "had_seat": True,
        },
        dedupe_key=f"{NO_TICKET.name}:{seat.pk}",
        user_id=seat.user_id,
        organization_id=session.event.organization_id,
        subject_ref=("attendance", seat.pk),
    )


def seat_push(seat: Attendance) -> PushMessage:
    """Return the push message of the same."""
    return PushMessage(
        user_id=seat.user_id,
        kind=NO_TICKET.name,
        title="Your seat was given back",
        body=_seat_gone(seat),
        dedupe_key=f"{NO_TICKET.name}:{seat.pk}",
        urgent=NO_TICKET.urgent,
        organization_id=seat.session.event.organization_id,
        data={"session_id": str(seat.session_id), "url": session_page(seat.session_id)},
    )


def seat_payload(seat: Attendance) -> dict[str, Any]:
    """Return what sockets are told of the same."""
    return {"message": _seat_gone(seat), "session_id": str(seat.session_id), "had_seat": True}


def _seat_gone(seat: Attendance) -> str:
    session = seat.session
    return (
        f"Your seat in {session.title} was given back: you have no ticket of {session.event.title} any more."
    )


def email_of(notice: Notice, entry: Entry) -> NewEmail:
    """Return the e-mail of a notice; the same notice of the same offer is sent once."""
    session = entry.session
    common = {
        "session_title": session.title,
        "event_title": session.event.title,
        "quantity": entry.quantity,
        "session_url": session_page(session.pk),
    }
    return NewEmail(
        template=notice.template.name,
        to=entry.user.email,
        context=common | dict(notice.words),
        dedupe_key=_once(notice, entry),
        user_id=entry.user_id,
        organization_id=session.event.organization_id,
        subject_ref=("waitlist_entry", entry.pk),
    )


def push_of(notice: Notice, entry: Entry) -> PushMessage:
    """Return the push message of a notice."""
    return PushMessage(
        user_id=entry.user_id,
        kind=notice.template.name,
        title=notice.title,
        body=notice.message,
        dedupe_key=_once(notice, entry),
        urgent=notice.template.urgent,
        organization_id=entry.session.event.organization_id,
        data={"session_id": str(entry.session_id), "url": session_page(entry.session_id)},
        # A phone that comes back later shall not promise a seat that is gone.
        not_after=entry.offer_expires_at if notice.template is OFFER else None,
    )


def payload_of(notice: Notice, entry: Entry) -> dict[str, Any]:
    """Return what sockets are told: the message, the session, and the notice's own data."""
    return {"message": notice.message, "session_id": str(entry.session_id), **notice.data}


def _once(notice: Notice, entry: Entry) -> str:
    return f"{notice.template.name}:{entry.pk}:{entry.offer_number}"


def _seats(entry: Entry) -> str:
    return "A seat" if entry.quantity == 1 else f"{entry.quantity} seats"


def _local(moment: datetime, entry: Entry) -> str:
    """Return a time as people at the event read it."""
    local = moment.astimezone(entry.session.event.zone)
    return f"{local:%A, %d %B %Y, %H:%M} ({local.tzname()})"


def _offered(entry: Entry) -> Notice:
    if entry.offer_expires_at is None:
        raise LookupError("An offer has its end")
    title = f"{_seats(entry)} for you: {entry.session.title}"
    until = _local(entry.offer_expires_at, entry)
    data = {
        "title": title,
        "join_token": tokens.token_of(entry),
        "expires_at": entry.offer_expires_at.isoformat(),
    }
    message = f"{_seats(entry)} in {entry.session.title} is yours if you accept until {until}."
    if entry.quantity > 1:
        message = message.replace(" is yours", " are yours")
    return Notice(OFFER, title, message, constants.WAITLIST_OFFER, {"expires_at": until}, data)


def _expired(entry: Entry) -> Notice:
    message = f"Your offer for {entry.session.title} has expired and went to the next in line."
    return Notice(EXPIRED, "Your offer has expired", message, constants.WAITLIST_OFFER_EXPIRED)


def _accepted(entry: Entry) -> Notice:
    message = f"You have {_seats(entry).lower()} in {entry.session.title}."
    data = {"attendance_id": str(entry.attendance_id)}
    words = {"starts_at": _local(entry.session.starts_at, entry)}
    return Notice(ACCEPTED, "See you there", message, constants.WAITLIST_ACCEPTED, words, data)


def _removed(entry: Entry) -> Notice:
    message = f"You were taken off the waitlist of {entry.session.title}."
    words = {"reason": entry.end_reason}
    return Notice(REMOVED, "Off the waitlist", message, constants.WAITLIST_REMOVED, words, _NO_SEAT)


def _closed(entry: Entry) -> Notice:
    message = f"{entry.session.title} has begun; its waitlist is closed."
    return Notice(CLOSED, "The waitlist is closed", message, constants.WAITLIST_REMOVED, data=_NO_SEAT)


def _no_ticket(entry: Entry) -> Notice:
    event = entry.session.event.title
    message = (
        f"Your place in the waitlist of {entry.session.title} ended: you have no ticket of {event} any more."
    )
    return Notice(NO_TICKET, "Off the waitlist", message, constants.WAITLIST_REMOVED, _NO_SEAT, _NO_SEAT)


_NOTICES = {
    What.OFFERED: _offered,
    What.EXPIRED: _expired,
    What.ACCEPTED: _accepted,
    What.REMOVED: _removed,
    What.CLOSED: _closed,
    What.NO_TICKET: _no_ticket,
}
