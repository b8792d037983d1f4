"""What front ends send, and what they are told."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import msgspec

MAXIMUM_EVENTS: Final = 500
LONGEST_TOKEN: Final = 128
LONGEST_ID: Final = 64

# ISO 8601 with an offset, or JavaScript's ``Date.now()``: milliseconds since 1970.
Instant = Annotated[datetime, msgspec.Meta(tz=True)] | int | float


class Incoming(msgspec.Struct):
    """One event as a front end writes it, in snake_case or camelCase. What else it holds is left alone."""

    type: str
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)] | int | None = None
    timestamp: Instant | None = None
    metadata: msgspec.Raw = msgspec.Raw()  # empty: none given
    event_id: UUID | None = None
    entity_id: UUID | None = None
    session_token: Annotated[str, msgspec.Meta(max_length=LONGEST_TOKEN)] | None = None
    camel_event_id: UUID | None = msgspec.field(default=None, name="eventId")
    camel_entity_id: UUID | None = msgspec.field(default=None, name="entityId")
    camel_session_token: Annotated[str, msgspec.Meta(max_length=LONGEST_TOKEN)] | None = msgspec.field(
        default=None, name="sessionToken"
    )

    @property
    def event(self) -> UUID | None:
        """The event it is about."""
        return self.event_id or self.camel_event_id

    @property
    def entity(self) -> UUID | None:
        """The offer, ad or session it is about."""
        return self.entity_id or self.camel_entity_id

    @property
    def token(self) -> str | None:
        """The session token of the front end."""
        return self.session_token or self.camel_session_token

    def own_id(self) -> UUID:
        """Return the id that keeps it once: the client's, or one made of all that it says.

        An id that is no UUID becomes one; without an id a retry says the same and so has the same. What has neither
        an id nor a time says nothing of which it is, so each counts.
        """
        if isinstance(self.id, str):
            try:
                return UUID(self.id)
            except ValueError:
                return uuid5(NAMESPACE_OID, f"id:{self.id}")
        if self.id is not None:
            return uuid5(NAMESPACE_OID, f"id:{self.id}")
        if self.timestamp is None:
            return uuid4()
        said = (self.type, self.event, self.entity, self.timestamp, self.token)
        return uuid5(NAMESPACE_OID, f"event:{said}")


@dataclass(frozen=True, slots=True)
class Refused:
    """An event of a batch that was not kept: its place, a code, and a sentence for a person."""

    index: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sends: the shortened address, and whether it is an automated client."""

    network: str
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Events by their place in the body, those that could not be read, and the client's clock when it sent.

    ``named``: the events that unreadable ones name, by their place.
    """

    events: list[tuple[int, Incoming]]
    unreadable: list[Refused] = field(default_factory=list)
    sent_at: datetime | None = None
    named: dict[int, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tracked:
    """What became of a batch: kept, kept before, refused."""

    queued: int
    duplicates: int
    rejected: list[Refused]


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as it is written down. ``time_zone``: what is remembered to be that of the event it is about."""

    organization_id: UUID
    id: UUID
    event_id: UUID
    time_zone: str
    type: str
    entity_id: UUID
    visitor: UUID | None
    occurred_at: datetime
    metadata: str | None
