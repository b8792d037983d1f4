"""The screens of tickets and doors."""

from tickets.admin.doors import CheckInPolicyAdmin, ScanAnomalyAdmin
from tickets.admin.scans import TicketScanAdmin
from tickets.admin.tickets import TicketAdmin
from tickets.admin.tiers import TicketTierAdmin

__all__ = ["CheckInPolicyAdmin", "ScanAnomalyAdmin", "TicketAdmin", "TicketScanAdmin", "TicketTierAdmin"]
