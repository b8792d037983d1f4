"""Reads over what the doors saw."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import TruncHour

from accounts.services import access
from accounts.types import Capability
from common.redis import client, guarded
from common.types import Actor
from events.models import Event
from tickets.models import ScanResult, Ticket, TicketScan, TicketStatus
from tickets.services.policies import policy_of

_PREFIX: Final = "marquee:door"
_KEPT_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Door:
    """How an event checks in, and how many valid tickets came."""

    event_id: UUID
    accepts_printed: bool
    allows_reentry: bool
    tickets: int
    admitted: int
    inside: int


@dataclass(frozen=True, slots=True)
class GateHour:
    """What one gate saw in one hour of the event's time zone."""

    gate: str
    hour: datetime
    accepted: int
    duplicate: int
    refused: int

    @property
    def total(self) -> int:
        """All scans."""
        return self.accepted + self.duplicate + self.refused


def door_of(actor: Actor, event_id: UUID) -> Door:
    """Return an event's policy and figures, for its scanners. Raises what ``access.require`` raises.

    The figures are up to five seconds old: every door asks, and each time all tickets are counted.
    """
    event = Event.objects.select_related("checkin_policy").filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.SCAN)
    policy = policy_of(event)
    return Door(event.pk, policy.accepts_printed, policy.allows_reentry, **_figures(event.pk))


def _figures(event_id: UUID) -> dict[str, int]:
    key = f"{_PREFIX}:{event_id}"
    kept = guarded(lambda: _read(key), lambda: None)
    if kept is not None:
        return kept
    counts: dict[str, int] = Ticket.objects.filter(event_id=event_id, status=TicketStatus.VALID).aggregate(
        tickets=Count("pk"),
        admitted=Count("pk", filter=Q(first_scanned_at__isnull=False)),
        inside=Count("pk", filter=Q(is_inside=True)),
    )
    guarded(lambda: client().set(key, json.dumps(counts), ex=_KEPT_SECONDS), lambda: None)
    return counts


def _read(key: str) -> dict[str, int] | None:
    kept: Any = client().get(key)
    return None if kept is None else json.loads(kept)


def scans_by_gate(event: Event, *, start: datetime, end: datetime, limit: int) -> Sequence[GateHour]:
    """Return what each gate of an event saw in ``[start, end)``, hour by hour of the event's zone. One query.

    Of more than ``limit`` the latest ones. The caller answers for who may see it.
    """
    scans = TicketScan.objects.filter(event=event, received_at__gte=start, received_at__lt=end)
    hours = scans.annotate(hour=TruncHour("scanned_at", tzinfo=event.zone)).values("gate", "hour")
    rows = hours.annotate(
        accepted=Count("pk", filter=Q(result=ScanResult.ACCEPTED)),
        duplicate=Count("pk", filter=Q(result=ScanResult.DUPLICATE)),
        refused=Count("pk", filter=~Q(result__in=[ScanResult.ACCEPTED, ScanResult.DUPLICATE])),
    )
    latest = rows.order_by("-hour", "-gate")[:limit]
    return [GateHour(**row) for row in reversed(latest)]
