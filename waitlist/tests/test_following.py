"""Places and seats follow the tickets: without one they end, with a lesser one they count as that one does."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common.audit.models import AuditEntry
from common.outbox.testing import run_due
from events.models import Attendance, Registration, Session
from events.tests.factories import make_attendance, make_event
from notifications.models import EmailMessage, RealtimeEvent
from notifications.realtime import constants
from tickets.models import Ticket
from tickets.services import reissuing, upgrades
from tickets.services.tickets import issue_ticket
from tickets.tests.factories import make_ticket, make_tier
from waitlist import selectors
from waitlist.errors import TicketRequired
from waitlist.models import Entry
from waitlist.services import answering, moving
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import (
    books,
    free_up,
    join,
    make_full_session,
    make_guest,
    staff_of,
    statuses,
    token_of,
    waiting,
)  # fmt: skip

pytestmark = pytest.mark.django_db


def void(user: User, session: Session, *, priority: str | None = None) -> None:
    """Have staff void the person's tickets, those of one priority where it is named."""
    tickets = Ticket.objects.filter(holder=user, event=session.event)
    for ticket in tickets if priority is None else tickets.filter(tier__priority=priority):
        reissuing.void_ticket(
            actor=staff_of(session, "admin"), ticket_id=ticket.pk, reason="Refunded", now=NOW
        )


def offered(session: Session, **terms: Any) -> Entry:
    """Return the entry of somebody who was just offered a seat."""
    entry = join(session, **terms)
    free_up(session, entry.quantity)
    fill_free_seats(session_id=session.pk, now=NOW)
    return entry


def accept(entry: Entry) -> Attendance:
    """Answer the offer."""
    return answering.accept(
        actor=actor_of(entry.user), session_id=entry.session_id, join_token=token_of(entry), now=NOW
    )


def told(user: User) -> tuple[list[str], list[tuple[str, bool]]]:
    """Return the subjects of the e-mails, and what sockets were told of a removal: the words, and of a seat or not."""
    mails = EmailMessage.objects.filter(template="waitlist_no_ticket", to=user.email)
    events = RealtimeEvent.objects.filter(
        stream=constants.user_room(user.pk), event=constants.WAITLIST_REMOVED
    )
    return [mail.subject for mail in mails], [
        (event.payload["message"], event.payload["had_seat"]) for event in events
    ]


def test_without_a_ticket_the_place_ends() -> None:
    """REQ WL-01: whose last ticket is voided waits no more, is told why, and the audit names it."""
    session = make_full_session()
    vip, other = join(session, priority="VIP"), join(session)
    void(vip.user, session)
    run_due(NOW)
    vip.refresh_from_db()
    assert (vip.status, vip.ended_at) == ("REMOVED", NOW)
    assert vip.end_reason == "No ticket of the event is left."
    assert selectors.positions_of([other]) == {other.pk: 1}
    title, event = session.title, session.event.title
    assert told(vip.user) == (
        [f"Off the waitlist: {title}"],
        [(f"Your place in the waitlist of {title} ended: you have no ticket of {event} any more.", False)],
    )
    assert told(other.user) == ([], [])
    audit = AuditEntry.objects.get(action="waitlist.remove")
    assert (audit.subject_id, audit.changes) == (str(vip.pk), {"status": ["WAITING", "REMOVED"]})
    stored, counted = books(session.pk)
    assert stored == counted


def test_without_a_ticket_the_offer_goes_to_the_next() -> None:
    """REQ WL-05: the held seat is offered on; the token of the old offer takes nothing, before that and after it."""
    session = make_full_session()
    first = offered(session, priority="VIP")
    (second,) = waiting(session, 1)
    void(first.user, session)
    before = books(session.pk)
    with pytest.raises(TicketRequired):
        accept(first)
    assert (books(session.pk), statuses([first, second])) == (before, ["OFFERED", "WAITING"])
    run_due(NOW)
    assert statuses([first, second]) == ["REMOVED", "OFFERED"]
    accept(second)
    stored, counted = books(session.pk)
    assert stored == counted
    assert (stored.attendance, stored.held) == (1, 0)


def test_an_accepted_seat_is_given_back_with_the_last_ticket() -> None:
    """REQ WL-04, WL-05: it goes to who is next, and who had it is told once; a second look changes nothing."""
    session = make_full_session()
    first = offered(session, priority="VIP")
    seat = accept(first)
    (second,) = waiting(session, 1)
    void(first.user, session)
    run_due(NOW)
    seat.refresh_from_db()
    assert (seat.status, seat.left_at) == ("LEFT", NOW)
    assert statuses([first, second]) == ["ACCEPTED", "OFFERED"]
    title, event = session.title, session.event.title
    assert told(first.user) == (
        [f"Your seat was given back: {title}"],
        [(f"Your seat in {title} was given back: you have no ticket of {event} any more.", True)],
    )
    assert AuditEntry.objects.get(action="waitlist.give_seat_back").subject_id == str(seat.pk)
    stored, counted = books(session.pk)
    assert stored == counted


