"""Commands and answers of this room."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.types import Actor
from tickets.models import CodeKind, Direction, ScanReason, ScanResult, Ticket

MAXIMUM_QUANTITY = 20
MAXIMUM_GATE = 50
MAXIMUM_NONCE = 64


@dataclass(frozen=True, slots=True)
class SignedCode:
    """What a code says that we signed: which ticket of which event, in which generation, made when, and how."""

    ticket_id: UUID
    event_id: UUID
    generation: int
    kind: CodeKind
    issued_at: datetime
    nonce: str


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code as its holder shows it; ``expires_at`` ends a live one, a printed one at the event's end."""

    ticket: Ticket
    text: str
    kind: CodeKind
    manual_code: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PrintedTicket:
    """A ticket as a PDF, and the name to keep it under."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTicket:
    """One scan at a door.

    ``nonce`` is the scanner's own name of it: sent again, it gets the same answer. ``scanned_at`` is the
    scanner's clock, given when a scan is uploaded later; None: now.
    """

    actor: Actor
    event_id: UUID
    code: str
    gate: str = ""
    nonce: str = ""
    direction: Direction = Direction.IN
    scanned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScanAnswer:
    """What the scanner is told. ``ticket`` only where it is one of the event itself."""

    result: ScanResult
    reason: ScanReason
    message: str
    first_scanned_at: datetime | None
    first_gate: str
    is_late: bool
    ticket: Ticket | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyTickets:
    """One person's wish to buy tickets of a tier; all of them are theirs.

    ``key``: the idempotency key. ``network``: what the limit per address counts, where there is one.
    """

    event_id: UUID
    tier_id: UUID
    quantity: int
    buyer_id: UUID
    buyer_email: str
    key: str | None = None
    network: str | None = None
