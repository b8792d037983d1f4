"""Tiers, their sales and tickets, and what happens at the door."""

from tickets.models.changes import TierChange, TierChangeStatus
from tickets.models.checkin import (
    AnomalyKind,
    CheckInPolicy,
    CodeKind,
    Direction,
    ScanAnomaly,
    ScanReason,
    ScanResult,
    TicketScan,
)
from tickets.models.sales import TicketSale
from tickets.models.tickets import Ticket, TicketStatus
from tickets.models.tiers import Priority, TicketTier

__all__ = [
    "AnomalyKind",
    "CheckInPolicy",
    "CodeKind",
    "Direction",
    "Priority",
    "ScanAnomaly",
    "ScanReason",
    "ScanResult",
    "Ticket",
    "TicketSale",
    "TicketScan",
    "TicketStatus",
    "TicketTier",
    "TierChange",
    "TierChangeStatus",
]
