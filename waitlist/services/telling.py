"""Telling people, after it is true: each channel's rows are written in one transaction, many by one statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from accounts.models import User
from common.redis import client, guarded
from events.models import Attendance, Session
from notifications import addresses
from notifications.errors import InvalidRecipient
from notifications.push import push
from notifications.realtime import constants, presence
from notifications.realtime.streams import Announcement, announce, announce_many
from notifications.services.email import queue_emails
from waitlist import selectors
from waitlist.models import Entry, EntryStatus
from waitlist.querysets import QUEUE_ORDER
from waitlist.services import messages
from waitlist.services.names import What

# Who looks at the queue hears of it once a second at most.
TOLD_EVERY_MS = 1000

_STATUS = {
    What.OFFERED: EntryStatus.OFFERED,
    What.EXPIRED: EntryStatus.EXPIRED,
    What.ACCEPTED: EntryStatus.ACCEPTED,
    What.REMOVED: EntryStatus.REMOVED,
    What.CLOSED: EntryStatus.REMOVED,
    What.NO_TICKET: EntryStatus.REMOVED,
}

log = structlog.get_logger(__name__)


@transaction.atomic
def tell_people(what: What, entry_ids: Sequence[UUID], *, now: datetime) -> int:
    """Tell the people of these entries on every channel and return how many; what is no longer so is not told."""
    entries = Entry.objects.filter(pk__in=entry_ids, status=_STATUS[what])
    if what is What.OFFERED:
        entries = entries.filter(offer_expires_at__gt=now)
    told = list(entries.select_related("user", "session__event").order_by(*QUEUE_ORDER))
    notices = [(messages.notice_of(what, entry), entry) for entry in told]
    announce_many(
        [
            Announcement(constants.user_room(entry.user_id), notice.event, messages.payload_of(notice, entry))
            for notice, entry in notices
            if notice.event is not None
        ],
        now=now,
    )
    _write(notices, now=now)
    return len(told)


@transaction.atomic
def tell_seat(attendance_id: UUID, *, now: datetime) -> None:
    """Tell somebody on every channel that their seat was given back because no ticket of theirs is left."""
    seat = Attendance.objects.select_related("user", "session__event").get(pk=attendance_id)
    announce(
        constants.user_room(seat.user_id), constants.WAITLIST_REMOVED, messages.seat_payload(seat), now=now
    )
    if _has_address(seat.user):
        queue_emails([messages.seat_email(seat)], now=now)
    push([messages.seat_push(seat)], now=now)


@transaction.atomic
def tell_queue(session_id: UUID, *, now: datetime) -> None:
    """Tell who watches the session's queue how it stands, connected people their positions, and those who came
    among the first that they did."""
    session = Session.objects.select_related("event").get(pk=session_id)
    offered = Entry.objects.of_session(session_id).offered().count()
    counts = {"waiting": session.waiting, "offered": offered, "free": session.free_seats}
    room = constants.waitlist_room(session_id)
    announce(room, constants.WAITLIST_CHANGED, {"session_id": str(session_id), **counts}, now=now)
    if session.waiting:
        _tell_positions(session, now=now)
        _tell_near_front(session_id, now=now)


def was_told_just_now(session_id: UUID) -> bool:
    """Say whether the queue was told of less than a second ago; if not, it counts as told now.

    Without Redis nobody is connected to hear of it, so that it is never too often.
    """
    key = f"waitlist:told:{session_id}"
    return guarded(lambda: not client().set(key, 1, nx=True, px=TOLD_EVERY_MS), lambda: False)


def _tell_positions(session: Session, *, now: datetime) -> None:
    online = presence.online_users()
    if not online:
        return
    turnover = selectors.turnover_of(session.pk, now=now)
    announce_many(
        [
            Announcement(
                constants.user_room(user_id),
                constants.WAITLIST_POSITION_UPDATE,
                {
                    "position": position,
                    "total": session.waiting,
                    "estimated_wait_minutes": selectors.estimate(position, turnover),
                    "session_id": str(session.pk),
                },
            )
            for user_id, position in selectors.positions_of_people(session.pk, online).items()
        ],
        now=now,
    )


def _tell_near_front(session_id: UUID, *, now: datetime) -> None:
    """Tell once, on coming there, however often the order changes afterwards."""
    places = settings.WAITLIST_NEAR_FRONT_PLACES
    waiting = Entry.objects.of_session(session_id).waiting().select_related("user", "session__event")
    head = list(waiting.order_by(*QUEUE_ORDER)[:places])
    arrived = [entry.pk for entry in head if entry.near_front_told_at is None]
    if not arrived:
        return
    untold = Entry.objects.filter(pk__in=arrived, near_front_told_at__isnull=True)
    untold.update(near_front_told_at=now)
    _write(
        [
            (messages.near_front(entry, position), entry)
            for position, entry in enumerate(head, start=1)
            if entry.pk in arrived
        ],
        now=now,
    )


def _write(notices: Sequence[tuple[messages.Notice, Entry]], *, now: datetime) -> None:
    queue_emails(
        [messages.email_of(notice, entry) for notice, entry in notices if _has_address(entry.user)], now=now
    )
    push([messages.push_of(notice, entry) for notice, entry in notices], now=now)


def _has_address(user: User) -> bool:
    """Say whether mail can be sent to this person: one address that cannot must not stop the others' mail."""
    try:
        addresses.checked(user.email)
    except InvalidRecipient:
        log.warning("waitlist_no_address", user_id=str(user.pk))
        return False
    return True
