"""What a stream said: for clients that were away (REQ RT-06)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from common.errors import Failure, Kind
from notifications.models import RealtimeEvent, RealtimeStream
from notifications.realtime.rooms import rooms


class EventsGone(Failure):
    """Some of what was missed is no longer kept, so that a client has to read the state itself again."""

    code = "events_gone"
    kind = Kind.GONE
    title = "Some of these events are no longer kept"


@dataclass(frozen=True, slots=True)
class MissedEvent:
    """One event with its number."""

    event_id: UUID
    stream: str
    seq: int
    event: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Missed:
    """A page of what was missed, in order. ``seq`` is the newest number of the stream, 0 before its first event."""

    stream: str
    seq: int
    events: tuple[MissedEvent, ...]

    @property
    def next_after(self) -> int | None:
        """Return after which number the next page begins; None: this was all."""
        last = self.events[-1].seq if self.events else self.seq
        return last if last < self.seq else None


def newest(stream: str) -> int:
    """Return the number of the stream's newest event, 0 when there was none."""
    return RealtimeStream.objects.filter(pk=stream).values_list("last_seq", flat=True).first() or 0


def missed(user: User, stream: str, *, after: int, limit: int, now: datetime) -> Missed:
    """Return the events of a stream that follow the number ``after``, in order, for who may join its room.

    Raises what joining the room raises, and ``EventsGone`` unless each number that follows is there: also for a
    client that knows more than we do, as after a database was restored.
    """
    rooms.authorise(stream, user, now=now)
    last = newest(stream)
    if after > last:
        raise EventsGone
    fields = ("event_id", "stream", "seq", "event", "payload")
    following = RealtimeEvent.objects.filter(stream=stream, seq__gt=after, seq__lte=last).order_by("seq")
    events = tuple(MissedEvent(*row) for row in following.values_list(*fields)[:limit])
    expected = min(limit, last - after)
    if len(events) != expected or (events and events[-1].seq != after + expected):
        raise EventsGone
    return Missed(stream, last, events)
