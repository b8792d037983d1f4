"""What people can choose about: each message of each room belongs to one kind (REQ NO-05).

A room registers its kinds, and which of its messages belong to them, in ``ready()``. What answers something that a
person did is transactional: it is sent whatever they chose; a push of it that is not urgent waits for the end of their
quiet hours. An e-mail of no kind counts as transactional too, so that nothing is lost, and the start-up check names it;
a push of no kind is refused when it is queued.
"""

import re
from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices

MAXIMUM_NAME: Final = 40
_NAME: Final = re.compile(rf"[a-z][a-z0-9_]{{0,{MAXIMUM_NAME - 1}}}")


class Channel(TextChoices):
    """A way to reach people that they can switch off for a kind."""

    EMAIL = "email", "E-mail"
    PUSH = "push", "Push"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of message as people understand it, and the channels on which it comes."""

    name: str
    title: str
    description: str
    is_transactional: bool
    channels: frozenset[Channel]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot name a kind of messages")
        if not self.channels:
            raise ValueError(f"The kind {self.name!r} comes on no channel")

    def may_switch_off(self, channel: Channel) -> bool:
        """Say whether people may do without it on a channel."""
        return not self.is_transactional and channel in self.channels


ANNOUNCEMENTS: Final = Kind(
    "announcements",
    "Announcements",
    "News of the events that you are registered for.",
    is_transactional=False,
    channels=frozenset({Channel.PUSH}),
)
DEVICE_TESTS: Final = Kind(
    "device_tests",
    "Tests of a device",
    "Sent by staff who look why nothing reaches you.",
    is_transactional=True,
    channels=frozenset({Channel.PUSH}),
)
TEST_MESSAGE: Final = "push_test"


class Registry:
    """All kinds, and to which each message belongs. Filled while the rooms get ready, unchanged afterwards."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._of_message: dict[str, str] = {}

    def register(self, kind: Kind, *messages: str) -> None:
        """Make a kind known, with messages that belong to it; the same name with other terms is a ``ValueError``."""
        if self._kinds.setdefault(kind.name, kind) != kind:
            raise ValueError(f"The kind {kind.name!r} is registered twice, differently")
        self.assign(kind.name, *messages)

    def assign(self, name: str, *messages: str) -> None:
        """Let messages (names of e-mail templates, ``PushMessage.kind``) belong to a kind.

        ``ValueError`` for a kind that is not registered, and for a message that belongs to another.
        """
        if name not in self._kinds:
            raise ValueError(f"There is no kind {name!r}")
        for message in messages:
            if self._of_message.setdefault(message, name) != name:
                raise ValueError(f"{message!r} belongs to {self._of_message[message]!r} already")

    def remove(self, name: str) -> None:
        """Forget a kind and what belongs to it."""
        self._kinds.pop(name, None)
        self._of_message = {one: kind for one, kind in self._of_message.items() if kind != name}

    def find(self, name: str) -> Kind | None:
        """Return the kind of this name, or to which the message of this name belongs; None: there is none."""
        return self._kinds.get(self._of_message.get(name, name))

    def messages_of(self, name: str) -> list[str]:
        """Return what messages of a kind are called: as the kind itself, or by names that belong to it."""
        return [name, *(message for message, kind in self._of_message.items() if kind == name)]

    def all(self) -> list[Kind]:
        """Return every kind, in the order of their registration."""
        return list(self._kinds.values())


registry = Registry()
register = registry.register
assign = registry.assign
find = registry.find
