"""A scan at a door (REQUIREMENTS TK-02, TK-03): one conditional UPDATE decides (``passing``), every scan leaves a row.

Whoever changes the ticket's row got in; the row count is the verdict, so of a hundred scans at once one is
accepted, whichever doors they are at.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from accounts.services import access
from accounts.types import Capability
from common.db import retrying, violated
from common.errors import FieldError, Invalid, Unauthenticated
from common.idempotency.errors import IdempotencyMismatch
from common.operations import observed
from common.ratelimits import RateLimit, hit, require_room
from events.models import Event
from tickets.models import CheckInPolicy, Direction, ScanReason, ScanResult, Ticket, TicketScan
from tickets.services import anomalies, codes
from tickets.services.passing import opened_with, passes
from tickets.services.policies import policy_of
from tickets.services.verdicts import Claim, message_of, read_claim, result_of, why_shut
from tickets.types import MAXIMUM_GATE, MAXIMUM_NONCE, ScanAnswer, ScanTicket

_MINUTE = 60
# A scan that comes later than this is marked, and counts as catching up.
_LATE = timedelta(seconds=60)
_LOCK = 7_311_021  # advisory, with the scanner


@observed("scan")
def scan_ticket(scan: ScanTicket, *, now: datetime) -> ScanAnswer:
    """Let somebody through a door, or say why not; both are kept, with gate and scanner.

    A nonce that is sent again gets the answer of the first time. Raises ``Unauthenticated``, ``NotFound``,
    ``Forbidden`` (only scanners of the event's organization), ``Invalid``, ``IdempotencyMismatch`` (the nonce
    belongs to another code), ``RateLimited``, ``Busy``. Seven statements for somebody who gets in,
    more for what was kept without a network.
    """
    scanner_id = scan.actor.user_id
    if scanner_id is None:
        raise Unauthenticated
    event = Event.objects.select_related("checkin_policy").filter(pk=scan.event_id).first()
    if event is None:
        access.refuse_missing(scan.actor)
    access.require(scan.actor, event.organization_id, Capability.SCAN)
    policy = policy_of(event)
    _check(scan, policy, now)
    is_live = not _is_late(_made_at(scan, now), now)
    hit(_limit(is_live=is_live), str(scanner_id))
    answered = _answered_before(scan)
    if answered is not None:
        return _answer(answered)
    if is_live:
        require_room(_limit_of_refused(), str(scanner_id))
    kept = _looked_up(scan, scanner_id, event, policy, now=now)
    if is_live and kept.result not in {ScanResult.ACCEPTED, ScanResult.DUPLICATE}:
        hit(_limit_of_refused(), str(scanner_id))
    return _answer(kept)


def _limit(*, is_live: bool) -> RateLimit:
    """Return the limit of all scans; those that come late have one of their own: catching up shuts no door."""
    if is_live:
        return RateLimit("scan", settings.SCAN_RATE_LIMIT, _MINUTE)
    return RateLimit("scan.late", 2 * settings.SCAN_RATE_LIMIT, _MINUTE)


def _limit_of_refused() -> RateLimit:
    """Return the limit of live scans that are refused, whatever for. What comes late does not count: who scanned for
    hours at a door of another event, without a network to be told so, gets rid of it and shuts no door."""
    return RateLimit("scan.invalid", settings.SCAN_INVALID_RATE_LIMIT, _MINUTE)


def _limit_of_guesses() -> RateLimit:
    """Return the limit of codes that were nobody's, live or late together: to say that a scan is late gives no more
    guesses. Past it no scan is looked at, or a right one among the refused would tell itself."""
    return RateLimit("scan.guess", settings.SCAN_INVALID_RATE_LIMIT, _MINUTE)


def _looked_up(
    scan: ScanTicket, scanner_id: UUID, event: Event, policy: CheckInPolicy, *, now: datetime
) -> TicketScan:
    """Carry the scan out while the scanner has a guess left. What no key of ours signed may be one: those of one
    scanner are looked up one after the other, or as many as come at once would all be looked up before one counts."""
    require_room(_limit_of_guesses(), str(scanner_id))
    if codes.is_signed(scan.code):
        return _carried_out(scan, scanner_id, event, policy, now=now)
    return _guessed(scan, scanner_id, event, policy, now=now)


@retrying
@transaction.atomic
def _guessed(
    scan: ScanTicket, scanner_id: UUID, event: Event, policy: CheckInPolicy, *, now: datetime
) -> TicketScan:
    _lock_guesses(scanner_id)
    require_room(_limit_of_guesses(), str(scanner_id))
    kept = _carried_out(scan, scanner_id, event, policy, now=now)
    if kept.result == ScanResult.INVALID:
        hit(_limit_of_guesses(), str(scanner_id))
    return kept


def _lock_guesses(scanner_id: UUID) -> None:
    """Wait for this scanner's other guess; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(scanner_id)])


def _made_at(scan: ScanTicket, now: datetime) -> datetime:
    return min(scan.scanned_at or now, now)


def _is_late(made_at: datetime, now: datetime) -> bool:
    return now - made_at > _LATE


