"""Who may join which room: each room of the house registers the socket rooms that it answers for."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from common.errors import NotFound
from events.audience import Pair

LONGEST_NAME = 100
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# Raises a ``Failure`` (NotFound, Forbidden, ...) when this user may not listen there. Runs in a thread.
Authorise = Callable[[User, UUID, datetime], None]
# Returns those of the pairs that ``Authorise`` would let pass, by one statement. Runs in a thread.
MayStay = Callable[[Collection[Pair]], Collection[Pair]]
# Pairs that one statement is asked for.
ASKED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class RoomRule:
    """One kind of room: its names (``session:{id}:waitlist``), who may join, who of many may stay, and whether they are
    asked for before others."""

    pattern: str
    names: re.Pattern[str]
    authorise: Authorise
    may_stay: MayStay
    is_asked_first: bool


class RoomRegistry:
    """All kinds of rooms. Filled in ``ready()``; what nobody registered nobody may join."""

    def __init__(self) -> None:
        self._rules: dict[str, RoomRule] = {}

    @property
    def patterns(self) -> Collection[str]:
        """The kinds of rooms that there are."""
        return self._rules.keys()

    def register(
        self, pattern: str, authorise: Authorise, *, may_stay: MayStay, is_asked_first: bool
    ) -> None:
        """Answer for the rooms of this pattern, which has ``{id}`` in it once; twice is a ``ValueError``.

        ``may_stay`` says of many at once what ``authorise`` says of one. ``is_asked_first`` where what is told names
        people or is the organizer's own: a check that cannot ask for everybody asks for these before others.
        """
        if pattern in self._rules or pattern.count("{id}") != 1:
            raise ValueError(f"The room {pattern!r} is registered already, or has not exactly one {{id}}")
        before, after = pattern.split("{id}")
        names = re.compile(f"{re.escape(before)}(?P<id>{_UUID}){re.escape(after)}", re.ASCII)
        self._rules[pattern] = RoomRule(pattern, names, authorise, may_stay, is_asked_first)

    def remove(self, pattern: str) -> None:
        """Forget a kind of room."""
        self._rules.pop(pattern, None)

    def authorise(self, room: str, user: User, *, now: datetime) -> None:
        """Return when the user may join; else raise what the rule raises, or ``NotFound`` for no such room."""
        found = self._find(room)
        if found is None:
            raise NotFound("There is no such room.")
        rule, room_id = found
        rule.authorise(user, room_id, now)

    def is_asked_first(self, room: str) -> bool:
        """Say whether a check asks for who is in this room before it asks for others."""
        found = self._find(room)
        return found is not None and found[0].is_asked_first

    def refused(self, asked: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
        """Return which of these people may not be in these rooms (any more), by one statement for each kind of room
        and 5,000 of them.

        What the database raises is raised: then nothing is known of anybody.
        """
        refused: set[tuple[UUID, str]] = set()
        by_rule: dict[str, dict[Pair, str]] = {}
        for user_id, room in asked:
            found = self._find(room)
            if found is None:
                refused.add((user_id, room))
            else:
                rule, room_id = found
                by_rule.setdefault(rule.pattern, {})[user_id, room_id] = room
        for pattern, named in by_rule.items():
            for pairs in _slices(list(named)):
                may_stay = set(self._rules[pattern].may_stay(pairs))
                refused.update((pair[0], named[pair]) for pair in pairs if pair not in may_stay)
        return refused

    def _find(self, room: str) -> tuple[RoomRule, UUID] | None:
        if len(room) <= LONGEST_NAME:
            for rule in self._rules.values():
                found = rule.names.fullmatch(room)
                if found is not None:
                    return rule, UUID(found["id"])
        return None


def _slices(pairs: list[Pair]) -> Iterator[list[Pair]]:
    for start in range(0, len(pairs), ASKED_AT_ONCE):
        yield pairs[start : start + ASKED_AT_ONCE]


def own_room(user: User, user_id: UUID, _now: datetime) -> None:
    """Allow a person's own room; somebody else's is not told apart from none."""
    if user.id != user_id:
        raise NotFound("There is no such room.")


def are_own(pairs: Collection[Pair]) -> Collection[Pair]:
    """Return those who ask for their own room."""
    return [(user_id, room_id) for user_id, room_id in pairs if user_id == room_id]


rooms = RoomRegistry()
rooms.register("user:{id}", own_room, may_stay=are_own, is_asked_first=False)
