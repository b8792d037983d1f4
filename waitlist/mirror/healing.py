"""Finding mirrors that are off, whatever made them so, and rebuilding them."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

import structlog

from common.errors import NotFound
from events.models import Session
from waitlist.mirror import contents, truth
from waitlist.mirror.contents import Look
from waitlist.mirror.rebuilding import PATIENCE, inspect, rebuild
from waitlist.mirror.truth import Counted
from waitlist.mirror.types import MirrorAway, Rebuilt

_log = structlog.stdlib.get_logger(__name__)

# Each mirror is compared entry by entry once in so many minutes.
_CLOSELY_EVERY = 10
_AT_ONCE = 500


def heal(*, now: datetime, patience: float = PATIENCE) -> list[Rebuilt]:
    """Rebuild the mirrors that are off and return them; what is left of queues that are over is removed hourly.

    Called each minute. All mirrors are compared from outside (versions, numbers of entries), a tenth of them
    entry by entry. A change that is committed has ``patience`` seconds to arrive. With Redis away it ends early.
    """
    healed: list[Rebuilt] = []
    try:
        for session_id in _off(now, patience):
            done = _rebuilt(session_id)
            if done is not None:
                healed.append(done)
        if now.minute == 0:
            for session_id in leftovers(now=now):
                contents.forget(session_id)
    except MirrorAway:
        _log.info("waitlist_mirror_away")
    return healed


def leftovers(*, now: datetime) -> Iterator[UUID]:
    """Yield the sessions that have a mirror although nobody waits: those that began or are not there any more,
    and those whose mirror has entries, or is of a version that never was. Raises ``MirrorAway``."""
    batch: list[UUID] = []
    for session_id in contents.sessions_with_keys():
        batch.append(session_id)
        if len(batch) == _AT_ONCE:
            yield from _left_over(batch, now)
            batch = []
    yield from _left_over(batch, now)


def _rebuilt(session_id: UUID) -> Rebuilt | None:
    try:
        done = rebuild(session_id)
    except NotFound:
        return None
    _log.warning("waitlist_mirror_healed", session_id=str(session_id), entries=done.entries, drift=done.drift)
    return done


def _off(now: datetime, patience: float) -> Iterator[UUID]:
    first = truth.queues()
    looks = contents.look_at(list(first))
    doubtful = [session_id for session_id, counted in first.items() if not _agree(counted, looks[session_id])]
    if doubtful:
        yield from _still_off({session_id: first[session_id] for session_id in doubtful}, patience)
    for session_id in first.keys() - set(doubtful):
        if session_id.int % _CLOSELY_EVERY == now.minute % _CLOSELY_EVERY:
            yield from _closely(session_id, patience)


def _still_off(first: Mapping[UUID, Counted], patience: float) -> Iterator[UUID]:
    """Look again, the mirror before the database: what is right by then was only on its way."""
    time.sleep(patience)
    looks = contents.look_at(list(first))
    second = truth.queues(list(first))
    for session_id, counted in second.items():
        if _is_off(first[session_id], counted, looks[session_id]):
            yield session_id


def _closely(session_id: UUID, patience: float) -> Iterator[UUID]:
    try:
        finding = inspect(session_id, patience=patience)
    except NotFound:
        return
    if finding is not None and finding.is_off:
        yield session_id


def _agree(counted: Counted, look: Look) -> bool:
    return look.is_whole and look.version == counted.version and look.total == counted.waiting


def _is_off(first: Counted, second: Counted, look: Look) -> bool:
    """Judge a look that was taken between two readings of the database, well after the first."""
    if look.version is None or not look.is_whole:
        return True
    if not first.version <= look.version <= second.version:
        # Behind what it had time to reach, or ahead of what there is: of another history of the database.
        return True
    waiting = {first.version: first.waiting, second.version: second.waiting}.get(look.version)
    return waiting is not None and look.total != waiting


def _left_over(session_ids: list[UUID], now: datetime) -> Iterator[UUID]:
    looks = contents.look_at(session_ids)
    known = Session.objects.in_bulk(session_ids)
    for session_id in session_ids:
        if _is_left_over(known.get(session_id), looks[session_id], now):
            yield session_id


def _is_left_over(session: Session | None, look: Look, now: datetime) -> bool:
    """Judge a look that was taken before the session was read."""
    if session is None:
        return True
    if session.waiting > 0:
        return False
    return session.starts_at <= now or look.has_entries or (look.version or 0) > session.queue_version
