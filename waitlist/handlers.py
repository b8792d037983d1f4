"""Jobs of the waitlist room: each a few lines, then a service."""

from uuid import UUID

from common.errors import NotFound
from common.facts import RegistrationEnded, SeatFreed, TicketsReduced
from common.outbox import JobContext, Lane, Postpone, job, on_fact
from waitlist import mirror
from waitlist.services import expiring, filling, following, names, telling

_RETRY_AFTER = (1, 5, 30, 300)


@on_fact(SeatFreed, names.FILL, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def fill(context: JobContext) -> None:
    """Offer the seat on; a session that was deleted meanwhile has no queue."""
    try:
        filling.fill_free_seats(session_id=UUID(context.payload["session_id"]), now=context.now)
    except NotFound:
        return


@on_fact(RegistrationEnded, names.REGISTRATION_ENDED, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
@on_fact(TicketsReduced, names.TICKETS_REDUCED, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def follow_everywhere(context: JobContext) -> None:
    """Have the person's tickets followed wherever they wait or sit; both facts ask for what is true now."""
    user_id, event_id = UUID(context.payload["user_id"]), UUID(context.payload["event_id"])
    following.follow_everywhere(user_id=user_id, event_id=event_id, now=context.now)


@job(names.FOLLOW, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def follow_tickets(context: JobContext) -> None:
    """Bring one person's place and seat in line with their tickets."""
    session_id, user_id = UUID(context.payload["session_id"]), UUID(context.payload["user_id"])
    try:
        following.follow_tickets(session_id=session_id, user_id=user_id, now=context.now)
    except NotFound:
        return


@job(names.TELL_SEAT, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def tell_seat(context: JobContext) -> None:
    """Tell somebody that their seat was given back."""
    telling.tell_seat(UUID(context.payload["attendance_id"]), now=context.now)


@job(names.EXPIRE, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def expire(context: JobContext) -> None:
    """End what is over and offer it on."""
    try:
        expiring.expire_due(session_id=UUID(context.payload["session_id"]), now=context.now)
    except NotFound:
        return


@job(mirror.REBUILD, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def rebuild_mirror(context: JobContext) -> None:
    """Write a queue's mirror anew; while Redis is away there is nothing to write to, and healing comes after."""
    try:
        mirror.rebuild(UUID(context.payload["session_id"]))
    except (NotFound, mirror.MirrorAway):
        return


@job(names.TELL_PEOPLE, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def tell_people(context: JobContext) -> None:
    """Tell one batch of people about their entries."""
    entry_ids = [UUID(entry_id) for entry_id in context.payload["entry_ids"]]
    telling.tell_people(names.What(context.payload["what"]), entry_ids, now=context.now)


@job(names.TELL_QUEUE, lane=Lane.REALTIME, retry_after=(1, 5, 30))
def tell_queue(context: JobContext) -> None:
    """Tell how the queue stands, once a second at most."""
    session_id = UUID(context.payload["session_id"])
    if telling.was_told_just_now(session_id):
        raise Postpone(1, "The queue was told of within the last second")
    telling.tell_queue(session_id, now=context.now)
