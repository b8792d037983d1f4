"""What clients may ask for over the socket beside joining rooms: rooms of the house register their commands."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from accounts.models import User
from common.errors import Invalid, NotFound
from notifications.realtime import constants

# Given who asks, what they said and when; answers what the acknowledgement says beside ``ok`` (JSON's own types),
# or raises a ``Failure``. Runs in a thread.
Command = Callable[[User, Mapping[str, Any], datetime], Mapping[str, Any]]

_RESERVED = frozenset(
    {constants.JOIN_ROOM, constants.LEAVE_ROOM, "connect", "disconnect", "connect_error", "*"}
)


class UnknownEvent(NotFound):
    """Nothing answers an event of this name."""

    code = "unknown_event"
    title = "There is no such event"


_commands: dict[str, Command] = {}


def register(event: str, command: Command) -> None:
    """Have the command answer an event, from ``ready()`` on; a taken name is a ``ValueError``."""
    if event in _commands or event in _RESERVED or not event:
        raise ValueError(f"The event {event!r} has its answer already")
    _commands[event] = command


def unregister(event: str) -> None:
    """Forget a command."""
    _commands.pop(event, None)


def run(event: str, user: User, data: object, now: datetime) -> Mapping[str, Any]:
    """Return what the event's command answers; raises ``UnknownEvent``, ``Invalid``, or what the command raises."""
    command = _commands.get(event)
    if command is None:
        raise UnknownEvent
    if not isinstance(data, Mapping):
        raise Invalid("Send an object.")
    return command(user, data, now)
