"""A ticket that is stopped counts as none where a place or a seat is given for it, and as before when it goes on."""

from typing import Any

import pytest

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_user
from common import idempotency
from common.outbox.testing import run_due
from events.models import Attendance, Session
from events.tests.factories import make_registration
from payments.models import Order
from payments.purposes import purpose_of
from tickets.services.checkout import reserve_tickets
from tickets.tests.factories import make_ticket, make_tier
from tickets.types import BuyTickets
from waitlist.errors import TicketRequired
from waitlist.models import Entry
from waitlist.services import answering
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import books, free_up, join, make_full_session, statuses, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    """Return a session where every seat is taken."""
    return make_full_session()


def buy_vip(session: Session, buyer: User | None = None) -> Order:
    """Return the order of somebody's VIP ticket; its money is said to be in question by ``stop``."""
    buyer = buyer or make_user()
    tier = make_tier(event=session.event, priority="VIP")
    wish = BuyTickets(
        event_id=session.event_id, tier_id=tier.pk, quantity=1, buyer_id=buyer.pk, buyer_email=buyer.email
    )
    return reserve_tickets(wish, idempotency.Ticket(None, None, None), now=NOW)


def stop(order: Order) -> None:
    """Stop the order's tickets, and have done what follows."""
    purpose_of(order).stop_fulfilment(order, reason="The order was refunded.", now=NOW)
    run_due(NOW)


def go_on(order: Order) -> None:
    """Let them open doors again, as after a dispute that was won."""
    purpose_of(order).resume_fulfilment(order, now=NOW)
    run_due(NOW)


def _stands(entry: Entry) -> tuple[str, str, int]:
    entry.refresh_from_db()
    return entry.status, entry.priority_tier, entry.rank


def test_who_has_a_stopped_ticket_alone_does_not_join_until_it_goes_on(session: Session) -> None:
    """REQ WL-01: refused, and nothing changed; with the ticket back they are VIP as ever."""
    order = buy_vip(session)
    stop(order)
    with pytest.raises(TicketRequired):
        join(session, order.buyer)
    assert (books(session.pk)[0].waiting, Entry.objects.count()) == (0, 0)
    go_on(order)
    assert join(session, order.buyer).priority_tier == "VIP"


def test_a_place_waits_for_its_ticket_and_is_accepted_when_that_goes_on(session: Session) -> None:
    """REQ WL-01, WL-04: the place and its rank stay; the offer is not taken by a stopped ticket."""
    order = buy_vip(session)
    entry = join(session, order.buyer)
    stop(order)
    assert _stands(entry) == ("WAITING", "VIP", 0)
    free_up(session)
    fill_free_seats(session_id=session.pk, now=NOW)
    answer: dict[str, Any] = {"actor": actor_of(entry.user), "session_id": session.pk, "now": NOW}
    before = books(session.pk)
    with pytest.raises(TicketRequired):
        answering.accept(join_token=token_of(entry), **answer)
    assert (statuses([entry]), books(session.pk)) == (["OFFERED"], before)
    go_on(order)
    answering.accept(join_token=token_of(entry), **answer)
    assert (statuses([entry]), Attendance.objects.filter(user=entry.user).count()) == (["ACCEPTED"], 1)


def test_the_ticket_that_still_opens_doors_counts(session: Session) -> None:
    """REQ WL-01, WL-03: with a lesser one left who waits falls to it, and whoever joins ranks by it."""
    order, later = buy_vip(session), buy_vip(session)
    for person in (order.buyer, later.buyer):
        make_ticket(holder=person, tier=make_tier(event=session.event, priority="PREMIUM"))
    entry = join(session, order.buyer)
    for one in (order, later):
        stop(one)
    assert _stands(entry) == ("WAITING", "PREMIUM", 1)
    assert join(session, later.buyer).priority_tier == "PREMIUM"


def test_whom_the_organizer_registered_needs_no_ticket(session: Session) -> None:
    """REQ WL-01: a stopped VIP ticket gives them no rank, and takes nothing that they have without it."""
    guest = make_registration(session.event).user
    order = buy_vip(session, guest)
    entry = join(session, guest)
    stop(order)
    assert _stands(entry) == ("WAITING", "STANDARD", 2)
    assert join(make_full_session(event=session.event), guest).priority_tier == "STANDARD"
