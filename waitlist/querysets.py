"""Named filters over the entries of a queue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Case, F, IntegerField, QuerySet, Value, When
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

if TYPE_CHECKING:
    from waitlist.models import Entry  # noqa: F401

# The order of the queue: the tier's rank, the time of joining, and the id where those are the same.
QUEUE_ORDER = ("rank", "queue_at", "id")

_LIVE = ("WAITING", "OFFERED")
# The order of the staff's lists: open offers, then who waits, both as the queue has them, then those that ended, the
# latest first. The index ``waitlist_listed`` has it too, so that a page of a long queue is read without sorting.
LIST_GROUP = Case(
    When(status="OFFERED", then=0), When(status="WAITING", then=1), default=2, output_field=IntegerField()
)
LIST_ORDER = (
    LIST_GROUP,
    Case(When(status__in=_LIVE, then="rank")),
    Case(When(status__in=_LIVE, then="queue_at")),
    F("ended_at").desc(),
    F("id"),
)
_GROUPS = {"OFFERED": 0, "WAITING": 1}
_ENDED = 2


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
        """Keep those whose place is before the given one: one comparison of rows, which the index answers."""
        place = (Value(rank), Value(queue_at), Value(entry_id))
        return self.filter(TupleLessThan(Tuple(*map(F, QUEUE_ORDER)), place))

    def listed(self, statuses: Collection[str] = ()) -> EntryQuerySet:
        """Keep these statuses, all when none is named, in the order of the staff's lists."""
        found = self.order_by(*LIST_ORDER)
        if not statuses:
            return found
        groups = [_GROUPS.get(status, _ENDED) for status in statuses]
        # The status alone would not tell PostgreSQL in which part of the index they are.
        return found.alias(group=LIST_GROUP).filter(
            status__in=statuses, group__gte=min(groups), group__lte=max(groups)
        )
