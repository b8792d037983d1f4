"""What events there are and what belongs to them, remembered by each process for a while.

Tracking asks for every event of every batch; asking the database each time would cost more than keeping the events.
Something new is found within a second, because what is not known is looked up.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ads.models import Ad
from events.models import Event, Session
from offers.models import Offer

_SECONDS: Final = 60.0
# Whoever invents offers makes us look again this often at most.
_LOOK_AGAIN_SECONDS: Final = 1.0
_EVENTS: Final = 500


@dataclass(frozen=True, slots=True)
class Facts:
    """An event: whose it is, its time zone, and the ids of its offers, ads and sessions."""

    event_id: UUID
    organization_id: UUID
    time_zone: str
    offers: frozenset[UUID]
    ads: frozenset[UUID]
    sessions: frozenset[UUID]
    looked_at: float

    def holds(self, kind: str, entity_id: UUID) -> bool:
        """Say whether the entity of a tracked type belongs to the event."""
        if kind.startswith("OFFER_"):
            return entity_id in self.offers
        return entity_id in (self.ads if kind.startswith("AD_") else self.sessions)


class Known:
    """A bounded memory of events, the one that was read longest ago forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._facts: OrderedDict[UUID, Facts] = OrderedDict()

    def about(self, wanted: Iterable[tuple[UUID, str, UUID]]) -> dict[UUID, Facts]:
        """Return the facts of the events that exist, for these (event, type, entity). Four queries at most."""
        now, found, missing = self._clock(), dict[UUID, Facts](), set[UUID]()
        with self._lock:
            for event_id, kind, entity_id in wanted:
                facts = found.get(event_id) or self._facts.get(event_id)
                if facts is None or not _is_good(facts, kind, entity_id, now):
                    missing.add(event_id)
                else:
                    found[event_id] = facts
        if missing:
            found |= self._read(missing, now)
        return found

    def existing(self, event_ids: Iterable[UUID]) -> set[UUID]:
        """Return which of these events there are. No query where all of them are known."""
        wanted = set(event_ids)
        with self._lock:
            found = wanted & self._facts.keys()
        return found if found == wanted else found | self._read(wanted - found, self._clock()).keys()

    def forget(self) -> None:
        """Forget everything, between tests."""
        with self._lock:
            self._facts.clear()

    def _read(self, event_ids: set[UUID], now: float) -> dict[UUID, Facts]:
        read = {facts.event_id: facts for facts in _facts_of(event_ids, now)}
        with self._lock:
            for event_id, facts in read.items():
                self._facts[event_id] = facts
                self._facts.move_to_end(event_id)
            while len(self._facts) > _EVENTS:
                self._facts.popitem(last=False)
        return read


def _is_good(facts: Facts, kind: str, entity_id: UUID, now: float) -> bool:
    age = now - facts.looked_at
    return age < (_SECONDS if facts.holds(kind, entity_id) else _LOOK_AGAIN_SECONDS)


def _facts_of(event_ids: set[UUID], now: float) -> list[Facts]:
    events = list(Event.objects.filter(pk__in=event_ids).only("id", "organization_id", "time_zone"))
    if not events:
        return []
    offers = _by_event(Offer.objects.filter(event_id__in=event_ids).values_list("event_id", "pk"))
    ads = _by_event(Ad.objects.filter(event_id__in=event_ids).values_list("event_id", "pk"))
    sessions = _by_event(Session.objects.filter(event_id__in=event_ids).values_list("event_id", "pk"))
    nothing: frozenset[UUID] = frozenset()
    return [
        Facts(
            event_id=event.pk,
            organization_id=event.organization_id,
            time_zone=event.time_zone,
            offers=offers.get(event.pk, nothing),
            ads=ads.get(event.pk, nothing),
            sessions=sessions.get(event.pk, nothing),
            looked_at=now,
        )
        for event in events
    ]


def _by_event(pairs: Iterable[tuple[UUID, UUID]]) -> dict[UUID, frozenset[UUID]]:
    gathered: dict[UUID, set[UUID]] = {}
    for event_id, entity_id in pairs:
        gathered.setdefault(event_id, set()).add(entity_id)
    return {event_id: frozenset(ids) for event_id, ids in gathered.items()}


known = Known()
