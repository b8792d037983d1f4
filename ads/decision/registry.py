"""The indexes of this process, one an event, and when they are read anew."""

import threading
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from prometheus_client import Counter

from ads.decision.index import EventIndex, load, terms_of
from ads.decision.types import Candidate
from common.errors import NotFound

# Changes of the ads and of the event raise the version; this bounds how long one takes that passed the services by.
AGE_SECONDS: Final = 60.0
_EVENTS_KEPT: Final = 1_000

_LOADS = Counter("marquee_ads_index_loads_total", "Indexes of an event's ads read from the database.")


class _Entry:
    """An index, when it was last compared with the database, and the lock of whoever does."""

    __slots__ = ("checked_at", "index", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.index: EventIndex | None = None
        self.checked_at = 0.0


class Registry:
    """Indexes by event. Each is read by one thread while the others wait for it, or go on with what they have.

    ``clock`` is the process's monotonic one. At most 1,000 events are kept.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[UUID, _Entry] = {}
        self._lock = threading.Lock()

    def of(self, event_id: UUID) -> EventIndex:
        """Return the event's index, read if it is not there. No statement otherwise. Raises ``NotFound``."""
        entry = self._entries.get(event_id)
        if entry is None or entry.index is None:
            return self.at_least(event_id, 0)
        if self._clock() - entry.checked_at > AGE_SECONDS:
            return self._compared(entry, event_id)
        return entry.index

    def at_least(self, event_id: UUID, version: int) -> EventIndex:
        """Return an index of this version or a later one; of an earlier one only where the database has no later.

        However many threads ask, one reads. Raises ``NotFound``.
        """
        entry = self._entry(event_id)
        with entry.lock:
            if entry.index is None or entry.index.version < version:
                self._read(entry, event_id)
            assert entry.index is not None  # noqa: S101 it was read
            return entry.index

    def newer_than(self, event_id: UUID, seconds: float) -> EventIndex:
        """Return an index that was compared with the database within so many seconds. Raises ``NotFound``."""
        index = self.of(event_id)
        entry = self._entries.get(event_id)
        if entry is None or self._clock() - entry.checked_at <= seconds:
            return index
        return self._compared(entry, event_id)

    def remembered(self, ad_id: UUID) -> Candidate | None:
        """Return an ad as the indexes that are there know it, however old they are; None when none does."""
        entries = tuple(self._entries.values())
        known = (ad for entry in entries if entry.index for ad in entry.index.candidates if ad.id == ad_id)
        return next(known, None)

    def _compared(self, entry: _Entry, event_id: UUID) -> EventIndex:
        """Compare with the database; while one thread does, the others take what there is."""
        if entry.lock.acquire(blocking=False):
            try:
                self._read(entry, event_id)
            finally:
                entry.lock.release()
        assert entry.index is not None  # noqa: S101 entries that are compared have one
        return entry.index

    def _read(self, entry: _Entry, event_id: UUID) -> None:
        started = self._clock()
        try:
            terms = terms_of(event_id)
        except NotFound:
            self._entries.pop(event_id, None)
            raise
        if entry.index is None or entry.index.terms != terms:
            entry.index = load(event_id, terms)
            _LOADS.inc()
        entry.checked_at = started

    def _entry(self, event_id: UUID) -> _Entry:
        with self._lock:
            entry = self._entries.get(event_id)
            if entry is None:
                if len(self._entries) >= _EVENTS_KEPT:
                    # The first that was read: its next visitor reads it again.
                    self._entries.pop(next(iter(self._entries)))
                entry = self._entries[event_id] = _Entry()
            return entry


registry = Registry()
