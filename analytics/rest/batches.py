"""Reading a batch of events: each by itself, so that one that is none does not lose the others."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar

import msgspec

from analytics.models import RefusalReason
from analytics.services.checking import instant
from analytics.types.tracking import MAXIMUM_EVENTS, Instant, Refused
from common.errors import Invalid
from common.rest.fast import decoded, field_error

MAXIMUM_BYTES: Final = 1024 * 1024
E = TypeVar("E")


@dataclass(slots=True)
class Read(Generic[E]):
    """What a body says: events by their place, those that could not be read, the client's clock."""

    events: list[tuple[int, E]] = field(default_factory=list)
    unreadable: list[Refused] = field(default_factory=list)
    sent_at: datetime | None = None

    @property
    def size(self) -> int:
        """How many events were sent."""
        return len(self.events) + len(self.unreadable)


class _Body(msgspec.Struct):
    events: list[msgspec.Raw]
    sent_at: Instant | None = None
    camel_sent_at: Instant | None = msgspec.field(default=None, name="sentAt")


_body = msgspec.json.Decoder(_Body)


def read_batch(raw: bytes, decoder: "msgspec.json.Decoder[E]") -> Read[E]:
    """Read a batch; what is no event is told by its place. Raises ``Invalid`` for what is no batch."""
    body: _Body = decoded(_body, raw)
    if not 1 <= len(body.events) <= MAXIMUM_EVENTS:
        raise Invalid.field("events", "out_of_range", f"1 to {MAXIMUM_EVENTS} events.")
    batch: Read[E] = Read(sent_at=_sent_at(body.sent_at or body.camel_sent_at))
    for index, event in enumerate(body.events):
        try:
            batch.events.append((index, decoder.decode(event)))
        except msgspec.ValidationError as error:
            wrong = field_error(error)
            message = f"{wrong.field}: {wrong.message}" if wrong.field else wrong.message
            batch.unreadable.append(Refused(index, RefusalReason.INVALID, message))
        except (msgspec.DecodeError, UnicodeDecodeError):
            batch.unreadable.append(Refused(index, RefusalReason.INVALID, "This is no text."))
    return batch


def _sent_at(said: datetime | float | None) -> datetime | None:
    try:
        return None if said is None else instant(said)
    except (OverflowError, ValueError, OSError) as error:
        raise Invalid.field("sent_at", "invalid", "Not an instant.") from error
