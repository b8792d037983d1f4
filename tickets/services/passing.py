"""Who passes a door, and what the ticket's row says after it (REQUIREMENTS TK-02): one conditional UPDATE decides."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, Exists, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from events.models import Event
from tickets.models import CheckInPolicy, Direction, ScanReason, Ticket, TicketScan, TicketStatus
from tickets.services import codes
from tickets.services.verdicts import SKEW, Claim
from tickets.types import ScanTicket


def passes(claim: Claim, scan: ScanTicket, event: Event, policy: CheckInPolicy, *, at: datetime) -> bool:
    """Change the ticket's row if all that lets it through is so at this very moment; the verdict is the row."""
    if claim.ticket_id is None:
        return False
    tickets = _tickets(claim, event).filter(free_to_pass(claim, scan, policy, at=at))
    if scan.direction == Direction.OUT:
        return bool(tickets.update(is_inside=False))
    return _let_in(tickets, scan, at=at, is_inside=True, last_code_nonce=claim.nonce)


def free_to_pass(claim: Claim, scan: ScanTicket, policy: CheckInPolicy, *, at: datetime) -> Q:
    """Return what keeps a ticket from passing twice.

    Where people come back a live code opens once: whoever leaves cannot hand theirs over the fence.
    """
    if scan.direction == Direction.OUT:
        return Q(is_inside=True)
    if not policy.allows_reentry:
        return Q(first_scanned_at=None)
    is_outside = Q(is_inside=False)
    if not claim.nonce:
        return is_outside
    # The row is looked at again when another door was faster, the log is not: so the last code stands in both.
    return is_outside & ~Q(last_code_nonce=claim.nonce) & ~Exists(opened_with(claim, scan, at=at))


def opened_with(claim: Claim, scan: ScanTicket, *, at: datetime) -> QuerySet[TicketScan]:
    """Return the scans that let somebody in with this very code. It was no code before its life began."""
    born = at - timedelta(seconds=settings.TICKET_LIVE_SECONDS) - SKEW
    return TicketScan.objects.filter(
        Q(ticket_id=claim.ticket_id),
        reason=ScanReason.ADMITTED,
        code_hash=codes.hash_of(scan.code),
        received_at__gte=born,
    )


def _tickets(claim: Claim, event: Event) -> QuerySet[Ticket]:
    """Return the ticket of the code, unless it opens nothing."""
    return Ticket.objects.filter(
        claim.is_current or Q(),
        Q(pk=claim.ticket_id),
        event_id=event.pk,
        status=TicketStatus.VALID,
        stopped_reason="",
    )


def _let_in(tickets: QuerySet[Ticket], scan: ScanTicket, *, at: datetime, **now_known: bool | str) -> bool:
    is_first = When(first_scanned_at=None, then=Value(scan.gate.strip()))
    return bool(
        tickets.update(
            first_gate=Case(is_first, default=F("first_gate")),
            first_scanned_at=Coalesce("first_scanned_at", Value(at)),
            admissions=F("admissions") + 1,
            **now_known,
        )
    )
