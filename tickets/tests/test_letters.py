"""Letters that bring tickets: once, with the page where the doors take paper. REQ TK-01, TK-02, TK-03, NO-01."""

from io import BytesIO
from uuid import UUID, uuid4

import pypdf
import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_user
from common.outbox import Lane
from common.outbox.models import Job
from common.outbox.registry import registry
from events.tests.factories import make_event
from notifications.models import EmailFile, EmailMessage
from tickets.errors import TicketStopped
from tickets.letters import shown_manual_code
from tickets.models import CheckInPolicy, Ticket
from tickets.services import names, posting, upgrades
from tickets.services.printing import print_ticket
from tickets.services.reissuing import reissue_ticket, void_ticket
from tickets.tests.factories import make_policy, make_scanner, make_ticket, make_tier
from tickets.tests.test_sale import PURPOSE, sold

pytestmark = pytest.mark.django_db


def work_letters() -> int:
    """Work the letters that are owed, each twice as after a lost answer, and return how many there were."""
    jobs = list(Job.objects.filter(kind=names.LETTER_JOB).order_by("id"))
    for job in [*jobs, *jobs]:
        posting.send_letter(job.payload, now=NOW)
    Job.objects.filter(kind=names.LETTER_JOB).delete()
    return len(jobs)


def pages_with(message: EmailMessage) -> list[str]:
    """Return the text of each page that goes along with an e-mail."""
    [file] = EmailFile.objects.filter(attachments__message=message)
    assert (file.content_type, file.filename[:6], file.filename[-4:]) == ("application/pdf", "ticket", ".pdf")
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(bytes(file.content))).pages]


def reissue(ticket: Ticket) -> None:
    """Give new codes, as staff."""
    staff = make_scanner(ticket.event, "staff")
    reissue_ticket(actor=actor_of(staff), ticket_id=ticket.pk, reason="", now=NOW)


def test_what_was_bought_comes_with_a_page_for_each_person() -> None:
    """One urgent letter to the buyer, about the order, however often sale and job are repeated. REQ TK-01, NO-01."""
    buyer = make_user("buyer@example.test", name="Bea Buyer")
    tier = make_tier(event=make_event(title="Zürich 2096"), name="Balcony", price_amount=1500)
    make_policy(tier.event, accepts_printed=True)
    order = sold(tier, 2, buyer)
    PURPOSE.settle(order, now=NOW)
    assert work_letters() == 1
    letter = EmailMessage.objects.get()
    assert (letter.template, letter.to, letter.is_urgent) == ("tickets_issued", "buyer@example.test", True)
    assert (letter.about_type, letter.about_id, letter.organization_id) == (
        "order", order.pk, tier.event.organization_id,
    )  # fmt: skip
    assert letter.subject == "Your tickets for Zürich 2096"
    assert "The tickets for printing are attached" in letter.text_body
    pages = pages_with(letter)
    for ticket, page in zip(Ticket.objects.order_by("sale_position"), pages, strict=True):
        assert f"Balcony: {ticket.number}" in letter.text_body
        for words in (ticket.number, shown_manual_code(ticket.manual_code), "Bea Buyer"):
            assert words in page
    assert EmailFile.objects.count() == 1


def test_without_paper_the_letter_leads_to_the_living_code() -> None:
    """No file goes along, and no code: the link alone; a free ticket's too. REQ TK-02."""
    order = sold(make_tier())
    work_letters()
    letter, ticket = EmailMessage.objects.get(template="tickets_issued"), Ticket.objects.get()
    assert f"/tickets/{ticket.pk}" in letter.text_body
    assert f"/tickets/{ticket.pk}" in letter.html_body
    assert "a picture of it or a print will not do" in letter.text_body
    assert not EmailFile.objects.exists()
    for words in (ticket.manual_code, shown_manual_code(ticket.manual_code)):
        assert words not in letter.text_body + letter.html_body
    assert letter.about_id == order.pk


