"""Scans that look wrong, counted in one open row for each ticket and kind until somebody clears it."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from accounts.services import access
from accounts.types import Capability
from common.audit import record
from common.db import retrying
from common.types import Actor
from tickets.errors import AnomalyCleared
from tickets.models import AnomalyKind, ScanAnomaly, ScanReason, ScanResult, TicketScan

# So many scans of one ticket within so long are no accident of a nervous hand.
_RAPID_SCANS = 3
_RAPID_WITHIN = timedelta(seconds=60)

_NOTE = """
INSERT INTO tickets_scananomaly AS a (id, event_id, ticket_id, scan_id, kind, detail, times, first_at, last_at)
VALUES (%(id)s, %(event)s, %(ticket)s, %(scan)s, %(kind)s, %(detail)s, 1, %(now)s, %(now)s)
ON CONFLICT (ticket_id, kind) WHERE cleared_at IS NULL DO UPDATE SET
    times = a.times + 1, last_at = greatest(a.last_at, excluded.last_at)
"""


def look_at(scan: TicketScan, *, now: datetime) -> None:
    """Flag what is wrong with a scan that was just kept, in its transaction. Nothing for one that is accepted."""
    if scan.ticket_id is None or scan.result != ScanResult.DUPLICATE:
        return
    for kind, detail in _found(scan, scan.ticket_id, now):
        values: dict[str, UUID | str | datetime] = {
            "id": uuid.uuid4(),
            "event": scan.event_id,
            "ticket": scan.ticket_id,
            "scan": scan.pk,
            "kind": kind,
            "detail": detail[:200],
            "now": now,
        }
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, values)


def _found(scan: TicketScan, ticket_id: UUID, now: datetime) -> Iterator[tuple[AnomalyKind, str]]:
    is_in = scan.reason == ScanReason.ALREADY_IN
    if is_in and scan.gate != (let_in := _let_in_at(scan, ticket_id)):
        yield AnomalyKind.TWO_DOORS, f"Let in at {_door(let_in)}, also shown at {_door(scan.gate)}."
    # Without a network nobody was turned away, for the same code again as little as for another one.
    is_kept = scan.scanned_at < scan.received_at
    if is_kept and (is_in or scan.reason == ScanReason.REPLAYED):
        yield AnomalyKind.LATE_DUPLICATE, f"Uploaded later by the scanner at {_door(scan.gate)}."
    again = TicketScan.objects.filter(ticket_id=ticket_id, received_at__gt=now - _RAPID_WITHIN)
    if again[:_RAPID_SCANS].count() >= _RAPID_SCANS:
        yield AnomalyKind.RAPID, f"{_RAPID_SCANS} or more scans within {_RAPID_WITHIN.seconds} seconds."


def _let_in_at(scan: TicketScan, ticket_id: UUID) -> str:
    """Return the gate that let the ticket in last: where people come back it is neither always the first one nor the
    one that told of it last."""
    let_in = TicketScan.objects.filter(
        ticket_id=ticket_id, event_id=scan.event_id, reason=ScanReason.ADMITTED
    ).order_by("-scanned_at", "-received_at")
    gate = let_in.values_list("gate", flat=True).first()
    return scan.first_gate if gate is None else gate


def _door(gate: str) -> str:
    return gate or "a door without a name"


@retrying
@transaction.atomic
def clear_anomaly(*, actor: Actor, anomaly_id: UUID, reason: str, now: datetime) -> ScanAnomaly:
    """Note that somebody looked at it; what comes after begins a new row.

    Raises what ``access.require`` raises, ``AnomalyCleared``.
    """
    anomaly = ScanAnomaly.objects.select_related("event").filter(pk=anomaly_id).first()
    if anomaly is None:
        access.refuse_missing(actor)
    access.require(actor, anomaly.event.organization_id, Capability.REISSUE)
    if not ScanAnomaly.objects.filter(pk=anomaly_id, cleared_at=None).update(cleared_at=now):
        raise AnomalyCleared
    anomaly.cleared_at = now
    record(
        actor=actor, action="tickets.clear_anomaly", subject=anomaly, reason=reason,
        organization_id=anomaly.event.organization_id, changes={"cleared_at": [None, now]}, now=now,
    )  # fmt: skip
    return anomaly
