"""What clients may ask for over the socket beside joining rooms: rooms of the house register their commands."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from accounts.models import User
from common.errors import Invalid, NotFound
from common.rest.text import unreadable_values
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


def find(event: str) -> Command:
    """Return the command that answers an event; raises ``UnknownEvent``."""
    command = _commands.get(event)
    if command is None:
        raise UnknownEvent
    return command


def checked(data: object) -> Mapping[str, Any]:
    """Return what a client sent, which must be an object of text and numbers that can be stored.

    Raises ``Invalid`` naming each field that cannot.
    """
    if not isinstance(data, Mapping):
        raise Invalid("Send one object.")
    errors = list(unreadable_values(data))
    if errors:
        raise Invalid(errors=errors)
    return data
