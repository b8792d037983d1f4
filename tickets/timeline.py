"""What this room has to say in an order's timeline: the tickets, and what staff did to them."""

from collections.abc import Iterator

from common.audit.models import AuditEntry
from payments.models import Order
from payments.timeline import Entry, register, staff_act
from tickets.models import Ticket
from tickets.services.names import PURPOSE


@register
def tickets(order: Order) -> Iterator[Entry]:
    """Say when tickets were issued, used and voided. Two queries for an order of tickets."""
    if order.purpose != PURPOSE:
        return
    issued = list(Ticket.objects.filter(sale_id=order.purpose_id).order_by("sale_position"))
    for ticket in issued:
        yield Entry(ticket.issued_at, "ticket", f"Ticket {ticket.number} issued")
        if ticket.first_scanned_at:
            gate = ticket.first_gate or "a door"
            yield Entry(ticket.first_scanned_at, "ticket", f"Ticket {ticket.number} let in", gate)
        if ticket.voided_at:
            yield Entry(ticket.voided_at, "ticket", f"Ticket {ticket.number} void", is_trouble=True)
    ids = [str(ticket.pk) for ticket in issued]
    for act in AuditEntry.objects.filter(subject_type="tickets.ticket", subject_id__in=ids):
        yield staff_act(act)
