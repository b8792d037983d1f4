"""What becomes of places and seats when somebody's tickets go: without a registration they end, with a lesser ticket
they count as that one does."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from accounts.services.access import actor_of
from common.db import retrying
from common.outbox import NewJob, enqueue_many
from common.types import SYSTEM
from events.models import Attendance, AttendanceStatus, Session
from events.services.registrations import lock_registration
from events.services.sessions import give_back, seat_of
from tickets.models import Priority
from waitlist.models import Entry, EntryStatus
from waitlist.services import history, names
from waitlist.services.ending import end
from waitlist.services.filling import locked_queue
from waitlist.services.joining import priority_of, usable_tickets
from waitlist.services.moving import make_room
from waitlist.services.queue import Queue

NO_TICKET = "No ticket of the event is left."
LESSER_TICKET = "The better ticket is gone."


def follow_everywhere(*, user_id: UUID, event_id: UUID, now: datetime) -> int:
    """Have the person's tickets followed in each session of the event where they wait or sit; return in how many.

    A job for each: no two sessions are locked by one transaction.
    """
    live = Entry.objects.live().filter(user_id=user_id, session_id=OuterRef("pk"))
    seats = Attendance.objects.filter(
        user_id=user_id, session_id=OuterRef("pk"), status=AttendanceStatus.ATTENDING
    )
    found = Session.objects.of_event(event_id).filter(Q(Exists(live)) | Q(Exists(seats), ends_at__gt=now))
    jobs = [
        NewJob(
            names.FOLLOW,
            {"session_id": str(session_id), "user_id": str(user_id)},
            organization_id=organization_id,
        )
        for session_id, organization_id in found.order_by("id").values_list("id", "event__organization_id")
    ]
    return enqueue_many(jobs, now=now) if jobs else 0


@retrying
def follow_tickets(*, session_id: UUID, user_id: UUID, now: datetime) -> None:
    """Bring one person's place and seat in a session in line with the tickets that they have now.

    Not registered any more: their entry is removed, seats that they could not have without a registration are
    given back, and what came free is offered on. Registered: who waits ranks no better than their best ticket that
    opens doors; their time in the queue, an open offer and a seat stay theirs, and with stopped tickets alone all of
    it. A second time it changes nothing. Raises ``NotFound``, ``Busy``.
    """
    with locked_queue(session_id, now=now) as queue:
        entry = Entry.objects.of_session(session_id).live().filter(user_id=user_id).first()
        source = lock_registration(user_id=user_id, event_id=queue.session.event_id)
        if source:
            if entry is not None and entry.status == EntryStatus.WAITING:
                _follow_waiting(queue, entry, source)
        else:
            if entry is not None:
                _remove(queue, entry)
            _give_seat_back(queue, user_id)


def _remove(queue: Queue, entry: Entry) -> None:
    changes = {"status": [str(entry.status), EntryStatus.REMOVED.value]}
    end(queue, [entry], EntryStatus.REMOVED, reason=NO_TICKET)
    queue.tell(names.What.NO_TICKET, [entry.pk])
    history.note(queue, SYSTEM, "waitlist.remove", entry, reason=NO_TICKET, changes=changes)


def _give_seat_back(queue: Queue, user_id: UUID) -> None:
    """Free what came from the queue, or was taken in an event that the person does not see any more. Into a session of
    a public event everybody may walk: such a seat stays."""
    seat = seat_of(queue.session, user_id)
    if seat is None or queue.now >= queue.session.ends_at:
        return
    was_offered = Entry.objects.filter(attendance=seat).exists()
    if not was_offered and _sees(queue.session, user_id):
        return
    give_back(queue.session, seat, now=queue.now)
    queue.is_changed = True
    queue.tell_seat(seat.pk)
    changes = {"status": [AttendanceStatus.ATTENDING.value, AttendanceStatus.LEFT.value]}
    history.note(queue, SYSTEM, "waitlist.give_seat_back", seat, reason=NO_TICKET, changes=changes)


def _sees(session: Session, user_id: UUID) -> bool:
    actor = actor_of(User.objects.get(pk=user_id))
    return Session.objects.visible_to(actor).filter(pk=session.pk).exists()


def _follow_waiting(queue: Queue, entry: Entry, source: str) -> None:
    tickets = usable_tickets(queue, entry.user_id, source)
    # Whose tickets are all stopped keeps the place: they may go on again.
    if tickets is not None:
        _lower(queue, entry, priority_of(tickets, queue.session))


def _lower(queue: Queue, entry: Entry, after: Priority) -> None:
    before = Priority(entry.priority_tier)
    if after.rank <= before.rank:
        return
    entry.priority_tier, rank = after, entry.rank
    # Whom staff gave another rank than the ticket's keeps that place.
    if rank == before.rank:
        others = Entry.objects.of_session(queue.session.pk).waiting().exclude(pk=entry.pk)
        make_room(queue, others, after.rank, entry.queue_at)
        entry.rank = after.rank
        queue.moved(entry, from_rank=rank)
    entry.save(update_fields=["priority_tier", "rank"])
    queue.is_changed = True
    changes = {"priority_tier": [before.value, after.value]}
    history.note(queue, SYSTEM, "waitlist.lower", entry, reason=LESSER_TICKET, changes=changes)
