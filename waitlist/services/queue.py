"""A session's queue under its lock: what an act changes is gathered here and written down once, at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from common.outbox import NewJob, post
from events.models import Session
from events.services.sessions import lock_session, seats_kept
from waitlist import mirror
from waitlist.models import Entry, WaitlistPolicy
from waitlist.services import names

# Places in the queue are at least this far apart: PostgreSQL's own resolution of time.
STEP = timedelta(microseconds=1)


@dataclass(slots=True)
class Queue:
    """The locked session, its policy, and what the act in hand did to the queue so far."""

    session: Session
    policy: WaitlistPolicy
    now: datetime
    changes: list[mirror.Change] = field(default_factory=list)
    jobs: list[NewJob] = field(default_factory=list)
    offers: int = 0
    is_changed: bool = False
    # Places of many changed at once: copies of the queue are made anew instead of changed.
    is_reordered: bool = False

    @property
    def has_begun(self) -> bool:
        """Say whether the session began: from then on nothing is offered."""
        return self.now >= self.session.starts_at

    @property
    def is_closed(self) -> bool:
        """Say whether the organizer's closing time is over."""
        return self.policy.closes_at is not None and self.now >= self.policy.closes_at

    def next_queue_at(self) -> datetime:
        """Return the next place in time: now, or just after the last one given (clocks of two servers differ)."""
        last = self.session.last_queue_at
        self.session.last_queue_at = self.now if last is None else max(self.now, last + STEP)
        return self.session.last_queue_at

    def entered(self, entry: Entry) -> None:
        """Count a new entry."""
        self.session.waiting += 1
        self.put(entry)

    def put(self, entry: Entry) -> None:
        """Note an entry's place."""
        self.is_changed = True
        self.changes.append(mirror.Put(entry.rank, entry.user_id, entry.queue_at))

    def drop(self, rank: int, user_id: UUID) -> None:
        """Note that somebody waits no more; count them out."""
        self.is_changed = True
        self.session.waiting -= 1
        self.changes.append(mirror.Drop(rank, user_id))

    def moved(self, entry: Entry, *, from_rank: int) -> None:
        """Note that somebody has another place now."""
        if from_rank != entry.rank:
            self.changes.append(mirror.Drop(from_rank, entry.user_id))
        self.put(entry)

    def emptied(self) -> None:
        """Note that nobody waits any more."""
        self.is_changed = self.is_reordered = True
        self.session.waiting = 0

    def tell(self, what: names.What, entry_ids: Sequence[UUID]) -> None:
        """Have the people of these entries told after the commit, in batches."""
        for start in range(0, len(entry_ids), names.TOLD_AT_ONCE):
            ids = [str(entry_id) for entry_id in entry_ids[start : start + names.TOLD_AT_ONCE]]
            self.jobs.append(self._job(names.TELL_PEOPLE, {"what": what.value, "entry_ids": ids}))

    def tell_seat(self, attendance_id: UUID) -> None:
        """Have somebody told, after the commit, that their seat was given back."""
        self.jobs.append(self._job(names.TELL_SEAT, {"attendance_id": str(attendance_id)}))

    def expire_at(self, moment: datetime) -> None:
        """Have the offers that end then expired then."""
        payload = {"session_id": str(self.session.pk)}
        key = f"waitlist:expire:{self.session.pk}:{moment.isoformat()}"
        self.jobs.append(self._job(names.EXPIRE, payload, run_at=moment, dedupe_key=key))

    def save(self) -> None:
        """Write the session's counters, have the queue told and mirrored. Two statements; none without a change."""
        if not self.is_changed:
            return
        session = self.session
        session.seats_kept = seats_kept(session)
        session.queue_version += 1
        session.save(
            update_fields=[
                "current_attendance", "held", "waiting", "seats_kept", "last_queue_at", "queue_version",
            ]
        )  # fmt: skip
        payload = {"session_id": str(session.pk)}
        self.jobs.append(self._job(names.TELL_QUEUE, payload, dedupe_key=f"waitlist:tell:{session.pk}"))
        is_large = self.is_reordered or len(self.changes) > mirror.LARGEST_DELTA
        if is_large:
            self.jobs.append(self._job(mirror.REBUILD, payload, dedupe_key=f"{mirror.REBUILD}:{session.pk}"))
        post(self.jobs, now=self.now)
        mirror.changed(session.pk, session.queue_version, None if is_large else self.changes)

    def _job(
        self,
        kind: str,
        payload: Mapping[str, object],
        *,
        run_at: datetime | None = None,
        dedupe_key: str | None = None,
    ) -> NewJob:
        organization_id = self.session.event.organization_id
        return NewJob(kind, payload, run_at=run_at, dedupe_key=dedupe_key, organization_id=organization_id)


def lock_queue(session_id: UUID, *, now: datetime) -> Queue:
    """Return the session's queue, its session locked for the caller's transaction. Raises ``NotFound``."""
    session = lock_session(session_id)
    policy = WaitlistPolicy.objects.filter(pk=session_id).first()
    return Queue(session, policy or WaitlistPolicy(session=session), now)
