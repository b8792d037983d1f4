"""Closing what is over: offers past their time, and the queue of a session that began."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from common.db import retrying
from events.models import Session
from waitlist.models import Entry, EntryStatus
from waitlist.services import names
from waitlist.services.ending import end
from waitlist.services.filling import locked_queue
from waitlist.services.queue import Queue

SESSION_BEGAN = "The session began."


@retrying
def expire_due(*, session_id: UUID, now: datetime) -> int:
    """End the session's offers whose time is over and offer their seats on; return how many were ended.

    Once the session began, all its offers are over, and nobody waits any more: those who did are removed, so
    that free seats can be walked into. Raises ``NotFound``, ``Busy``.
    """
    with locked_queue(session_id, now=now) as queue:
        offered = Entry.objects.of_session(session_id).offered()
        over = list(offered if queue.has_begun else offered.overdue(now))
        end(queue, over, EntryStatus.EXPIRED)
        queue.tell(names.What.EXPIRED, [entry.pk for entry in over])
        closed = _close(queue) if queue.has_begun else 0
    return len(over) + closed


def due_sessions(*, now: datetime) -> QuerySet[Session, UUID]:
    """Return the ids of sessions with an offer whose time is over, or that began with people in their queue."""
    overdue = Q(pk__in=Entry.objects.overdue(now).values("session_id"))
    begun = Q(starts_at__lte=now) & (Q(waiting__gt=0) | Q(held__gt=0))
    return Session.objects.filter(overdue | begun).order_by("id").values_list("id", flat=True)


def _close(queue: Queue) -> int:
    if queue.session.waiting == 0:
        return 0
    waiting = Entry.objects.of_session(queue.session.pk).waiting()
    closed = list(waiting.values_list("pk", flat=True))
    waiting.update(status=EntryStatus.REMOVED, ended_at=queue.now, end_reason=SESSION_BEGAN)
    queue.emptied()
    queue.tell(names.What.CLOSED, closed)
    return len(closed)
