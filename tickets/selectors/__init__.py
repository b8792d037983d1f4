"""Every read of this room that is asked for elsewhere."""

from tickets.selectors.checkin import Door, GateHour, door_of, scans_by_gate
from tickets.selectors.tickets import my_tickets, tickets_of, tiers_of

__all__ = ["Door", "GateHour", "door_of", "my_tickets", "scans_by_gate", "tickets_of", "tiers_of"]
