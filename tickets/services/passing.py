"""Who passes a door, and what the ticket's row says after it (REQUIREMENTS TK-02): one conditional UPDATE decides.

Where people come back, what a scanner without a network kept is put where it belongs by its own time: what doors
saw later than that stands, whenever it arrives.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, Exists, F, Q, QuerySet, Value, When
from django.db.models.functions import Least

from events.models import Event
from tickets.models import CheckInPolicy, Direction, ScanReason, Ticket, TicketScan, TicketStatus
from tickets.services import codes
from tickets.services.verdicts import SKEW, Claim
from tickets.types import ScanTicket

# What says where the holder was from then on. Who is not let out is not inside, whatever was known until then.
_TELLING = Q(reason__in=(ScanReason.ADMITTED, ScanReason.LEFT, ScanReason.ALREADY_OUT))
# Who was inside already is turned away at a door that is told so. One without a network turned nobody away: its scan
# is older than its arrival.
_WENT_IN = Q(reason=ScanReason.ALREADY_IN, scanned_at__lt=F("received_at"))


def passes(claim: Claim, scan: ScanTicket, event: Event, policy: CheckInPolicy, *, at: datetime) -> bool:
    """Change the ticket's row if all that lets it through is so at this very moment; the verdict is the row."""
    if claim.ticket_id is None:
        return False
    # However short it was without a network: doors may have seen the ticket meanwhile.
    is_kept = scan.scanned_at is not None
    if policy.allows_reentry and (is_kept or scan.direction == Direction.OUT):
        # Locked before it is asked what doors saw: who comes in or goes out meanwhile is waited for.
        Ticket.objects.select_for_update(no_key=True).filter(pk=claim.ticket_id).values("pk").first()
        if is_kept and _seen(claim, event).filter(scanned_at__gt=at).exists():
            return _passed_before(claim, scan, event, at=at)
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
    return is_outside & ~Q(last_code_nonce=claim.nonce) & Q(~Exists(opened_with(claim, scan, at=at)))


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


def _seen(claim: Claim, event: Event) -> QuerySet[TicketScan]:
    return TicketScan.objects.filter(Q(ticket_id=claim.ticket_id), _TELLING | _WENT_IN, event_id=event.pk)


def _passed_before(claim: Claim, scan: ScanTicket, event: Event, *, at: datetime) -> bool:
    """Judge a scan of a time after which doors saw the ticket again: whether somebody is inside now stays as it is.

    A way in fits there when nobody was inside until then and the next door found nobody to let out. A way out
    would change nothing that is known.
    """
    if scan.direction == Direction.OUT:
        return False
    seen = _seen(claim, event).values_list("reason", flat=True)
    last = seen.filter(scanned_at__lte=at).order_by("-scanned_at", "-received_at").first()
    following = seen.filter(scanned_at__gt=at).order_by("scanned_at", "received_at").first()
    if last in {ScanReason.ADMITTED, ScanReason.ALREADY_IN} or following != ScanReason.ALREADY_OUT:
        return False
    tickets = _tickets(claim, event)
    if claim.nonce:
        tickets = tickets.filter(~Exists(opened_with(claim, scan, at=at)))
    # A live scan of this very code that waits for the row looks at the row again, not at the log.
    return _let_in(tickets, scan, at=at, last_code_nonce=claim.nonce)


def _let_in(tickets: QuerySet[Ticket], scan: ScanTicket, *, at: datetime, **now_known: bool | str) -> bool:
    # The first in time, which need not be the first to arrive.
    is_first = When(Q(first_scanned_at=None) | Q(first_scanned_at__gt=at), then=Value(scan.gate.strip()))
    return bool(
        tickets.update(
            first_gate=Case(is_first, default=F("first_gate")),
            first_scanned_at=Least("first_scanned_at", Value(at)),
            admissions=F("admissions") + 1,
            **now_known,
        )
    )