def test_a_reissued_ticket_comes_anew_and_the_old_page_does_not() -> None:
    """Of two re-issues before the job the later one is sent; each later one is a letter of its own. REQ TK-03."""
    ticket = make_ticket()
    make_policy(ticket.event, accepts_printed=True)
    reissue(ticket)
    reissue(ticket)
    assert work_letters() == 2
    letter = EmailMessage.objects.get()
    ticket.refresh_from_db()
    assert (letter.template, letter.to, ticket.generation) == ("tickets_reissued", ticket.holder.email, 3)
    assert shown_manual_code(ticket.manual_code) in pages_with(letter)[0]
    reissue(ticket)
    work_letters()
    assert EmailMessage.objects.filter(template="tickets_reissued").count() == 2


def test_what_is_void_by_then_is_not_sent() -> None:
    """Of two tickets the valid one comes; of none nothing does. REQ TK-03."""
    tier = make_tier(price_amount=1500)
    sold(tier, 2)
    first, second = Ticket.objects.order_by("sale_position")
    staff = actor_of(make_scanner(tier.event, "staff"))
    void_ticket(actor=staff, ticket_id=first.pk, reason="Lost", now=NOW)
    work_letters()
    assert [number in EmailMessage.objects.get().text_body for number in (first.number, second.number)] == [
        False,
        True,
    ]
    reissue(second)
    void_ticket(actor=staff, ticket_id=second.pk, reason="Lost", now=NOW)
    work_letters()
    assert EmailMessage.objects.count() == 1


@pytest.mark.parametrize("has_paper", [True, False])
def test_a_ticket_that_moves_to_another_tier_gets_a_new_page(has_paper: bool) -> None:
    """There and back, once each, where there is paper; a living code shows the new tier by itself. REQ OF-11, TK-01."""
    event, cause = make_event(), uuid4()
    ticket = make_ticket(tier=make_tier(event=event, name="Standard"))
    vip = make_tier(event=event, name="Royal", priority="VIP", units=1)
    CheckInPolicy.objects.create(event=event, accepts_printed=has_paper, updated_at=NOW)
    letters: list[tuple[str, UUID | None]] = []
    upgrades.reserve_upgrade(
        ticket_id=ticket.pk, to_tier_id=vip.pk, user_id=ticket.holder_id, cause=cause, now=NOW
    )
    for step, name in ((upgrades.settle_upgrade, "Royal"), (upgrades.reverse_upgrade, "Standard")):
        for _ in range(2):
            step(cause=cause, now=NOW)
        work_letters()
        for letter in EmailMessage.objects.filter(text_body__contains=f"is {name} now"):
            letters.append((letter.template, letter.about_id))
            assert name in pages_with(letter)[0]
    assert letters == ([("tickets_moved", ticket.pk)] * 2 if has_paper else [])


def test_a_stopped_ticket_gets_no_page() -> None:
    """Its letter comes without paper, a move of it is not worth one, and the door to the page says why; once it
    opens doors again there is one. REQ TK-01, TK-02."""
    ticket = make_ticket()
    make_policy(ticket.event, accepts_printed=True)
    holder = actor_of(ticket.holder)
    Ticket.objects.filter(pk=ticket.pk).update(stopped_reason="Disputed")
    reissue(ticket)
    ticket.refresh_from_db()
    posting.owe_moved(ticket, "stopped", now=NOW)
    Ticket.objects.filter(pk=ticket.pk).update(stopped_reason="")
    ticket.refresh_from_db()
    posting.owe_moved(ticket, "free", now=NOW)
    Ticket.objects.filter(pk=ticket.pk).update(stopped_reason="Disputed")
    assert work_letters() == 2
    assert EmailMessage.objects.get().template == "tickets_reissued"
    assert not EmailFile.objects.exists()
    with pytest.raises(TicketStopped):
        print_ticket(holder, ticket.pk, now=NOW)
    Ticket.objects.filter(pk=ticket.pk).update(stopped_reason="")
    assert print_ticket(holder, ticket.pk, now=NOW).content.startswith(b"%PDF")


def test_pages_are_drawn_where_nothing_urgent_waits() -> None:
    """A page keeps a processor busy: seat offers and access codes do not stand behind it. REQ OP-03."""
    assert registry.get(names.LETTER_JOB).lane == Lane.BULK
