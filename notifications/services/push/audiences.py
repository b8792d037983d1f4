"""Whom a campaign can go to. Rooms above register what they know: holders of a tier's tickets, and the like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from events.models import Registration
from notifications.models import PushAudience

# The ids of an event's people, ``user_id`` by name; the second: of which part, where the audience has parts.
People = Callable[[UUID, UUID | None], QuerySet[Any, Any]]
# The parts of an event that can be chosen, with their names.
Parts = Callable[[UUID], Sequence[tuple[UUID, str]]]


@dataclass(frozen=True, slots=True)
class Audience:
    """One way to choose people of an event. ``parts`` None: it is always all of them.

    ``people`` returns rows that have ``user_id``, each person once or more often.
    """

    name: str
    title: str
    people: People
    parts: Parts | None = None


class Registry:
    """All audiences by name. Filled while the rooms get ready."""

    def __init__(self) -> None:
        self._audiences: dict[str, Audience] = {}

    def register(self, audience: Audience) -> None:
        """Make an audience known; a second one of the same name is a ``ValueError``."""
        if self._audiences.setdefault(audience.name, audience) != audience:
            raise ValueError(f"The audience {audience.name!r} is registered twice, differently")

    def find(self, name: str) -> Audience | None:
        """Return the audience of this name, None when there is none."""
        return self._audiences.get(name)

    def all(self) -> list[Audience]:
        """Return every audience, in the order of their registration."""
        return list(self._audiences.values())


def _registered(event_id: UUID, part: UUID | None) -> QuerySet[Any, Any]:
    return Registration.objects.filter(event_id=event_id).order_by().values("user_id")


REGISTERED: Final = Audience(PushAudience.REGISTERED.value, PushAudience.REGISTERED.label, _registered)

registry = Registry()
register = registry.register
find = registry.find
register(REGISTERED)
