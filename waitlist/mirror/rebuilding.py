"""Comparing a mirror with the database entry by entry, and writing it anew."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from common.redis import client
from waitlist.mirror import contents, keys, truth
from waitlist.mirror.scripts import PUBLISH, ask, script
from waitlist.mirror.types import Rebuilt

_log = structlog.stdlib.get_logger(__name__)
_REBUILT = Counter("marquee_waitlist_rebuilds_total", "Mirrors of queues that were written anew.")

# How long a change that is committed may take to arrive, in seconds.
PATIENCE: Final = 0.5
_TRIES: Final = 3
_ENTRIES_AT_ONCE: Final = 1_000
# What a process that died was building is gone after so many seconds.
_BUILDING_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """A mirror beside the database: the versions of both, how many wait, and how many entries differ."""

    session_id: UUID
    version: int
    mirrored: int | None
    entries: int
    drift: int
    is_off: bool


def rebuild(session_id: UUID) -> Rebuilt:
    """Write a session's mirror anew from one reading of the database and return what it has and what was off.

    From here to the end the mirror is not read, and changes are kept for it. It is built beside, so that no
    call holds Redis up, and takes its place in one step with the changes that came meanwhile; but not when
    another rebuild that read a later version was faster. Raises ``MirrorAway``, ``NotFound``.
    """
    contents.put_out_of_use(session_id)
    before = contents.read(session_id)
    queue = truth.read(session_id)
    drift = before.differing(queue)
    if not publish(session_id, queue, build(queue)):
        # Flushed while it was built. Whoever looks next finds it missing.
        _log.warning("waitlist_mirror_not_rebuilt", session_id=str(session_id))
    if queue.waiting != queue.entries:
        # The database is at odds with itself, and no mirror agrees with it: positions are counted.
        counts = {"counted": queue.waiting, "entries": queue.entries}
        _log.error("waitlist_counter_off", session_id=str(session_id), **counts)
    _REBUILT.inc()
    return Rebuilt(session_id, queue.entries, drift)


def inspect(session_id: UUID, *, patience: float = PATIENCE) -> Finding | None:
    """Compare a mirror with the database entry by entry; nothing is changed.

    A mirror that is a little behind is given ``patience`` seconds, twice. None: it changes too fast to be read
    as of one moment, so changes do arrive. Raises ``MirrorAway``, ``NotFound``.
    """
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(patience)
        before = contents.look_at([session_id])[session_id]
        found = contents.read(session_id)
        queue = truth.read(session_id)
        is_still = contents.look_at([session_id])[session_id] == before
        # Read before the database: if it is not behind, it is of this version or was never right.
        if is_still and (before.version is None or before.version >= queue.version):
            break
    if not is_still:
        return None
    drift = found.differing(queue)
    is_off = bool(drift) or not before.is_whole or before.version != queue.version
    return Finding(session_id, queue.version, before.version, queue.entries, drift, is_off)


def build(queue: truth.Truth) -> list[str]:
    """Write both copies of a queue to new keys, some entries at a time, and return the keys.

    They expire by themselves unless they are published. Raises ``MirrorAway``.
    """
    building = keys.building()
    for key, tier in zip(building, (*queue.tiers, *queue.tiers), strict=True):
        entries = iter(tier.items())
        while chunk := dict(islice(entries, _ENTRIES_AT_ONCE)):
            ask(partial(_add, key, chunk))
    return building


def publish(session_id: UUID, queue: truth.Truth, building: list[str]) -> bool:
    """Put what was built in the mirror's place, and apply the changes that came meanwhile, in one step.

    False when not all of it was there any more: then nothing is published. A mirror of a later version stays,
    as it is right. Raises ``MirrorAway``.
    """
    put = script(PUBLISH)
    names = [*keys.all_of(session_id), *building]
    sizes = [len(tier) for tier in queue.tiers]
    return bool(ask(lambda: put(keys=names, args=[queue.version, *sizes])) != b"incomplete")


def _add(key: str, chunk: Mapping[bytes, float]) -> None:
    with client().pipeline(transaction=True) as pipeline:
        pipeline.zadd(key, dict(chunk))
        pipeline.expire(key, _BUILDING_SECONDS)
        pipeline.execute()
