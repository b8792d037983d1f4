"""What a scan is answered: the code judged by itself, then what the ticket's row says when it opened nothing."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from events.models import Event
from tickets.letters import manual_code_hash, typed_manual_code
from tickets.models import CheckInPolicy, CodeKind, Direction, ScanReason, ScanResult, Ticket, TicketStatus
from tickets.models.tickets import MANUAL_CODE_HASH
from tickets.services import codes
from tickets.types import SignedCode

# A phone that shows a code and the one that scans it need not have the very same time.
SKEW = timedelta(seconds=30)

_RESULT = {
    ScanReason.ADMITTED: ScanResult.ACCEPTED,
    ScanReason.LEFT: ScanResult.ACCEPTED,
    ScanReason.ALREADY_IN: ScanResult.DUPLICATE,
    ScanReason.ALREADY_OUT: ScanResult.DUPLICATE,
    ScanReason.REPLAYED: ScanResult.DUPLICATE,
    ScanReason.UNREADABLE: ScanResult.INVALID,
    ScanReason.FORGED: ScanResult.INVALID,
    ScanReason.UNKNOWN: ScanResult.INVALID,
    ScanReason.PRINTED_REFUSED: ScanResult.INVALID,
    ScanReason.TOO_OLD: ScanResult.EXPIRED,
    ScanReason.EVENT_OVER: ScanResult.EXPIRED,
    ScanReason.VOIDED: ScanResult.VOID,
    ScanReason.REISSUED: ScanResult.VOID,
    ScanReason.STOPPED: ScanResult.VOID,
    ScanReason.OTHER_EVENT: ScanResult.WRONG_EVENT,
}
_MESSAGES = {
    ScanReason.ADMITTED: "Welcome.",
    ScanReason.LEFT: "Goodbye. The ticket lets in again.",
    ScanReason.ALREADY_IN: "This ticket was used already.",
    ScanReason.ALREADY_OUT: "Nobody is inside with this ticket.",
    ScanReason.REPLAYED: "This very code was used already; ask for a fresh one.",
    ScanReason.UNREADABLE: "This is not a ticket's code.",
    ScanReason.FORGED: "This code is not genuine.",
    ScanReason.UNKNOWN: "There is no such ticket.",
    ScanReason.PRINTED_REFUSED: "This event does not accept printed codes; ask for the live one.",
    ScanReason.TOO_OLD: "This code ran out; ask for a fresh one.",
    ScanReason.EVENT_OVER: "The event is over.",
    ScanReason.VOIDED: "This ticket is void.",
    ScanReason.REISSUED: "This code was replaced; ask for the new one.",
    ScanReason.STOPPED: "The payment of this ticket is in question; send them to the desk.",
    ScanReason.OTHER_EVENT: "This is a ticket of another event.",
}


def result_of(reason: ScanReason) -> ScanResult:
    """Return the contract's word for a reason."""
    return _RESULT[reason]


def message_of(reason: ScanReason) -> str:
    """Return the sentence that the person at the door reads."""
    return _MESSAGES[reason]


@dataclass(frozen=True, slots=True)
class Claim:
    """A code that speaks for a ticket: which, how, and what the ticket's row must still say.

    ``refusal`` is what is wrong with the code by itself; then no row is changed.
    """

    kind: CodeKind
    ticket_id: UUID | None = None
    is_current: Q | None = None
    nonce: str = ""
    refusal: ScanReason | None = None


def read_claim(text: str, event: Event, policy: CheckInPolicy, *, scanned_at: datetime) -> Claim:
    """Judge a code by what stands in it. Asks the database for a typed code alone: one query."""
    try:
        code = codes.read(text)
    except codes.NotACode:
        return _typed(text, event, scanned_at)
    except codes.Forged:
        return Claim(CodeKind.UNREADABLE, refusal=ScanReason.FORGED)
    return Claim(
        code.kind,
        ticket_id=code.ticket_id,
        is_current=Q(generation=code.generation),
        nonce=code.nonce if code.kind == CodeKind.LIVE else "",
        refusal=_refusal(code, event, policy, scanned_at),
    )


def _refusal(
    code: SignedCode, event: Event, policy: CheckInPolicy, scanned_at: datetime
) -> ScanReason | None:
    if code.event_id != event.pk:
        return ScanReason.OTHER_EVENT
    if scanned_at >= event.ends_at:
        return ScanReason.EVENT_OVER
    if code.kind == CodeKind.PRINTED:
        return None if policy.accepts_printed else ScanReason.PRINTED_REFUSED
    age = scanned_at - code.issued_at
    is_fresh = -SKEW <= age < timedelta(seconds=settings.TICKET_LIVE_SECONDS)
    return None if is_fresh else ScanReason.TOO_OLD


def _typed(text: str, event: Event, scanned_at: datetime) -> Claim:
    code = typed_manual_code(text)
    if code is None:
        return Claim(CodeKind.UNREADABLE, refusal=ScanReason.UNREADABLE)
    found = _with_manual_code(code, event)
    if found is None:
        return Claim(CodeKind.MANUAL, refusal=ScanReason.UNKNOWN)
    refusal = None
    if found.event_id != event.pk:
        refusal = ScanReason.OTHER_EVENT
    elif scanned_at >= event.ends_at:
        refusal = ScanReason.EVENT_OVER
    # A re-issue changes the letters and the generation together, so the generation tells whether they still hold.
    is_current = Q(generation=found.generation)
    return Claim(CodeKind.MANUAL, ticket_id=found.pk, is_current=is_current, refusal=refusal)


def _with_manual_code(code: str, event: Event) -> Ticket | None:
    """Return the organization's ticket with this code for typing.

    It is looked up by its hash: what an index compares, and how far, tells nothing of anybody's letters. Those are
    compared here, in constant time. Of other organizations' tickets a typed code tells nothing, or one could look
    for theirs here.
    """
    mine = Ticket.objects.filter(event__organization_id=event.organization_id).alias(hash=MANUAL_CODE_HASH)
    found = mine.filter(hash=manual_code_hash(code)).only("event_id", "generation", "manual_code").first()
    if found is None or not hmac.compare_digest(found.manual_code, code):
        return None
    return found


def why_shut(
    ticket: Ticket | None, direction: Direction, *, is_current: bool, is_replayed: bool
) -> ScanReason:
    """Say why the ticket's row did not change: what its holder should hear first comes first."""
    if ticket is None:
        return ScanReason.UNKNOWN
    if ticket.status != TicketStatus.VALID:
        return ScanReason.VOIDED
    if not is_current:
        return ScanReason.REISSUED
    if ticket.stopped_reason:
        return ScanReason.STOPPED
    if direction == Direction.OUT:
        return ScanReason.ALREADY_OUT
    if is_replayed:
        return ScanReason.REPLAYED
    return ScanReason.ALREADY_IN
