"""What holders are told by e-mail about their tickets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from notifications import kinds
from notifications.models import EmailMessage
from notifications.services.email import queue_email
from notifications.services.files import NewFile, keep_files
from notifications.templates import EmailTemplate, register
from payments.services.front_pages import front_url
from payments.services.messages import PURCHASES
from tickets.models import Ticket
from tickets.services.printing import pages_of
from tickets.services.showing import is_printable
from tickets.services.words import span_words

_COMMON = ("event_title", "when", "tier_name", "numbers", "tickets_url", "has_pages")
ISSUED = EmailTemplate("tickets_issued", _COMMON, urgent=True)
REISSUED = EmailTemplate("tickets_reissued", _COMMON, urgent=True)
MOVED = EmailTemplate("tickets_moved", _COMMON, urgent=True)


def register_templates() -> None:
    """Make the room's messages known; called once when the app is ready."""
    for template in (ISSUED, REISSUED, MOVED):
        register(template)
        kinds.assign(PURCHASES.name, template.name)


def send(template: EmailTemplate, tickets: Sequence[Ticket], *, key: str, now: datetime) -> None:
    """Tell the holder of tickets of one tier; the pages of those that open a door go along where
    the event's take paper.

    In the caller's transaction, once for a key: a second time nothing is written. The tickets have event,
    organization, check-in policy, tier, holder and sale at hand.
    """
    first, once = tickets[0], f"{template.name}:{key}"
    if EmailMessage.objects.filter(dedupe_key=once).exists():
        return
    pages = _pages(tickets, now=now)
    queue_email(
        template=template.name,
        to=first.holder.email,
        user_id=first.holder_id,
        context={
            "event_title": first.event.title,
            "when": span_words(first.event),
            "tier_name": first.tier.name,
            "numbers": [ticket.number for ticket in tickets],
            "tickets_url": front_url("tickets" if len(tickets) > 1 else f"tickets/{first.pk}"),
            "has_pages": bool(pages),
        },
        organization_id=first.event.organization_id,
        subject_ref=("order", first.sale.order_id) if first.sale else ("ticket", first.pk),
        dedupe_key=once,
        file_ids=pages,
        now=now,
    )


def _pages(tickets: Sequence[Ticket], *, now: datetime) -> tuple[UUID, ...]:
    printable = [ticket for ticket in tickets if is_printable(ticket)]
    if not printable:
        return ()
    name = f"ticket-{printable[0].number}.pdf" if len(printable) == 1 else "tickets.pdf"
    return keep_files([NewFile(name, "application/pdf", pages_of(printable, now=now))], now=now)
