"""The demo's doors: how the conference checks in, and a rehearsal at two gates with what goes wrong there."""

from datetime import datetime, timedelta

from accounts.services.access import actor_of
from common.types import SYSTEM
from config.demo.events import Stage
from config.demo.people import People
from events.models import Event
from tickets.models import CheckInPolicy, Ticket, TicketScan
from tickets.services.policies import set_policy
from tickets.services.scanning import scan_ticket
from tickets.types import ScanTicket

# Whose tickets the rehearsal used: the others of the demo are still unused.
_CAME = range(29, 41)
_GATES = ("North gate", "South gate")
_EVERY = timedelta(minutes=11)


def seed_doors(people: People, stage: Stage, *, now: datetime) -> int:
    """Set the conference's policy and scan some tickets, if nothing was scanned yet; return how many scans."""
    event = stage.events["demo-conf"]
    if not CheckInPolicy.objects.filter(event=event).exists():
        set_policy(actor=SYSTEM, event_id=event.pk, accepts_printed=True, allows_reentry=True, now=now)
    if TicketScan.objects.filter(event=event).exists():
        return 0
    holders = [people.users[f"standard{number}"].pk for number in _CAME]
    tickets = list(Ticket.objects.filter(event=event, holder_id__in=holders).order_by("holder__email"))
    began = now - _EVERY * len(tickets) - timedelta(hours=1)
    for number, ticket in enumerate(tickets):
        _scan(people, event, ticket.manual_code, number, began + _EVERY * number)
    # Somebody lent their ticket to a friend, and somebody held up another thing.
    for number, code in ((len(tickets), tickets[0].manual_code), (1, "https://example.test/menu")):
        _scan(people, event, code, number + 1, began + _EVERY * len(tickets))
    return TicketScan.objects.filter(event=event).count()


def _scan(people: People, event: Event, code: str, number: int, at: datetime) -> None:
    scanner = actor_of(people.users["scanner"])
    gate = _GATES[number % len(_GATES)]
    scan_ticket(ScanTicket(actor=scanner, event_id=event.pk, code=code, gate=gate), now=at)
