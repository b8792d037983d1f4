"""Announcing to rooms: rows written in the transaction that makes it true, numbered and pushed once it committed.

Each room is a stream. The relay (``relay``) gives its events numbers that rise by one without a gap, so that a client
knows what it missed. Nothing here waits for Redis.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from common import statements
from common.outbox import NewJob, enqueue_many
from common.outbox.ids import new_id

RELAY_JOB: Final = "notifications.relay_announcements"
# Streams are divided into so many parts; each has one relay at a time, so the parts are worked side by side.
SHARDS: Final = 4
# How long somebody who is connected may wait for a push while Redis is away; later it is old news, to be read.
PUSHED_WITHIN: Final = timedelta(seconds=60)
LONGEST_STREAM: Final = 100
LONGEST_EVENT: Final = 80
# What the relay adds to each payload.
ENVELOPE: Final = frozenset({"event_id", "stream", "seq", "event"})

_INSERT = """
INSERT INTO notifications_realtimeevent (event_id, stream, shard, event, payload, not_after, state, created_at)
SELECT new.event_id, new.stream, new.shard, new.event, new.payload::jsonb, new.not_after, 'new', %s
FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::text[], %s::text[], %s::timestamptz[])
    WITH ORDINALITY AS new (event_id, stream, shard, event, payload, not_after, place)
ORDER BY new.place
"""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event for one room. The payload is of JSON's own types; past ``not_after`` nobody is pushed to."""

    room: str
    event: str
    payload: Mapping[str, object]
    not_after: datetime | None = None


class _Wake:
    """The hook of one transaction: after the commit it asks for a relay of each part that was written to."""

    __slots__ = ("now", "shards")

    def __init__(self, shards: set[int], now: datetime) -> None:
        self.shards, self.now = shards, now

    def __call__(self) -> None:
        ask_for_relay(self.shards, now=self.now)


def announce(
    room: str,
    event: str,
    payload: Mapping[str, object],
    *,
    now: datetime,
    not_after: datetime | None = None,
) -> None:
    """Announce one event in the caller's transaction; see ``announce_many``."""
    announce_many([Announcement(room, event, payload, not_after)], now=now)


def announce_many(announcements: Sequence[Announcement], *, now: datetime) -> None:
    """Announce many events in the caller's transaction by one INSERT; each stream keeps their order.

    After the commit they are numbered and pushed; after a rollback there was nothing. Raises ``ValueError`` for an
    empty or too long name or a payload that uses a name of the envelope, ``TypeError`` for one that is not JSON.
    """
    if not announcements:
        return
    shards = [shard_of(one.room) for one in announcements]
    statements.run(_INSERT, [now, *_columns(announcements, shards, now)])
    _wake_on_commit(set(shards), now)


def ask_for_relay(shards: set[int], *, now: datetime) -> None:
    """Have these parts relayed soon: one job each, however often it is asked for while it waits or runs."""
    jobs = [
        NewJob(RELAY_JOB, {"shard": shard}, dedupe_key=f"{RELAY_JOB}:{shard}") for shard in sorted(shards)
    ]
    enqueue_many(jobs, now=now)


def shard_of(stream: str) -> int:
    """Return the part that a stream belongs to, the same in every process."""
    return zlib.crc32(stream.encode()) % SHARDS


def _columns(announcements: Sequence[Announcement], shards: Sequence[int], now: datetime) -> list[list[Any]]:
    latest = now + PUSHED_WITHIN
    return [
        [new_id() for _ in announcements],
        [_name(one.room, LONGEST_STREAM) for one in announcements],
        list(shards),
        [_name(one.event, LONGEST_EVENT) for one in announcements],
        [_encoded(one.payload) for one in announcements],
        [min(one.not_after or latest, latest) for one in announcements],
    ]


def _name(given: str, longest: int) -> str:
    if not 0 < len(given) <= longest:
        raise ValueError(f"A room and an event have a name of 1 to {longest} characters, not {given!r}")
    return given


def _encoded(payload: Mapping[str, object]) -> str:
    taken = ENVELOPE & payload.keys()
    if taken:
        raise ValueError(f"The relay itself says {', '.join(sorted(taken))}")
    return json.dumps(dict(payload), allow_nan=False)


def _wake_on_commit(shards: set[int], now: datetime) -> None:
    """Wake once a transaction; a hook of a savepoint that may be rolled back does not count for what is outside."""
    here = set(connection.savepoint_ids)
    hooks: list[Any] = connection.run_on_commit  # the stubs do not know of "robust", the third value
    for savepoints, hook, _robust in hooks:
        if isinstance(hook, _Wake) and savepoints <= here:
            hook.shards |= shards
            return
    transaction.on_commit(_Wake(shards, now), robust=True)
