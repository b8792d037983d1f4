"""What is handed to a provider, and what its answer comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Outcome(StrEnum):
    """How one attempt ended.

    ``gone``: the device takes no more, it is switched off. ``refused``: this message is not taken for this device.
    ``off_list``: we do not write to its host (any more); the device may be as well as ever.
    ``doubted``: refused by who we are, which may be the fault of our account or of this one device: it is no attempt,
    and asked again. ``retry`` and ``unknown`` (no answer: it may have been taken) are tried again. ``paused``: our
    account is in trouble or the provider is not reached; it is no attempt, and everybody waits.
    """

    SENT = "sent"
    GONE = "gone"
    REFUSED = "refused"
    OFF_LIST = "off_list"
    DOUBTED = "doubted"
    RETRY = "retry"
    UNKNOWN = "unknown"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one attempt ended. ``retry_after``: the seconds that the provider asks for, or None.

    ``for_everybody``: whoever writes to this provider is to wait that long, not this device alone. ``part``: what
    pauses is this part of the provider alone (``parts.part_of``). ``blames_device``: refused for what the device is,
    and not for what it was sent.
    """

    outcome: Outcome
    detail: str = ""
    provider_message_id: str = ""
    retry_after: float | None = None
    for_everybody: bool = False
    part: str = ""
    blames_device: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A device as its provider knows it; the keys are a browser's."""

    provider: str
    token: str
    p256dh: str = ""
    auth: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one device. ``ttl``: the seconds for which a provider keeps it for a device that is away.

    ``id`` is the message's: a device that gets it twice shows it once. ``receipt`` is what the device sends back.
    """

    id: UUID
    title: str
    body: str
    receipt: str
    ttl: int
    is_urgent: bool = False
    data: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, str]:
        """Return what the app is given beside the words: the message's own data, its id and its receipt."""
        return {**self.data, "message_id": str(self.id), "receipt": self.receipt}
