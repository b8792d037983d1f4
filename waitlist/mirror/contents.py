"""What the mirror is: looked at from outside, or read whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from redis.exceptions import ResponseError

from common.redis import client
from waitlist.mirror import keys
from waitlist.mirror.scripts import LOOK, ask, script
from waitlist.mirror.truth import Tier, Truth

_LOOKS_AT_ONCE = 200
_ENTRIES_AT_ONCE = 2_000
_KEYS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Look:
    """A session's mirror from outside. A version of None is no version; the totals count entries.

    ``is_sound`` is False when a key is not of its type, and then nothing else is known.
    """

    version: int | None
    public_version: int | None
    total: int
    public_total: int
    is_sound: bool

    @property
    def is_whole(self) -> bool:
        """Say whether both copies are there and agree as far as one sees from outside."""
        agree = self.version == self.public_version and self.total == self.public_total
        return self.is_sound and self.version is not None and agree

    @property
    def has_entries(self) -> bool:
        """Say whether there is anything in it besides versions, or anything that cannot be told."""
        return not self.is_sound or self.total > 0 or self.public_total > 0


@dataclass(frozen=True, slots=True)
class Contents:
    """Both copies of a queue, tier by tier: ours, and the one for others."""

    own: tuple[Tier, ...]
    public: tuple[Tier, ...]

    def differing(self, truth: Truth) -> int:
        """Return how many entries are missing, foreign, or at another time, in either copy."""
        found = set()
        for copy in (self.own, self.public):
            for rank in keys.RANKS:
                differing = copy[rank].items() ^ truth.tiers[rank].items()
                found |= {(rank, member) for member, _score in differing}
        return len(found)


def look_at(session_ids: Sequence[UUID]) -> dict[UUID, Look]:
    """Look at many mirrors, 200 in a round trip. Raises ``MirrorAway``."""
    looks: dict[UUID, Look] = {}
    for start in range(0, len(session_ids), _LOOKS_AT_ONCE):
        batch = session_ids[start : start + _LOOKS_AT_ONCE]
        looks |= zip(batch, map(_look, ask(partial(_run_looks, batch))), strict=True)
    return looks


def read(session_id: UUID) -> Contents:
    """Return both copies whole, a page at a time: whoever wants them of one moment looks before and after.

    A key of another type reads as empty. Raises ``MirrorAway``.
    """
    own = tuple(_tier(key) for key in keys.to_read(session_id)[1:])
    public = tuple(_tier(key) for key in keys.to_show(session_id)[1:])
    return Contents(own, public)


def sessions_with_keys() -> Iterator[UUID]:
    """Yield the ids of all sessions that have keys in Redis. It walks over every key. Raises ``MirrorAway``."""
    seen: set[UUID] = set()
    cursor = 0
    while True:
        cursor, found = ask(partial(_some_keys, cursor))
        for key in found:
            session_id = keys.session_of(key)
            if session_id is not None and session_id not in seen:
                seen.add(session_id)
                yield session_id
        if cursor == 0:
            return


def put_out_of_use(session_id: UUID) -> None:
    """Have a session's mirror not read until it is rebuilt; changes are kept for that. Raises ``MirrorAway``."""
    ask(lambda: client().delete(keys.own(session_id, "version"), keys.public(session_id, "version")))


def forget(session_id: UUID) -> None:
    """Remove a session's mirror, freed in the background; without one positions are counted. Raises
    ``MirrorAway``."""
    ask(lambda: client().unlink(*keys.all_of(session_id)))


def _some_keys(cursor: int) -> tuple[int, list[bytes]]:
    found: Any = client().scan(cursor, match=keys.PATTERN, count=_KEYS_AT_ONCE)
    return found[0], found[1]


def _run_looks(session_ids: Sequence[UUID]) -> list[list[bytes | int]]:
    look = script(LOOK)
    with client().pipeline(transaction=False) as pipeline:
        for session_id in session_ids:
            look(keys=keys.all_of(session_id), client=pipeline)
        answers: list[list[bytes | int]] = pipeline.execute()
    return answers


def _look(answer: list[bytes | int]) -> Look:
    version, public_version, total, public_total, is_sound = answer
    return Look(_number(version), _number(public_version), int(total), int(public_total), bool(is_sound))


def _number(stored: bytes | int) -> int | None:
    return int(stored) if isinstance(stored, bytes) and stored.isdigit() else None


def _tier(key: str) -> Tier:
    tier: Tier = {}
    start = 0
    while True:
        page = ask(partial(_page, key, start))
        tier.update(page)
        start += _ENTRIES_AT_ONCE
        if len(page) < _ENTRIES_AT_ONCE:
            return tier


def _page(key: str, start: int) -> list[tuple[bytes, float]]:
    try:
        found: Any = client().zrange(key, start, start + _ENTRIES_AT_ONCE - 1, withscores=True)
    except ResponseError:
        return []
    return [(member, score) for member, score in found]
