"""A queue that is written as the services write it, for tests of its mirror: ``queue.join()``, ``queue.leave()``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.test import TestCase

from accounts.models import User
from accounts.tests.factories import NOW
from common import redis
from events.models import Session
from events.tests.factories import make_session
from tickets.models import Priority
from waitlist import mirror
from waitlist.mirror import keys
from waitlist.models import Entry, EntryStatus

STEP = timedelta(microseconds=1)
TIERS = list(Priority)
Tell = Callable[[UUID, int, Sequence[mirror.Change] | None], None]


@dataclass
class Queue:
    """One session. ``tell`` is what hears of each act: ``mirror.changed``, or a test's way to lose or delay it."""

    session_id: UUID
    tell: Tell = mirror.changed

    def join(self, user_id: UUID, rank: int = 2) -> Entry:
        """Put somebody at the end of a rank."""
        with transaction.atomic():
            session = self._locked()
            session.waiting += 1
            entry = self._entry(session, user_id, rank)
            entry.save(force_insert=True)
            self._save(session, [mirror.Put(rank, user_id, entry.queue_at)])
        return entry

    def leave(self, entry: Entry) -> None:
        """End a wait."""
        with transaction.atomic():
            session = self._locked()
            session.waiting -= 1
            Entry.objects.filter(pk=entry.pk).update(status=EntryStatus.LEFT, ended_at=NOW)
            self._save(session, [mirror.Drop(entry.rank, entry.user_id)])

    def move(self, entry: Entry, rank: int, *, ahead_of: Entry | None = None) -> None:
        """Give another place: just before somebody of that rank, else at its end."""
        with transaction.atomic():
            session = self._locked()
            before, entry.rank = entry.rank, rank
            entry.queue_at = ahead_of.queue_at - STEP if ahead_of else self._next(session)
            entry.save(update_fields=["rank", "queue_at"])
            put = mirror.Put(rank, entry.user_id, entry.queue_at)
            self._save(session, [mirror.Drop(before, entry.user_id), put])

    def touch(self, changes: Sequence[mirror.Change] | None = ()) -> None:
        """Raise the version without a change of places (an organizer's act), or with ``None``: too many changes."""
        with transaction.atomic():
            self._save(self._locked(), changes)

    def fill(self, users: Sequence[User], *, ranks: Sequence[int] = (0, 1, 2, 2)) -> None:
        """Have many wait at once, told as too many changes."""
        with transaction.atomic():
            session = self._locked()
            numbered = enumerate(users)
            Entry.objects.bulk_create(
                [self._entry(session, user.pk, ranks[number % len(ranks)]) for number, user in numbered],
                batch_size=5_000,
            )
            session.waiting += len(users)
            self._save(session, None)

    @property
    def waiting(self) -> list[Entry]:
        """Those who wait, in their order."""
        return list(Entry.objects.filter(session_id=self.session_id, status=EntryStatus.WAITING))

    @property
    def version(self) -> int:
        """The session's own."""
        return Session.objects.get(pk=self.session_id).queue_version

    def _locked(self) -> Session:
        return Session.objects.select_for_update().get(pk=self.session_id)

    def _next(self, session: Session) -> datetime:
        session.last_queue_at = max(NOW, session.last_queue_at + STEP) if session.last_queue_at else NOW
        return session.last_queue_at

    def _entry(self, session: Session, user_id: UUID, rank: int) -> Entry:
        return Entry(
            session=session,
            user_id=user_id,
            rank=rank,
            priority_tier=TIERS[rank],
            queue_at=self._next(session),
            joined_at=NOW,
        )

    def _save(self, session: Session, changes: Sequence[mirror.Change] | None) -> None:
        session.queue_version += 1
        session.save(update_fields=["waiting", "last_queue_at", "queue_version"])
        self.tell(session.pk, session.queue_version, changes)


def at_once(session_id: UUID, version: int, changes: Sequence[mirror.Change] | None) -> None:
    """Tell the mirror now, for tests that run in a transaction of their own which never commits."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        mirror.changed(session_id, version, changes)


def make_queue(tell: Tell = at_once) -> Queue:
    """Create a session, full and without a queue."""
    return Queue(make_session(capacity=0).pk, tell)


def make_people(count: int) -> list[User]:
    """Create many people at once."""
    first = User.objects.count()
    people = [User(email=f"waiting{first + number}@example.test") for number in range(count)]
    return User.objects.bulk_create(people, batch_size=5_000)


def position(entry: Entry) -> int | None:
    """Ask the mirror, with what one statement says."""
    read = Entry.objects.select_related("session").get(pk=entry.pk)
    return mirror.position(
        session_id=read.session_id,
        version=read.session.queue_version,
        waiting=read.session.waiting,
        rank=read.rank,
        queue_at=read.queue_at,
        user_id=read.user_id,
    )


def positions(queue: Queue) -> list[int | None]:
    """Ask the mirror for everybody's position, in the order of the queue: right if 1, 2, 3 and so on."""
    return [position(entry) for entry in queue.waiting]


def shown(queue: Queue) -> list[dict[bytes, float]]:
    """Return what other services read: each tier's scores by member."""
    return [
        dict(redis.client().zrange(key, 0, -1, withscores=True)) for key in keys.to_show(queue.session_id)[1:]
    ]


def wanted(queue: Queue) -> list[dict[bytes, float]]:
    """Return what other services should read, from the database without our code."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rank, user_id::text, (extract(epoch FROM queue_at) * 1000000)::bigint"
            " FROM waitlist_entry WHERE session_id = %s AND status = 'WAITING'",
            [queue.session_id],
        )
        rows = cursor.fetchall()
    return [{user.encode(): score for rank, user, score in rows if rank == tier} for tier in range(3)]
