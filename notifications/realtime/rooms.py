"""Who may join which room: each room of the house registers the socket rooms that it answers for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from common.errors import NotFound

LONGEST_NAME = 100
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# Raises a ``Failure`` (NotFound, Forbidden, ...) when this user may not listen there. Runs in a thread.
Authorise = Callable[[User, UUID, datetime], None]


@dataclass(frozen=True, slots=True)
class RoomRule:
    """One kind of room: its names (``session:{id}:waitlist``) and who may join."""

    pattern: str
    names: re.Pattern[str]
    authorise: Authorise


class RoomRegistry:
    """All kinds of rooms. Filled in ``ready()``; what nobody registered nobody may join."""

    def __init__(self) -> None:
        self._rules: dict[str, RoomRule] = {}

    def register(self, pattern: str, authorise: Authorise) -> None:
        """Answer for the rooms of this pattern, which has ``{id}`` in it once; twice is a ``ValueError``."""
        if pattern in self._rules or pattern.count("{id}") != 1:
            raise ValueError(f"The room {pattern!r} is registered already, or has not exactly one {{id}}")
        before, after = pattern.split("{id}")
        names = re.compile(f"{re.escape(before)}(?P<id>{_UUID}){re.escape(after)}", re.ASCII)
        self._rules[pattern] = RoomRule(pattern, names, authorise)

    def remove(self, pattern: str) -> None:
        """Forget a kind of room."""
        self._rules.pop(pattern, None)

    def authorise(self, room: str, user: User, *, now: datetime) -> None:
        """Return when the user may join; else raise what the rule raises, or ``NotFound`` for no such room."""
        if len(room) <= LONGEST_NAME:
            for rule in self._rules.values():
                found = rule.names.fullmatch(room)
                if found is not None:
                    rule.authorise(user, UUID(found["id"]), now)
                    return
        raise NotFound("There is no such room.")


def own_room(user: User, user_id: UUID, _now: datetime) -> None:
    """Allow a person's own room; somebody else's is not told apart from none."""
    if user.id != user_id:
        raise NotFound("There is no such room.")


rooms = RoomRegistry()
rooms.register("user:{id}", own_room)
