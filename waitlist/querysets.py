"""Named filters over the entries of a queue."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

if TYPE_CHECKING:
    from waitlist.models import Entry  # noqa: F401

# The order of the queue: the tier's rank, the time of joining, and the id where those are the same.
QUEUE_ORDER = ("rank", "queue_at", "id")


class EntryQuerySet(QuerySet["Entry"]):
    """Entries, narrowed by name."""

    def of_session(self, session_id: UUID) -> EntryQuerySet:
        """Keep the entries of one session."""
        return self.filter(session_id=session_id)

    def waiting(self) -> EntryQuerySet:
        """Keep those who wait."""
        return self.filter(status="WAITING")

    def offered(self) -> EntryQuerySet:
        """Keep those who have an offer, also one whose time is over but which nobody closed yet."""
        return self.filter(status="OFFERED")

    def live(self) -> EntryQuerySet:
        """Keep those who wait or have an offer."""
        return self.filter(status__in=("WAITING", "OFFERED"))

    def overdue(self, now: datetime) -> EntryQuerySet:
        """Keep the offers whose time is over."""
        return self.offered().filter(offer_expires_at__lte=now)

    def ahead_of(self, rank: int, queue_at: datetime, entry_id: UUID) -> EntryQuerySet:
        """Keep those whose place is before the given one."""
        same_rank = Q(queue_at__lt=queue_at) | Q(queue_at=queue_at, id__lt=entry_id)
        return self.filter(Q(rank__lt=rank) | Q(Q(rank=rank) & same_rank))