@pytest.mark.parametrize(("private", "left"), [(False, "ATTENDING"), (True, "LEFT")])
def test_a_seat_walked_into_stays_where_everybody_may_walk_in(private: bool, left: str) -> None:
    """REQ EV-05: in a public event no ticket is needed for it; in a private one it goes with the last."""
    session = make_full_session(event=make_event(private=private))
    guest = make_guest(session.event, "VIP")
    session.maximum_capacity = 2
    session.save()
    seat = make_attendance(session, guest)
    void(guest, session)
    run_due(NOW)
    seat.refresh_from_db()
    assert seat.status == left
    stored, counted = books(session.pk)
    assert stored == counted


def test_whoever_has_a_ticket_left_stays() -> None:
    """REQ WL-01: two tickets of a tier, one voided; one that was re-issued; one bought again before the job ran."""
    session = make_full_session()
    two, new, again = (join(session, priority="VIP") for _ in range(3))
    tier = make_tier(event=session.event, priority="VIP")
    make_ticket(holder=two.user, tier=tier)
    staff = staff_of(session, "admin")
    first = Ticket.objects.filter(holder=two.user).earliest("issued_at", "id")
    reissuing.void_ticket(actor=staff, ticket_id=first.pk, reason="One too many", now=NOW)
    reissuing.reissue_ticket(
        actor=staff, ticket_id=Ticket.objects.get(holder=new.user).pk, reason="", now=NOW
    )
    void(again.user, session)
    issue_ticket(event_id=session.event_id, tier_id=tier.pk, holder_id=again.user_id, now=NOW)
    run_due(NOW)
    assert statuses([two, new, again]) == ["WAITING"] * 3
    assert list(selectors.positions_of([two, new, again]).values()) == [1, 2, 3]


def _lowered(session: Session, entry: Entry) -> Any:
    run_due(NOW)
    queue = list(Entry.objects.of_session(session.pk).waiting())
    entry.refresh_from_db()
    return entry.priority_tier, entry.rank, [one.pk for one in queue].index(entry.pk) + 1


def test_with_a_lesser_ticket_the_place_is_that_ones() -> None:
    """REQ WL-01, WL-03: the rank of the best ticket that is left, at the time of joining; an open offer stays."""
    session = make_full_session()
    early = join(session)
    entry = join(session, priority="VIP", now=NOW + timedelta(seconds=1))
    join(session, now=NOW + timedelta(seconds=2))
    make_ticket(holder=entry.user, tier=make_tier(event=session.event, priority="STANDARD"))
    joined = entry.queue_at
    void(entry.user, session, priority="VIP")
    assert _lowered(session, entry) == ("STANDARD", 2, 2)
    assert entry.queue_at == joined
    assert AuditEntry.objects.get(action="waitlist.lower").changes == {"priority_tier": ["VIP", "STANDARD"]}
    assert early.rank == 2


def test_an_upgrade_that_was_undone_lowers_the_place() -> None:
    """REQ WL-01: the ticket is back in its old tier, and so is who waits by it. To move up while waiting: no."""
    session = make_full_session()
    tiers = [make_tier(event=session.event, priority=name) for name in ("STANDARD", "VIP")]
    ticket, cause = make_ticket(tier=tiers[0]), uuid4()
    terms = {"ticket_id": ticket.pk, "to_tier_id": tiers[1].pk, "user_id": ticket.holder_id}
    upgrades.reserve_upgrade(**terms, cause=cause, now=NOW)
    upgrades.settle_upgrade(cause=cause, now=NOW)
    join(session)
    entry = join(session, ticket.holder)
    assert entry.rank == 0
    upgrades.reverse_upgrade(cause=cause, now=NOW)
    assert _lowered(session, entry) == ("STANDARD", 2, 2)
    assert Registration.objects.filter(user=ticket.holder).exists()


def test_who_was_moved_by_staff_stays_there() -> None:
    """REQ WL-11: the place that staff gave is not the ticket's; and no two places are the same after a fall."""
    session = make_full_session()
    vip, moved, last = join(session, priority="VIP"), join(session, priority="PREMIUM"), join(session)
    lesser = make_tier(event=session.event, priority="STANDARD")
    for entry in (vip, moved):
        make_ticket(holder=entry.user, tier=lesser)
    moving.move(
        actor=staff_of(session), session_id=session.pk, entry_id=moved.pk, position=1, reason="x", now=NOW
    )
    void(moved.user, session, priority="PREMIUM")
    assert _lowered(session, moved) == ("STANDARD", 0, 1)
    # The place in time that the fallen entry has is somebody else's in the new rank.
    Entry.objects.filter(pk=last.pk).update(queue_at=vip.queue_at)
    void(vip.user, session, priority="VIP")
    run_due(NOW)
    vip.refresh_from_db()
    last.refresh_from_db()
    assert vip.rank == last.rank == 2
    assert vip.queue_at - last.queue_at == timedelta(microseconds=1)
