"""Answering a seat offer with its join token."""

from datetime import datetime
from uuid import UUID

from common.db import retrying
from common.errors import Unauthenticated
from common.operations import observed
from common.types import Actor
from events.models import Attendance
from events.services.sessions import seat_held
from waitlist.errors import AlreadyOffered, TokenExpired, TokenInvalid
from waitlist.models import Entry, EntryStatus
from waitlist.services import names, tokens
from waitlist.services.ending import end
from waitlist.services.filling import locked_queue
from waitlist.services.joining import require_registration
from waitlist.services.queue import Queue


@observed("waitlist_accept")
@retrying
def accept(*, actor: Actor, session_id: UUID, join_token: str, now: datetime) -> Attendance:
    """Take the offered seats and return the attendance, which the roster shows.

    The time is over exactly at ``offer_expires_at``, whether or not a job closed the offer. Raises
    ``Unauthenticated``, ``TokenInvalid`` (not ours, another person's, session's or offer's, or used),
    ``TokenExpired``, ``TicketRequired`` for who is not registered any more, or by stopped tickets alone,
    ``AlreadyAttending``, ``SessionFull``, ``NotFound``, ``Busy``.
    """
    entry_id, number, user_id = _parts(actor, join_token)
    with locked_queue(session_id, now=now) as queue:
        entry = _offer_of(queue, entry_id, number, user_id)
        require_registration(queue, user_id)
        attendance = seat_held(queue.session, user_id=user_id, seats=entry.quantity, now=now)
        entry.status, entry.ended_at, entry.attendance = EntryStatus.ACCEPTED, now, attendance
        entry.save(update_fields=["status", "ended_at", "attendance"])
        queue.is_changed = True
        queue.tell(names.What.ACCEPTED, [entry.pk])
    return attendance


@retrying
def decline(*, actor: Actor, session_id: UUID, join_token: str, now: datetime) -> None:
    """Give the offered seats to whoever is next; the place is given up. Raises as ``accept`` does."""
    entry_id, number, user_id = _parts(actor, join_token)
    with locked_queue(session_id, now=now) as queue:
        end(queue, [_offer_of(queue, entry_id, number, user_id)], EntryStatus.DECLINED)


def refuse_holder(session_id: UUID, user_id: UUID, now: datetime) -> None:
    """Raise ``AlreadyOffered`` when the person has an offer that they can accept. Call with the session locked: offers
    come and go under that lock."""
    offers = Entry.objects.of_session(session_id).offered().filter(user_id=user_id)
    if offers.filter(offer_expires_at__gt=now, session__starts_at__gt=now).exists():
        raise AlreadyOffered


def _parts(actor: Actor, join_token: str) -> tuple[UUID, int, UUID]:
    if actor.user_id is None:
        raise Unauthenticated
    entry_id, number = tokens.read(join_token)
    return entry_id, number, actor.user_id


def _offer_of(queue: Queue, entry_id: UUID, number: int, user_id: UUID) -> Entry:
    """Return the entry whose open offer the token names; what is not this person's is not told apart."""
    entry = Entry.objects.of_session(queue.session.pk).filter(pk=entry_id, user_id=user_id).first()
    if entry is None or entry.offer_number != number:
        raise TokenInvalid
    if entry.status == EntryStatus.EXPIRED:
        raise TokenExpired
    if entry.status != EntryStatus.OFFERED or entry.offer_expires_at is None:
        raise TokenInvalid("This offer was answered already.")
    if queue.now >= entry.offer_expires_at or queue.has_begun:
        raise TokenExpired
    return entry
