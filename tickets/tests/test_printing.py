"""Tickets on paper: what the page says, that its code opens the door, and who may have it. REQ TK-01, TK-02."""

from io import BytesIO
from typing import Any

import pypdf
import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import NOW, bearer, make_member, make_user
from common import clock
from common.audit.models import AuditEntry
from common.ratelimits import hit
from config.tests.qr import drawn_squares, read
from events.tests.factories import make_event
from tickets.letters import shown_manual_code
from tickets.models import Ticket, TicketScan
from tickets.services import printing
from tickets.services.reissuing import void_ticket
from tickets.services.ticket_pages import SQUARE
from tickets.tests.factories import actor_of, make_policy, make_scanner, make_ticket, make_tier, scan

pytestmark = pytest.mark.django_db


def make_paper(holder: User | None = None, *, tier: str = "Balcony", **event: Any) -> Ticket:
    """Issue a ticket of an event whose doors take paper."""
    made = make_event(**{"title": "Zürich 2096", "time_zone": "Europe/Zurich", **event})
    make_policy(made, accepts_printed=True)
    return make_ticket(holder=holder, tier=make_tier(event=made, name=tier))


def fetch(ticket: Ticket, user: User | None, accept: str = "application/pdf") -> Any:
    """Ask for the page."""
    headers = {"Accept": accept, **(bearer(user) if user else {})}
    return Client().get(f"/api/v1/tickets/{ticket.pk}/pdf", headers=headers)


@pytest.mark.node
def test_a_printed_ticket_opens_the_door_once() -> None:
    """The page names event, day by the event's clocks, tier, holder, number; its code lets in. REQ TK-01, TK-02."""
    ticket = make_paper(make_user(name="Hana Holder"))
    answer = fetch(ticket, ticket.holder)
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "application/pdf",
        "no-store",
    )
    assert answer["Content-Disposition"] == f'attachment; filename="ticket-{ticket.number}.pdf"'
    [page] = pypdf.PdfReader(BytesIO(answer.content)).pages
    assert [round(float(side) / 72 * 25.4) for side in page.mediabox[2:]] == [210, 297]
    text = " ".join(page.extract_text().split())
    for words in (
        "Zürich 2096", "Tuesday, 20 November 2096, 13:00 to Friday, 30 November 2096, 13:00 (CET)",
        "Balcony", "Hana Holder", ticket.number, shown_manual_code(ticket.manual_code),
    ):  # fmt: skip
        assert words in text
    code = read(drawn_squares(answer.content, millimetres=SQUARE))
    scanner = make_scanner(ticket.event)
    assert scan(scanner, ticket.event, code, gate="North").result == "accepted"
    again = scan(scanner, ticket.event, code, gate="South")
    assert (again.result, again.first_gate) == ("duplicate", "North")
    assert TicketScan.objects.filter(kind="PRINTED").count() == 2


def test_long_names_and_other_letters_keep_the_page_in_order() -> None:
    """Cut with three dots, on one page, the code whole and on the paper; what has no letter is a box. REQ TK-01."""
    ticket = make_paper(
        make_user(name="Κωνσταντίνος " * 9 + "李雷"),
        tier="Очень длинное название " * 4,
        title="Ein langer Titel " * 11,
    )
    content = printing.pages_of([ticket], now=NOW)
    [page] = pypdf.PdfReader(BytesIO(content)).pages
    text = page.extract_text()
    for words in ("Ein langer Titel", "Очень длинное", "Κωνσταντίνος", "…", ticket.number):
        assert words in text
    squares = drawn_squares(content, millimetres=SQUARE)
    assert {len(row) for row in squares} == {len(squares)} == {41}
    short = make_paper(make_user(name="李雷"))
    assert (
        "□ is a character"
        in pypdf.PdfReader(BytesIO(printing.pages_of([short], now=NOW))).pages[0].extract_text()
    )


def test_who_may_not_have_the_page() -> None:
    """Strangers, rivals, scanners; a void ticket; an event without paper: refused, nothing noted. REQ EV-03, TK-02."""
    ticket, elsewhere = make_paper(), make_ticket()
    refused = [
        (ticket, None, 401, "unauthenticated"),
        (ticket, make_user(), 404, "not_found"),
        (ticket, make_member("owner"), 404, "not_found"),
        (ticket, make_scanner(ticket.event), 403, "forbidden"),
        (ticket, make_scanner(ticket.event, "analyst"), 403, "forbidden"),
        (elsewhere, elsewhere.holder, 409, "printed_codes_off"),
    ]
    staff = actor_of(make_scanner(ticket.event, "staff"))
    for of, user, status, code in refused:
        answer = fetch(of, user)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    void_ticket(actor=staff, ticket_id=ticket.pk, reason="Lost", now=clock.now())
    assert fetch(ticket, ticket.holder).json()["code"] == "ticket_void"
    assert not AuditEntry.objects.filter(action="tickets.print").exists()


def test_staff_print_on_the_record_and_nobody_without_end() -> None:
    """A member who may re-issue prints it too, which the history tells; twenty pages a minute each. REQ TK-03."""
    ticket = make_paper()
    staff = make_scanner(ticket.event, "staff")
    assert fetch(ticket, staff, accept="*/*").content.startswith(b"%PDF")
    entry = AuditEntry.objects.get(action="tickets.print")
    assert (entry.actor_id, entry.subject_id) == (staff.pk, str(ticket.pk))
    hit(printing._LIMIT, str(staff.pk), cost=19)
    assert fetch(ticket, staff).status_code == 429
    assert AuditEntry.objects.filter(action="tickets.print").count() == 1


def test_my_tickets_say_which_can_be_printed(client: Client) -> None:
    """By the event's policy, and void ones cannot; GraphQL says the same. REQ TK-01, GQ-01."""
    me = make_user()
    paper, plain = make_paper(me), make_ticket(holder=me)
    gone = make_ticket(holder=me, tier=paper.tier)
    Ticket.objects.filter(pk=gone.pk).update(status="VOID")
    expected = {str(paper.pk): True, str(plain.pk): False, str(gone.pk): False}
    rest = client.get("/api/v1/me/tickets", headers=bearer(me)).json()["results"]
    assert {one["id"]: one["is_printable"] for one in rest} == expected
    body = {"query": "{ myTickets { id isPrintable } }"}
    same = client.post("/graphql", body, content_type="application/json", headers=bearer(me)).json()
    assert {one["id"]: one["isPrintable"] for one in same["data"]["myTickets"]} == expected


def test_staff_print_from_the_tickets_own_page(client: Client) -> None:
    """The button is there where there is paper; refused, the ticket's page says why. REQ TK-03, EV-04."""
    ticket = make_paper()
    page, pdf = (f"/admin/tickets/ticket/{ticket.pk}/{name}/" for name in ("change", "pdf"))
    client.force_login(make_scanner(ticket.event, "staff"))
    assert "Ticket as PDF" in client.get(page).content.decode()
    assert client.get(pdf).content.startswith(b"%PDF")
    Ticket.objects.update(status="VOID")
    assert "Ticket as PDF" not in client.get(page).content.decode()
    assert "This ticket is void" in client.get(pdf, follow=True).content.decode()
    client.force_login(make_scanner(ticket.event, "analyst"))
    assert client.get(pdf).status_code in {403, 404}
    client.force_login(make_member("owner"))
    assert client.get(pdf).status_code == 404
    assert AuditEntry.objects.filter(action="tickets.print").count() == 1
