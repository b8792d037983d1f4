"""How entries end: their seats come free, their place is given up. Always under the session's lock."""

from collections.abc import Sequence

from waitlist.models import Entry, EntryStatus
from waitlist.services.queue import Queue


def end(queue: Queue, entries: Sequence[Entry], status: EntryStatus, *, reason: str = "") -> None:
    """End live entries, read under the lock, without seats: left, declined, expired or removed. One statement."""
    if not entries:
        return
    Entry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
        status=status, ended_at=queue.now, end_reason=reason
    )
    for entry in entries:
        if entry.status == EntryStatus.WAITING:
            queue.drop(entry.rank, entry.user_id)
        else:
            queue.session.held -= entry.quantity
            queue.is_changed = True
        entry.status, entry.ended_at, entry.end_reason = status, queue.now, reason
