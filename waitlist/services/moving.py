"""Moving somebody to another place: only with a reason, and audited."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from common.db import retrying
from common.errors import Invalid, NotFound
from common.types import Actor
from waitlist import selectors
from waitlist.errors import NotWaiting
from waitlist.models import Entry, EntryStatus
from waitlist.querysets import QUEUE_ORDER, EntryQuerySet
from waitlist.services import history
from waitlist.services.filling import locked_queue
from waitlist.services.queue import STEP, Queue
from waitlist.types import Place


@retrying
def move(
    *, actor: Actor, session_id: UUID, entry_id: UUID, position: int, reason: str, now: datetime
) -> Place:
    """Give one who waits the place with this number, counted from 1; past the end is the end.

    The entry takes the rank and time of that place; its tier and time of joining stay what they were. Raises
    what ``selectors.managed_session`` raises, ``Invalid``, ``NotFound`` for an entry of another session,
    ``NotWaiting``, ``Busy``.
    """
    if position < 1:
        raise Invalid.field("position", "out_of_range", "Give 1 or more.")
    history.check_reason(reason)
    selectors.managed_session(actor, session_id)
    with transaction.atomic():
        with locked_queue(session_id, now=now) as queue:
            entry = Entry.objects.of_session(session_id).filter(pk=entry_id).first()
            if entry is None:
                raise NotFound("This entry is not in the waitlist.")
            if entry.status != EntryStatus.WAITING:
                raise NotWaiting
            before = _ahead(queue).ahead_of(entry.rank, entry.queue_at, entry.pk).count() + 1
            _place(queue, entry, position)
            changes = {"position": [before, min(position, queue.session.waiting)]}
            history.note(queue, actor, "waitlist.move", entry, reason=reason, changes=changes)
        return selectors.place_of_entry(entry_id, now=now)


def _ahead(queue: Queue) -> EntryQuerySet:
    return Entry.objects.of_session(queue.session.pk).waiting()


def _place(queue: Queue, entry: Entry, position: int) -> None:
    others = _ahead(queue).exclude(pk=entry.pk)
    behind = others.order_by(*QUEUE_ORDER)[position - 1 : position].first()
    rank = entry.rank
    if behind is not None:
        entry.rank, entry.queue_at = behind.rank, _just_before(queue, others, behind)
    else:
        last = others.order_by(*QUEUE_ORDER).last()
        entry.rank, entry.queue_at = last.rank if last else rank, queue.next_queue_at()
    entry.save(update_fields=["rank", "queue_at"])
    queue.moved(entry, from_rank=rank)


def _just_before(queue: Queue, others: EntryQuerySet, behind: Entry) -> datetime:
    """Return the moment before that entry's, making room where somebody has it. Nobody's order changes."""
    moment = behind.queue_at - STEP
    make_room(queue, others, behind.rank, moment)
    return moment


def make_room(queue: Queue, others: EntryQuerySet, rank: int, moment: datetime) -> None:
    """See that nobody else of a rank has this place in time, so that no two are the same. Nobody's order changes."""
    until = others.filter(rank=rank, queue_at__lte=moment)
    if until.filter(queue_at=moment).exists():
        until.update(queue_at=F("queue_at") - STEP)
        queue.is_reordered = True
