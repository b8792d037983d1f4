"""The push channel's door: rooms hand their messages over here; a channel that delivers them registers itself.

Without a registered channel nobody has a device, so there is nobody to tell; e-mail and sockets do not depend
on it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PushMessage:
    """One message to all devices of one person. ``urgent`` ones are held back by no cap and no quiet hours.

    A ``dedupe_key`` (200 characters at most) that was used before sends nothing new. ``data``: what the app is given
    (``url``: where a tap leads); 2,000 bytes at most. After ``not_after`` it is of no use and is not sent any more.
    """

    user_id: UUID
    kind: str
    title: str
    body: str
    dedupe_key: str
    urgent: bool = False
    organization_id: UUID | None = None
    data: dict[str, str] = field(default_factory=dict)
    not_after: datetime | None = None
    campaign_id: UUID | None = None


# Writes the messages down in the caller's transaction; they are sent after the commit.
Channel = Callable[[Sequence[PushMessage], datetime], None]

_channels: list[Channel] = []


def register(channel: Channel) -> None:
    """Have the channel take messages from now on; called in ``ready()``."""
    _channels.append(channel)


def unregister(channel: Channel) -> None:
    """Forget the channel."""
    _channels.remove(channel)


def push(messages: Sequence[PushMessage], *, now: datetime) -> None:
    """Hand messages to the push channel, in the caller's transaction."""
    for channel in _channels if messages else ():
        channel(messages, now)
