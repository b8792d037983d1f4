"""Seats of a session: taking, leaving, how many there are. All of it under the session's row lock (REQ
EV-05).

Who may take a seat: whoever sees the event, that is everybody signed in for a public event, registered
people and
members for a private one. (The contract is silent; the waitlist asks for a registration besides.)
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.services import access
from accounts.types import Capability
from common.audit import record
from common.db import retrying
from common.errors import Invalid, NotFound, Unauthenticated
from common.facts import SeatFreed
from common.outbox import publish
from common.types import Actor
from events.errors import AlreadyAttending, SessionFull, SessionOver
from events.models import Attendance, AttendanceStatus, Session
from events.registry import check_walk_in
from events.selectors import visible_session
from events.services.registrations import lock_registration

MAXIMUM_CAPACITY = 1_000_000


def lock_session(session_id: UUID) -> Session:
    """Return the session with its event, its row locked for the caller's transaction. Raises ``NotFound``."""
    locked = Session.objects.select_for_update(of=("self",)).select_related("event")
    session = locked.filter(pk=session_id).first()
    if session is None:
        raise NotFound
    return session


@retrying
@transaction.atomic
def attend(*, actor: Actor, session_id: UUID, now: datetime) -> Attendance:
    """Give the actor one seat.

    Raises ``Unauthenticated``, ``NotFound`` when they do not see the event, ``SessionOver``,
    ``AlreadyAttending``,
    ``SessionFull`` when no seat is free or people wait for one, and what ``registry.check_walk_in`` raises for who
    has another way to a seat.
    """
    user_id = _signed_in(actor)
    visible_session(actor, session_id)
    session = lock_session(session_id)
    _require_seen_still(actor, session, user_id)
    _require_not_over(session, now)
    if seat_of(session, user_id) is not None:
        raise AlreadyAttending
    check_walk_in(session.pk, user_id, now)
    if session.is_full:
        raise SessionFull
    Session.objects.filter(pk=session.pk).update(current_attendance=F("current_attendance") + 1)
    return Attendance.objects.create(session=session, user_id=user_id, seats=1, joined_at=now)


@retrying
@transaction.atomic
def leave(*, actor: Actor, session_id: UUID, now: datetime) -> None:
    """Give the actor's seats back and tell the waitlist.

    Raises ``Unauthenticated``, ``NotFound`` when they have no seat, ``SessionOver`` once the session has
    ended.
    """
    user_id = _signed_in(actor)
    session = lock_session(session_id)
    attendance = seat_of(session, user_id)
    if attendance is None:
        raise NotFound("You have no seat in this session.")
    _require_not_over(session, now)
    give_back(session, attendance, now=now)
    session.seats_kept = seats_kept(session)
    session.save(update_fields=["current_attendance", "seats_kept"])
    publish(SeatFreed(session.pk), now=now, organization_id=session.event.organization_id)


@retrying
@transaction.atomic
def change_capacity(
    *, actor: Actor, session_id: UUID, maximum_capacity: int | None, reason: str = "", now: datetime
) -> Session:
    """Set how many seats there are (None: unlimited); lowering takes nobody's seat away, raising wakes the
    waitlist.

    Raises what ``access.require`` raises, ``Invalid`` for a number outside 1..1,000,000.
    """
    session = lock_session(session_id)
    access.require(actor, session.event.organization_id, Capability.MANAGE_EVENTS)
    before = session.maximum_capacity
    check_capacity(maximum_capacity)
    if before == maximum_capacity:
        return session
    session.maximum_capacity = maximum_capacity
    session.seats_kept = seats_kept(session)
    session.save(update_fields=["maximum_capacity", "seats_kept"])
    record(
        actor=actor,
        action="events.change_capacity",
        subject=session,
        organization_id=session.event.organization_id,
        reason=reason,
        changes={"maximum_capacity": [before, maximum_capacity]},
        now=now,
    )
    if maximum_capacity is None or (before is not None and maximum_capacity > before):
        publish(SeatFreed(session.pk), now=now, organization_id=session.event.organization_id)
    return session


def check_capacity(maximum_capacity: int | None) -> None:
    """Raise ``Invalid`` for a capacity outside 1..1,000,000; None is unlimited."""
    if maximum_capacity is not None and not 1 <= maximum_capacity <= MAXIMUM_CAPACITY:
        raise Invalid.field(
            "maximum_capacity", "out_of_range", f"Give 1 to {MAXIMUM_CAPACITY} seats, or none for unlimited."
        )


def seat_held(session: Session, *, user_id: UUID, seats: int, now: datetime) -> Attendance:
    """Turn seats that an open offer held into attendance, on a locked session that the caller saves.

    Raises ``AlreadyAttending``, and ``SessionFull`` when so many are not held.
    """
    if seat_of(session, user_id) is not None:
        raise AlreadyAttending
    if session.held < seats:
        raise SessionFull
    session.held -= seats
    session.current_attendance += seats
    return Attendance.objects.create(session=session, user_id=user_id, seats=seats, joined_at=now)


def give_back(session: Session, attendance: Attendance, *, now: datetime) -> None:
    """End an attendance of a locked session, whose counters the caller saves."""
    attendance.status, attendance.left_at = AttendanceStatus.LEFT, now
    attendance.save(update_fields=["status", "left_at"])
    session.current_attendance -= attendance.seats


def has_seat(session_id: UUID, user_id: UUID) -> bool:
    """Say whether the person attends the session."""
    attending = Attendance.objects.filter(session_id=session_id, status=AttendanceStatus.ATTENDING)
    return attending.filter(user_id=user_id).exists()


def seat_of(session: Session, user_id: UUID) -> Attendance | None:
    """Return the person's seats in the session, None when they have none."""
    attending = Attendance.objects.filter(session=session, user_id=user_id, status=AttendanceStatus.ATTENDING)
    return attending.first()


def seats_kept(session: Session) -> int:
    """Return the seats that stay taken above a capacity that was lowered below them; 0 when none are."""
    taken = session.current_attendance + session.held
    capacity = session.maximum_capacity
    return taken if capacity is not None and taken > capacity else 0


def _signed_in(actor: Actor) -> UUID:
    if actor.user_id is None:
        raise Unauthenticated
    return actor.user_id


def _require_seen_still(actor: Actor, session: Session, user_id: UUID) -> None:
    """Raise ``NotFound`` when a private event is not the actor's any more; a registration stays for this transaction.

    Whoever ends it waits for the seat to be there, and gives it back.
    """
    if not session.event.is_public and not lock_registration(user_id=user_id, event_id=session.event_id):
        visible_session(actor, session.pk)


def _require_not_over(session: Session, now: datetime) -> None:
    if now >= session.ends_at:
        raise SessionOver