def _check(scan: ScanTicket, policy: CheckInPolicy, now: datetime) -> None:
    errors = []
    if not scan.code.strip():
        errors.append(FieldError("code", "blank", "Give the code."))
    if len(scan.gate) > MAXIMUM_GATE:
        errors.append(FieldError("gate", "too_long", f"At most {MAXIMUM_GATE} characters."))
    if len(scan.nonce) > MAXIMUM_NONCE:
        errors.append(FieldError("nonce", "too_long", f"At most {MAXIMUM_NONCE} characters."))
    if scan.direction == Direction.OUT and not policy.allows_reentry:
        errors.append(FieldError("direction", "exits_not_counted", "This event does not count who leaves."))
    if scan.scanned_at is not None:
        errors.extend(_wrong_time(scan.scanned_at, now))
    if errors:
        raise Invalid(errors=errors)


def _wrong_time(scanned_at: datetime, now: datetime) -> Iterator[FieldError]:
    if scanned_at.tzinfo is None:
        yield FieldError("scanned_at", "naive_time", "Give the time with its offset.")
    elif not now - timedelta(hours=settings.SCAN_OFFLINE_HOURS) <= scanned_at <= now + _LATE:
        message = f"Within the last {settings.SCAN_OFFLINE_HOURS} hours, by the server's clock."
        yield FieldError("scanned_at", "out_of_range", message)


def _answered_before(scan: ScanTicket) -> TicketScan | None:
    """Return the scan that had this nonce. Raises ``IdempotencyMismatch`` when it was of something else."""
    if not scan.nonce:
        return None
    same_nonce = TicketScan.objects.filter(scanner_id=scan.actor.user_id, nonce=scan.nonce)
    # Nearly always there is none: the ticket with all that is told of it is asked for only when there is one.
    if not same_nonce.exists():
        return None
    kept = same_nonce.select_related("ticket__tier", "ticket__holder").get()
    same = (scan.event_id, codes.hash_of(scan.code), scan.direction)
    if (kept.event_id, kept.code_hash, kept.direction) != same:
        raise IdempotencyMismatch("This nonce belongs to another scan.")
    return kept


def _carried_out(
    scan: ScanTicket, scanner_id: UUID, event: Event, policy: CheckInPolicy, *, now: datetime
) -> TicketScan:
    try:
        return _scanned(scan, scanner_id, event, policy, now=now)
    except IntegrityError as error:
        if not violated(error, "scan_nonce_once_per_scanner"):
            raise
    # The same scan was sent twice at once; the other one was faster, and what we did is undone.
    kept = _answered_before(scan)
    if kept is None:
        raise LookupError("A scan with this nonce was there and is not any more")
    return kept


@retrying
@transaction.atomic
def _scanned(
    scan: ScanTicket, scanner_id: UUID, event: Event, policy: CheckInPolicy, *, now: datetime
) -> TicketScan:
    scanned_at = _made_at(scan, now)
    is_late = _is_late(scanned_at, now)
    claim = read_claim(scan.code, event, policy, scanned_at=scanned_at)
    is_open = claim.refusal is None and passes(claim, scan, event, policy, at=scanned_at)
    ticket = _ticket_of(claim, event)
    reason = _reason(claim, ticket, scan, is_open=is_open, at=scanned_at)
    is_own = ticket is not None and ticket.event_id == event.pk
    kept = TicketScan.objects.create(
        event=event,
        ticket=ticket,
        scanner_id=scanner_id,
        gate=scan.gate.strip(),
        direction=scan.direction,
        kind=claim.kind,
        result=result_of(reason),
        reason=reason,
        code_hash=codes.hash_of(scan.code),
        nonce=scan.nonce,
        scanned_at=scanned_at,
        received_at=now,
        is_late=is_late,
        first_scanned_at=ticket.first_scanned_at if ticket is not None and is_own else None,
        first_gate=ticket.first_gate if ticket is not None and is_own else "",
    )
    anomalies.look_at(kept, now=now)
    return kept


def _ticket_of(claim: Claim, event: Event) -> Ticket | None:
    """Return the ticket that the code names, if it is one of this organization; others are not told of."""
    if claim.ticket_id is None:
        return None
    tickets = Ticket.objects.select_related("tier", "holder")
    return tickets.filter(pk=claim.ticket_id, event__organization_id=event.organization_id).first()


def _reason(
    claim: Claim, ticket: Ticket | None, scan: ScanTicket, *, is_open: bool, at: datetime
) -> ScanReason:
    if is_open:
        return ScanReason.LEFT if scan.direction == Direction.OUT else ScanReason.ADMITTED
    if claim.refusal is not None:
        return claim.refusal
    is_current = ticket is not None and _is_current(claim, ticket.pk)
    is_outside = ticket is not None and not ticket.is_inside
    is_replayed = bool(claim.nonce) and is_outside and opened_with(claim, scan, at=at).exists()
    return why_shut(ticket, Direction(scan.direction), is_current=is_current, is_replayed=is_replayed)


def _is_current(claim: Claim, ticket_id: UUID) -> bool:
    return Ticket.objects.filter(claim.is_current or Q(), pk=ticket_id).exists()


def _answer(kept: TicketScan) -> ScanAnswer:
    """Return what was answered, from what was kept: the first time and each time after."""
    reason = ScanReason(kept.reason)
    is_own = kept.ticket is not None and kept.ticket.event_id == kept.event_id
    return ScanAnswer(
        result=ScanResult(kept.result),
        reason=reason,
        message=message_of(reason),
        first_scanned_at=kept.first_scanned_at,
        first_gate=kept.first_gate,
        is_late=kept.is_late,
        ticket=kept.ticket if is_own else None,
    )
