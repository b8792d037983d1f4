"""Joining a queue."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from common import idempotency
from common.db import retrying, violated
from common.errors import Invalid, Unauthenticated
from common.operations import observed
from common.types import Actor
from events.errors import AlreadyAttending
from events.models import RegistrationSource, Session
from events.selectors import visible_session
from events.services.registrations import lock_registration
from events.services.sessions import has_seat
from tickets.models import Priority, Ticket
from tickets.selectors import tickets_of
from waitlist import selectors
from waitlist.errors import AlreadyWaiting, SessionNotFull, TicketRequired, WaitlistClosed
from waitlist.models import LARGEST_GROUP, Entry, TierPriority
from waitlist.services.filling import locked_queue
from waitlist.services.queue import Queue
from waitlist.types import Place

# A call without an idempotency key.
NO_KEY = idempotency.Ticket(None, None, None)


@observed("waitlist_join")
@retrying
def join(
    *,
    actor: Actor,
    session_id: UUID,
    quantity: int = 1,
    key: idempotency.Ticket = NO_KEY,
    now: datetime,
) -> Place:
    """Take a place at the end of the actor's tier, for a group of ``quantity``, and return it.

    Raises ``Unauthenticated``, ``Invalid`` for a group outside 1..4 or larger than the whole session, ``NotFound`` when
    they do not see the event, ``TicketRequired``,
    ``WaitlistClosed``, ``AlreadyWaiting``, ``AlreadyAttending``, ``SessionNotFull``, ``Busy``.
    """
    if actor.user_id is None:
        raise Unauthenticated
    check_quantity(quantity)
    visible_session(actor, session_id)
    with transaction.atomic():
        with locked_queue(session_id, now=now) as queue:
            tickets = require_registration(queue, actor.user_id)
            _require_open(queue)
            _require_need(queue, quantity)
            entry = _enter(queue, actor.user_id, quantity, priority_of(tickets, queue.session))
            idempotency.attach(key, entry.pk)
        return selectors.place_of_entry(entry.pk, now=now)


def require_registration(queue: Queue, user_id: UUID) -> list[Ticket]:
    """Return the person's tickets that open doors; none where the organizer registered them.

    They are registered for the event, and stay so for this transaction. Raises ``TicketRequired`` for who is not, and
    for who is by tickets alone while all of them are stopped.
    """
    source = lock_registration(user_id=user_id, event_id=queue.session.event_id)
    tickets = usable_tickets(queue, user_id, source) if source else None
    if tickets is None:
        raise TicketRequired
    return tickets


def usable_tickets(queue: Queue, user_id: UUID, source: str) -> list[Ticket] | None:
    """Return the tickets that open doors of a person who is registered from this source; None where they are so by
    tickets alone, and all of them are stopped. One statement, after ``lock_registration``."""
    tickets = list(tickets_of(user_id, queue.session.event_id))
    return None if source == RegistrationSource.TICKET and not tickets else tickets


def check_quantity(quantity: int) -> None:
    """Raise ``Invalid`` for a group outside 1..4."""
    if not 1 <= quantity <= LARGEST_GROUP:
        raise Invalid.field("quantity", "out_of_range", f"Give 1 to {LARGEST_GROUP} seats.")


def priority_of(tickets: Sequence[Ticket], session: Session) -> Priority:
    """Return what the best of the tickets counts for in this session; without a ticket: Standard."""
    mapped = dict(TierPriority.objects.filter(session=session).values_list("tier_id", "priority"))
    held = [Priority(mapped.get(ticket.tier_id, ticket.tier.priority)) for ticket in tickets]
    return min(held, key=lambda priority: priority.rank, default=Priority.STANDARD)


def _require_open(queue: Queue) -> None:
    if queue.has_begun or queue.is_closed:
        raise WaitlistClosed


def _require_need(queue: Queue, quantity: int) -> None:
    capacity, free = queue.session.maximum_capacity, queue.session.free_seats
    # It could never be offered, and would have everybody behind it wait for nothing.
    if capacity is not None and quantity > capacity:
        raise Invalid.field("quantity", "out_of_range", f"Seats in the whole session: {capacity}.")
    # While people wait, nobody walks in: joining is the way, also past a seat that is just being offered.
    if queue.session.waiting == 0 and (free is None or free >= quantity):
        raise SessionNotFull


def _enter(queue: Queue, user_id: UUID, quantity: int, priority: Priority) -> Entry:
    if has_seat(queue.session.pk, user_id):
        raise AlreadyAttending
    entry = Entry(
        session=queue.session,
        user_id=user_id,
        quantity=quantity,
        priority_tier=priority,
        rank=priority.rank,
        queue_at=queue.next_queue_at(),
        joined_at=queue.now,
    )
    # Whoever joins among the first is told so by the answer.
    if queue.session.waiting < settings.WAITLIST_NEAR_FRONT_PLACES:
        entry.near_front_told_at = queue.now
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError as error:
        if violated(error, "waitlist_once_per_person"):
            raise AlreadyWaiting from error
        raise
    queue.entered(entry)
    return entry
