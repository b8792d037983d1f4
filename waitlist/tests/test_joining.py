"""Joining: who may, at which place, and what the answer says."""

from datetime import timedelta

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_user
from common.errors import Failure, Invalid, NotFound, Unauthenticated
from common.types import ANONYMOUS
from events.errors import AlreadyAttending
from events.models import Session
from events.tests.factories import make_attendance, make_event, make_registration, make_session
from tickets.tests.factories import make_ticket, make_tier
from waitlist import selectors
from waitlist.errors import AlreadyWaiting, SessionNotFull, TicketRequired, WaitlistClosed
from waitlist.models import Entry, TierPriority, WaitlistPolicy
from waitlist.services import joining
from waitlist.tests.factories import books, join, make_full_session, make_guest, statuses, waiting

pytestmark = pytest.mark.django_db


def test_the_answer_says_the_place() -> None:
    """REQ WL-01: position, total, tier; no estimate before the queue ever moved."""
    session = make_full_session()
    waiting(session, 2)
    guest = make_guest(session.event)
    place = joining.join(actor=actor_of(guest), session_id=session.pk, now=NOW)
    assert (place.status, place.position, place.total, place.quantity) == ("WAITING", 3, 3, 1)
    assert (place.priority_tier, place.estimated_wait_minutes, place.offer) == ("STANDARD", None, None)
    assert place.joined_at == NOW


def test_the_order_is_tier_then_time() -> None:
    """REQ WL-03: a VIP who comes last stands before Premium, who stands before Standard."""
    session = make_full_session()
    standard = join(session)
    premium = join(session, priority="PREMIUM")
    second = join(session)
    vip = join(session, priority="VIP")
    expected = {vip.pk: 1, premium.pk: 2, standard.pk: 3, second.pk: 4}
    assert selectors.positions_of([standard, premium, second, vip]) == expected


def test_nobody_has_the_same_time() -> None:
    """REQ WL-03: joining in the same microsecond, or by a clock that is behind, still gives a later place."""
    session = make_full_session()
    first, second = join(session), join(session)
    behind = join(session, now=NOW - timedelta(seconds=5))
    assert first.queue_at == NOW
    assert second.queue_at == NOW + timedelta(microseconds=1)
    assert behind.queue_at == NOW + timedelta(microseconds=2)


def test_the_best_ticket_counts() -> None:
    """REQ WL-01: of several tickets the best decides; a registration without one is Standard."""
    session = make_full_session()
    guest = make_guest(session.event, "PREMIUM")
    make_ticket(holder=guest, tier=make_tier(event=session.event))
    make_ticket(holder=guest, tier=make_tier(event=session.event, priority="VIP"))
    assert join(session, guest).priority_tier == "VIP"
    assert join(session).priority_tier == "STANDARD"


def test_the_organizers_mapping_for_a_session_wins() -> None:
    """REQ WL-01: a tier counts for what the organizer says in this session, and as it is in the others."""
    event = make_event()
    session, other = make_full_session(event=event), make_full_session(event=event)
    tier = make_tier(event=event)
    TierPriority.objects.create(session=session, tier=tier, priority="VIP")
    guest = make_user()
    make_ticket(holder=guest, tier=tier)
    assert join(session, guest).priority_tier == "VIP"
    assert join(other, guest).priority_tier == "STANDARD"


def _refused(session: Session, error: type[Failure], **terms: object) -> None:
    before, entries = books(session.pk), Entry.objects.count()
    with pytest.raises(error):
        join(session, **terms)  # type: ignore[arg-type]
    assert (books(session.pk), Entry.objects.count()) == (before, entries)


def test_who_has_no_ticket_is_refused() -> None:
    """REQ WL-01: waiting needs a registration for the event."""
    _refused(make_full_session(), TicketRequired, user=make_user())


def test_one_place_a_person() -> None:
    """REQ WL-01: joining twice is refused, also with an open offer."""
    session = make_full_session()
    guest = join(session).user
    _refused(session, AlreadyWaiting, user=guest)


def test_a_session_with_room_has_no_waitlist() -> None:
    """REQ WL-01: take the seat; unlimited sessions are never full."""
    _refused(make_session(capacity=1), SessionNotFull)
    _refused(make_session(), SessionNotFull)


