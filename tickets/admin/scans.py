"""The screen of scans: what each gate saw hour by hour, above every single scan. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.admin_base import ScopedModelAdmin
from accounts.types import Capability
from common.admin.links import link_to
from common.admin.times import time_column, time_words
from events.models import Event
from tickets.models import ScanReason, ScanResult, TicketScan
from tickets.selectors import GateHour, scans_by_gate
from tickets.services.verdicts import message_of

_EVENT: Final = "event__id__exact"
# The chart tells of this long before an event's latest scan.
_SHOWN: Final = timedelta(hours=24)
_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class Bar:
    """One gate's hour as a bar: parts of a hundred of the busiest one."""

    told: GateHour
    when: str
    accepted: float
    duplicate: float
    refused: float

    @property
    def gate(self) -> str:
        """Name the gate."""
        return self.told.gate or "No name given"

    @property
    def after_accepted(self) -> float:
        """Where the duplicates begin."""
        return self.accepted

    @property
    def after_duplicate(self) -> float:
        """Where the refused ones begin."""
        return round(self.accepted + self.duplicate, 2)


@admin.register(TicketScan)
class TicketScanAdmin(ScopedModelAdmin):
    """Every scan as it was answered."""

    organization_path = "event__organization"
    # Holders are people: who may see orders may see them.
    view_capability = Capability.VIEW_ORDERS
    nothing_here = "Each scan at a door stands here, with its gate and who scanned."
    list_display = ("received", "told", "shown_ticket", "gate", "scanner", "direction", "kind", "when")
    list_filter = ("result", "reason", "kind", "is_late", ("event", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("event", "ticket", "scanner")
    list_before_template = "admin/tickets/scan_counts.html"
    search_fields = ("ticket__number", "gate", "scanner__email")
    search_help_text = "Ticket, gate or scanner"
    fields = readonly_fields = (
        "received", "scanned", "when", "event", "shown_ticket", "told", "why", "gate", "scanner", "direction", "kind",
        "nonce",
    )  # fmt: skip

    received = time_column("received_at", "Received", "event.zone")
    scanned = time_column("scanned_at", "Scanned", "event.zone")

    @admin.display(description="Result", ordering="result")
    def told(self, scan: TicketScan) -> str:
        """Say what the scanner was told, and for a refusal why in a word."""
        result: str = scan.get_result_display()
        is_plain = scan.result == ScanResult.ACCEPTED
        return result if is_plain else f"{result}: {scan.get_reason_display().lower()}"

    @admin.display(description="Sent", ordering="is_late")
    def when(self, scan: TicketScan) -> str:
        """Say whether it was kept by a scanner without a network."""
        return "Later, kept without a network" if scan.is_late else "At once"

    @admin.display(description="Ticket", ordering="ticket__number")
    def shown_ticket(self, scan: TicketScan) -> str:
        """Lead to the ticket, where the code was one of this organization."""
        if scan.ticket is None:
            return "-"
        return link_to(reverse("admin:tickets_ticket_change", args=[scan.ticket_id]), scan.ticket.number)

    @admin.display(description="What the scanner read")
    def why(self, scan: TicketScan) -> str:
        """Say what the answer's sentence was."""
        return message_of(ScanReason(scan.reason))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the chart above the scans: of the event that was chosen, else of the latest one."""
        context = {
            **(self._chart(request) if self.has_view_permission(request) else {}),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def _chart(self, request: HttpRequest) -> dict[str, Any]:
        scans = self.get_queryset(request).order_by("-received_at", "-id")
        chosen = _id_of(request.GET.get(_EVENT, ""))
        latest: TicketScan | None = (scans.filter(event_id=chosen) if chosen else scans).first()
        if latest is None:
            return {}
        end = latest.received_at + timedelta(microseconds=1)
        rows = scans_by_gate(latest.event, start=end - _SHOWN, end=end, limit=_ROWS)
        return {"chart_event": latest.event, "bars": _bars(rows, latest.event)}


def _bars(rows: Sequence[GateHour], event: Event) -> list[Bar]:
    most = max((row.total for row in rows), default=1)
    return [
        Bar(
            row,
            _hour(row.hour, event),
            *(round(100 * n / most, 2) for n in (row.accepted, row.duplicate, row.refused)),
        )
        for row in rows
    ]


def _hour(hour: datetime, event: Event) -> str:
    return time_words(hour, event.zone)


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
