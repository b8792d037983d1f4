"""What the mirror should be: the queue as the database has it."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import FilteredRelation, Q

from common.errors import NotFound
from events.models import Session
from waitlist.mirror import keys
from waitlist.mirror.types import member_of, score_of
from waitlist.models import EntryStatus

_ROWS_AT_ONCE = 2_000

# One tier's queue: scores by member.
Tier = dict[bytes, float]


@dataclass(frozen=True, slots=True)
class Truth:
    """A session's queue at one version: its tiers by rank, and how many wait by the session's own count."""

    version: int
    waiting: int
    tiers: tuple[Tier, ...]

    @property
    def entries(self) -> int:
        """How many wait."""
        return sum(map(len, self.tiers))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a session says of its queue without reading it."""

    version: int
    waiting: int


def read(session_id: UUID) -> Truth:
    """Return the queue, version and rows by one statement, so that they belong together. Raises ``NotFound``."""
    those_waiting = FilteredRelation(
        "waitlist_entries", condition=Q(waitlist_entries__status=EntryStatus.WAITING)
    )
    rows = (
        Session.objects.filter(pk=session_id)
        .annotate(queue=those_waiting)
        .order_by()
        .values_list("queue_version", "waiting", "queue__rank", "queue__user_id", "queue__queue_at")
    )
    tiers: tuple[Tier, ...] = tuple({} for _ in keys.RANKS)
    counts = None
    for version, waiting, rank, user_id, queue_at in rows.iterator(chunk_size=_ROWS_AT_ONCE):
        counts = version, waiting
        if rank is not None:
            tiers[rank][member_of(user_id)] = score_of(queue_at)
    if counts is None:
        raise NotFound("There is no such session.")
    return Truth(*counts, tiers)


def queues(session_ids: Collection[UUID] | None = None) -> dict[UUID, Counted]:
    """Return what sessions with people waiting say, the longest queue first. One statement."""
    found = Session.objects.filter(waiting__gt=0)
    if session_ids is not None:
        found = found.filter(pk__in=session_ids)
    rows = found.order_by("-waiting", "id").values_list("id", "queue_version", "waiting")
    return {session_id: Counted(version, waiting) for session_id, version, waiting in rows}