def test_a_group_waits_where_single_seats_are_left() -> None:
    """REQ WL-10: one free seat is no room for two."""
    session = make_session(capacity=2)
    make_attendance(session)
    entry = join(session, quantity=2)
    assert (entry.status, entry.quantity) == ("WAITING", 2)
    _refused(make_session(capacity=2), SessionNotFull, quantity=2)


@pytest.mark.parametrize("quantity", [0, -1, 5])
def test_a_group_has_one_to_four(quantity: int) -> None:
    """REQ WL-10: other numbers are a field error."""
    session = make_full_session()
    with pytest.raises(Invalid) as refused:
        join(session, quantity=quantity)
    assert [error.field for error in refused.value.errors] == ["quantity"]
    assert not Entry.objects.exists()


def test_a_group_larger_than_the_whole_session_is_refused() -> None:
    """REQ WL-10: it could never be offered. A group as large as the session waits, and without a capacity none is
    too large."""
    session = make_full_session(capacity=3)
    with pytest.raises(Invalid) as refused:
        join(session, quantity=4)
    assert [(error.field, error.code) for error in refused.value.errors] == [("quantity", "out_of_range")]
    assert not Entry.objects.exists()
    assert join(session, quantity=3).status == "WAITING"
    _refused(make_session(), SessionNotFull, quantity=4)


def test_who_has_a_seat_does_not_wait() -> None:
    """REQ WL-01: the seat is there already."""
    session = make_full_session()
    guest = make_guest(session.event)
    session.maximum_capacity = 2
    session.save()
    make_attendance(session, guest)
    _refused(session, AlreadyAttending, user=guest)


def test_a_session_that_began_takes_nobody() -> None:
    """REQ WL-11: exactly at its start the waitlist is closed."""
    session = make_full_session()
    _refused(session, WaitlistClosed, now=session.starts_at)
    assert join(session, now=session.starts_at - timedelta(microseconds=1)).status == "WAITING"


def test_nobody_joins_after_the_closing_time() -> None:
    """REQ WL-11: the organizer's closing time is the end of it."""
    session = make_full_session()
    WaitlistPolicy.objects.create(session=session, closes_at=NOW)
    _refused(session, WaitlistClosed)
    assert join(session, now=NOW - timedelta(seconds=1)).status == "WAITING"


def test_a_private_event_is_not_there_for_others() -> None:
    """REQ EV-03: 404, not a hint that it exists; and nobody joins without signing in."""
    session = make_full_session(event=make_event(private=True))
    _refused(session, NotFound, user=make_user())
    with pytest.raises(Unauthenticated):
        joining.join(actor=ANONYMOUS, session_id=session.pk, now=NOW)


def test_joining_past_a_seat_that_is_free_fills_it_in_order() -> None:
    """REQ WL-05: who joins while a seat is free and people wait gets in line; the seat goes to the first."""
    session = make_full_session(capacity=2)
    first = join(session)
    session.refresh_from_db()
    session.maximum_capacity = 3
    session.save()
    second = join(session)
    assert statuses([first, second]) == ["OFFERED", "WAITING"]


def test_joining_again_is_a_new_place_at_the_end() -> None:
    """REQ WL-03: who left and comes back stands behind those who stayed."""
    from waitlist.services.leaving import leave

    session = make_full_session()
    entry, other = join(session), join(session)
    leave(actor=actor_of(entry.user), session_id=session.pk, now=NOW)
    again = join(session, entry.user)
    assert again.pk != entry.pk
    assert selectors.positions_of([other, again]) == {other.pk: 1, again.pk: 2}
    assert statuses([entry]) == ["LEFT"]


def test_the_estimate_follows_the_sessions_own_turnover() -> None:
    """REQ WL-01: 6 offers in the last hour: the third in line waits about 30 minutes; older offers say nothing."""
    assert selectors.estimate(3, 6) == 30
    assert selectors.estimate(1, 60) == 1
    assert selectors.estimate(5, 0) is None


def test_somebody_registered_only_is_enough() -> None:
    """REQ WL-01: the organizer's own registration counts as belonging to the event."""
    session = make_full_session()
    guest = make_user()
    make_registration(session.event, guest)
    assert join(session, guest).status == "WAITING"
