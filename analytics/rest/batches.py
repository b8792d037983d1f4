"""Reading a batch of events: each by itself, so that one that is none does not lose the others."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar
from uuid import UUID

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
    """What a body says: events by their place, those that could not be read, the client's clock.

    ``named``: the events that unreadable ones name, by their place.
    """

    events: list[tuple[int, E]] = field(default_factory=list)
    unreadable: list[Refused] = field(default_factory=list)
    sent_at: datetime | None = None
    named: dict[int, UUID] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many events were sent."""
        return len(self.events) + len(self.unreadable)


class _Body(msgspec.Struct):
    events: list[msgspec.Raw]
    sent_at: msgspec.Raw = msgspec.Raw()  # empty: none given
    camel_sent_at: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="sentAt")


class _Named(msgspec.Struct):
    """All that is wanted of an event that cannot be read: whose it is."""

    event_id: UUID | None = None
    camel_event_id: UUID | None = msgspec.field(default=None, name="eventId")


_body = msgspec.json.Decoder(_Body)
_named = msgspec.json.Decoder(_Named)
_instant = msgspec.json.Decoder(Instant | None)


def read_batch(raw: bytes, decoder: "msgspec.json.Decoder[E]") -> Read[E]:
    """Read a batch; what is no event is told by its place. Raises ``Invalid`` for what is no batch."""
    body: _Body = decoded(_body, raw)
    if not 1 <= len(body.events) <= MAXIMUM_EVENTS:
        raise Invalid.field("events", "out_of_range", f"1 to {MAXIMUM_EVENTS} events.")
    batch: Read[E] = Read(sent_at=_sent_at(body.sent_at) or _sent_at(body.camel_sent_at))
    for index, event in enumerate(body.events):
        try:
            batch.events.append((index, decoder.decode(event)))
        except msgspec.ValidationError as error:
            wrong = field_error(error)
            message = f"{wrong.field}: {wrong.message}" if wrong.field else wrong.message
            batch.unreadable.append(Refused(index, RefusalReason.INVALID, message))
            named = _event_named(event)
            if named is not None:
                batch.named[index] = named
        except (msgspec.DecodeError, UnicodeDecodeError):
            batch.unreadable.append(Refused(index, RefusalReason.INVALID, "This is no text."))
    return batch


def _event_named(event: msgspec.Raw) -> UUID | None:
    try:
        named: _Named = _named.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return named.event_id or named.camel_event_id


def _sent_at(raw: msgspec.Raw) -> datetime | None:
    """Return the client's clock; one that cannot be read corrects nothing, and loses no event."""
    try:
        said = _instant.decode(raw) if bytes(raw) else None
        return None if said is None else instant(said)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, ValueError, OSError):
        return None
