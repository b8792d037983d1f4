"""What staff do to a queue: each act under the session's lock, audited with its reason, and told to who it concerns."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.types import Capability
from common.db import retrying
from common.errors import Invalid, NotFound
from common.types import Actor
from events.errors import SessionFull
from events.services import sessions
from waitlist import selectors
from waitlist.errors import NotWaiting, WaitlistClosed
from waitlist.models import Entry, EntryStatus
from waitlist.services import history, names
from waitlist.services.ending import end
from waitlist.services.filling import locked_queue, offer_next, offer_to
from waitlist.services.queue import Queue
from waitlist.types import RowResult, Standing

MOST_OFFERS = 50
MOST_ROWS = 200


@retrying
def offer(*, actor: Actor, session_id: UUID, user_id: UUID, reason: str = "", now: datetime) -> Entry:
    """Offer a free seat to one who waits, past the queue and also while offers are paused; return the entry.

    Raises what ``selectors.managed_session`` raises, ``NotFound`` when they are not in the queue,
    ``NotWaiting`` when they have an offer, ``WaitlistClosed`` once the session began, ``SessionFull``, ``Busy``.
    """
    selectors.managed_session(actor, session_id)
    with locked_queue(session_id, now=now) as queue:
        entry = _waiting(Entry.objects.of_session(session_id).live().filter(user_id=user_id).first())
        _require_room(queue, entry.quantity)
        offer_to(queue, [entry.pk])
        changes = {"status": [EntryStatus.WAITING.value, EntryStatus.OFFERED.value]}
        history.note(queue, actor, "waitlist.offer", entry, reason=reason, changes=changes)
    entry.refresh_from_db()
    return entry


@retrying
def bulk_offer(
    *, actor: Actor, session_id: UUID, count: int, reason: str = "", now: datetime
) -> list[RowResult]:
    """Offer to the next ``count`` (1..50) in the queue, as far as seats are free; one result for each offer.

    Works while offers are paused. Raises what ``selectors.managed_session`` raises, ``Invalid``,
    ``WaitlistClosed`` once the session began, ``SessionFull`` without a free seat, ``Busy``.
    """
    if not 1 <= count <= MOST_OFFERS:
        raise Invalid.field("count", "out_of_range", f"Give 1 to {MOST_OFFERS}.")
    selectors.managed_session(actor, session_id)
    with locked_queue(session_id, now=now) as queue:
        _require_room(queue, 1)
        made = [offered.entry_id for offered in offer_next(queue, most=count)]
        entries = Entry.objects.filter(pk__in=made).select_related("user").order_by("rank", "queue_at", "id")
        offered = list(entries)
        changes = {"status": [EntryStatus.WAITING.value, EntryStatus.OFFERED.value]}
        history.note_many(queue, actor, "waitlist.offer", offered, reason=reason, changes=changes)
    return [RowResult(entry.pk, True, "", f"Offered to {entry.user.email}.") for entry in offered]


@retrying
def remove(*, actor: Actor, session_id: UUID, entry_id: UUID, reason: str = "", now: datetime) -> None:
    """Take one out of the queue, or take the open offer back; the seats go to whoever is next.

    Raises what ``selectors.managed_session`` raises, ``NotFound`` for an entry of another session,
    ``NotWaiting`` when it has ended, ``Busy``.
    """
    selectors.managed_session(actor, session_id)
    with locked_queue(session_id, now=now) as queue:
        entry = Entry.objects.of_session(session_id).filter(pk=entry_id).first()
        if entry is None:
            raise NotFound("This entry is not in the waitlist.")
        if not entry.is_live:
            raise NotWaiting
        _remove(queue, actor, [entry], reason)


@retrying
def bulk_remove(
    *, actor: Actor, session_id: UUID, entry_ids: Sequence[UUID], reason: str, now: datetime
) -> list[RowResult]:
    """Remove up to 200 entries with a reason; those that are not there or have ended are named, the rest go.

    Raises what ``selectors.managed_session`` raises, ``Invalid``, ``Busy``.
    """
    _check_rows(entry_ids, reason)
    selectors.managed_session(actor, session_id)
    with locked_queue(session_id, now=now) as queue:
        found = Entry.objects.of_session(session_id).filter(pk__in=entry_ids).in_bulk()
        results = [_verdict(entry_id, found.get(entry_id)) for entry_id in dict.fromkeys(entry_ids)]
        _remove(queue, actor, [found[result.id] for result in results if result.ok], reason)
    return results


@retrying
def change_capacity(
    *, actor: Actor, session_id: UUID, maximum_capacity: int | None, reason: str = "", now: datetime
) -> Standing:
    """Set how many seats there are (None: unlimited) and offer what became free.

    Lowering takes nobody's seat or open offer away. Raises what ``events`` raises for it, ``Busy``.
    """
    session = selectors.managed_session(actor, session_id, Capability.MANAGE_EVENTS)
    with transaction.atomic():
        sessions.change_capacity(
            actor=actor, session_id=session.pk, maximum_capacity=maximum_capacity, reason=reason, now=now
        )
        with locked_queue(session_id, now=now) as queue:
            queue.is_changed = True
    return selectors.standing(actor, session_id, now=now)


def _waiting(entry: Entry | None) -> Entry:
    if entry is None:
        raise NotFound("This person is not in the waitlist.")
    if entry.status != EntryStatus.WAITING:
        raise NotWaiting("This person has an offer already.")
    return entry


def _require_room(queue: Queue, seats: int) -> None:
    if queue.has_begun:
        raise WaitlistClosed
    free = queue.session.free_seats
    if free is not None and free < seats:
        raise SessionFull("There are not enough free seats." if free else "No seat is free.")


def _check_rows(entry_ids: Sequence[UUID], reason: str) -> None:
    if not 1 <= len(entry_ids) <= MOST_ROWS:
        raise Invalid.field("entry_ids", "out_of_range", f"Give 1 to {MOST_ROWS} entries.")
    history.check_reason(reason)


def _verdict(entry_id: UUID, entry: Entry | None) -> RowResult:
    if entry is None:
        return RowResult(entry_id, False, NotFound.code, "This entry is not in the waitlist.")
    if not entry.is_live:
        return RowResult(entry_id, False, NotWaiting.code, NotWaiting.title + ".")
    return RowResult(entry_id, True, "", "Removed.")


def _remove(queue: Queue, actor: Actor, entries: Sequence[Entry], reason: str) -> None:
    before = {entry.pk: entry.status for entry in entries}
    end(queue, entries, EntryStatus.REMOVED, reason=reason[:200])
    queue.tell(names.What.REMOVED, [entry.pk for entry in entries])
    for status in (EntryStatus.WAITING, EntryStatus.OFFERED):
        of_status = [entry for entry in entries if before[entry.pk] == status]
        changes = {"status": [status.value, EntryStatus.REMOVED.value]}
        history.note_many(queue, actor, "waitlist.remove", of_status, reason=reason, changes=changes)
