"""Which people are asked for again in which rooms, so that a check asks the database a bounded amount."""

from collections.abc import Callable, Collection, Sequence
from typing import Final
from uuid import UUID

# A person and a room's name.
Asked = tuple[UUID, str]

# In one check: some statements of 5,000 each, whatever the number of sockets.
MOST: Final = 20_000


class Turns:
    """Chooses whom a check asks for: the rooms with people's data first, of the others as many as fit, in turn."""

    def __init__(self, is_asked_first: Callable[[str], bool], *, most: int = MOST) -> None:
        self._is_asked_first, self._most = is_asked_first, most
        self._had_their_turn: tuple[set[Asked], set[Asked]] = (set(), set())

    def take(self, present: Collection[Asked]) -> list[Asked]:
        """Return who is asked for now. Of those that do not fit, nobody has a second turn before all had one."""
        names = {name for name in {name for _, name in present} if self._is_asked_first(name)}
        first = [one for one in present if one[1] in names]
        others = [one for one in present if one[1] not in names]
        # However many they are, a quarter is left to the others.
        taken = _in_turn(first, self._most - self._most // 4, self._had_their_turn[0])
        return taken + _in_turn(others, self._most - len(taken), self._had_their_turn[1])


def _in_turn(present: Sequence[Asked], most: int, had: set[Asked]) -> list[Asked]:
    # Who has gone is not remembered.
    had.intersection_update(present)
    taken = [one for one in present if one not in had][:most]
    if len(taken) < most:
        # All had their turn: the next one begins.
        taken += [one for one in present if one in had][: most - len(taken)]
        had.clear()
    had.update(taken)
    return taken
