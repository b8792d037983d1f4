"""Any order of acts keeps the promises of a waitlist, seat by seat and place by place (REQUIREMENTS WL-03 to WL-12)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common.errors import Failure
from common.outbox.testing import run_due
from common.types import Actor
from events.models import Attendance, AttendanceStatus, Registration, Session
from events.services import sessions
from events.tests.factories import make_event
from tickets.models import Ticket, TicketStatus
from tickets.services import reissuing
from tickets.tests.factories import make_ticket, make_tier
from waitlist import selectors
from waitlist.models import Entry, EntryStatus, GroupRule, WaitlistPolicy
from waitlist.querysets import QUEUE_ORDER
from waitlist.services import answering, expiring, joining, leaving, moving, policies, staff, tokens
from waitlist.tests.factories import books, make_full_session, staff_of
from waitlist.types import PolicyInput

pytestmark = pytest.mark.django_db

PEOPLE = 7
WHO = st.integers(0, PEOPLE - 1)
LIFETIME = timedelta(minutes=15)


def refusal(act: Callable[..., object], **terms: Any) -> str:
    """Carry out the act and return the code of its refusal, empty when it worked."""
    try:
        act(**terms)
    except Failure as failure:
        return failure.code
    return ""


class Waitlist(RuleBasedStateMachine):
    """One small session, a few people of three tiers, staff, and a clock that moves."""

    def __init__(self) -> None:
        super().__init__()
        self.session: Session = make_full_session(
            capacity=3, event=make_event(), starts_at=NOW + timedelta(days=2), ends_at=NOW + timedelta(days=3)
        )
        self.tiers = tiers = [
            make_tier(event=self.session.event, priority=name) for name in ("VIP", "PREMIUM", "STANDARD")
        ]
        self.people: list[User] = []
        for number in range(PEOPLE):
            self.people.append(make_ticket(tier=tiers[number % 3]).holder)
        self.staff, self.admin = staff_of(self.session), staff_of(self.session, "admin")
        self.now: datetime = NOW

    @property
    def about(self) -> dict[str, Any]:
        return {"session_id": self.session.pk, "now": self.now}

    def actor(self, who: int) -> Actor:
        return actor_of(self.people[who])

    def live(self, who: int) -> Entry | None:
        entries = Entry.objects.of_session(self.session.pk).live()
        return entries.filter(user=self.people[who]).first()

    def is_registered(self, who: int) -> bool:
        return Registration.objects.filter(user=self.people[who]).exists()

    @rule(who=WHO, quantity=st.integers(1, 4))
    def join(self, who: int, quantity: int) -> None:
        before = Session.objects.get(pk=self.session.pk)
        code = refusal(joining.join, actor=self.actor(who), quantity=quantity, **self.about)
        if not self.is_registered(who):
            assert code == "ticket_required"
            return
        assert before.maximum_capacity is not None
        if quantity > before.maximum_capacity:
            assert code == "invalid"
            return
        assert code in {"", "already_waiting", "already_attending", "session_not_full"}
        has_room = before.free_seats is None or before.free_seats >= quantity
        if code == "session_not_full":
            assert before.waiting == 0
            assert has_room
        elif not code:
            assert before.waiting > 0 or not has_room

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        had = self.live(who)
        code = refusal(leaving.leave, actor=self.actor(who), **self.about)
        assert code == ("" if had else "not_found")

    @rule(who=WHO, is_accepted=st.booleans())
    def answer(self, who: int, is_accepted: bool) -> None:
        entry = self.live(who)
        if entry is None or entry.status != EntryStatus.OFFERED or entry.offer_expires_at is None:
            return
        act = answering.accept if is_accepted else answering.decline
        code = refusal(act, actor=self.actor(who), join_token=tokens.token_of(entry), **self.about)
        is_over = self.now >= entry.offer_expires_at
        assert code == "token_expired" if is_over else code in {"", "already_attending"}

    @rule(who=WHO)
    def walk_in(self, who: int) -> None:
        before, mine = Session.objects.get(pk=self.session.pk), self.live(who)
        code = refusal(sessions.attend, actor=self.actor(who), **self.about)
        assert code in {"", "already_attending", "already_offered", "session_full"}
        if code == "already_offered":
            # Whose seats are held already answers the offer instead.
            assert mine is not None
            assert mine.offer_expires_at is not None
            assert self.now < mine.offer_expires_at
        elif code != "already_attending":
            assert (code == "session_full") == (before.waiting > 0 or before.free_seats == 0)

    @rule(number=st.integers(0, 9), is_told=st.booleans())
    def give_up_a_seat(self, number: int, is_told: bool) -> None:
        seats = list(Attendance.objects.filter(session=self.session, status=AttendanceStatus.ATTENDING))
        if seats:
            seat = seats[number % len(seats)]
            sessions.leave(actor=actor_of(seat.user), **self.about)
            if is_told:
                run_due(self.now)

    @rule(capacity=st.sampled_from([None, 1, 2, 3, 5, 8]))
    def change_capacity(self, capacity: int | None) -> None:
        staff.change_capacity(actor=self.staff, maximum_capacity=capacity, **self.about)

    @rule(is_paused=st.booleans())
    def pause(self, is_paused: bool) -> None:
        act = policies.pause if is_paused else policies.resume
        act(actor=self.staff, **self.about)

    @rule(group_rule=st.sampled_from(GroupRule.values))
    def change_rule(self, group_rule: str) -> None:
        policies.change_policy(actor=self.staff, policy=PolicyInput(group_rule), **self.about)

    @rule(who=WHO)
    def offer(self, who: int) -> None:
        code = refusal(staff.offer, actor=self.staff, user_id=self.people[who].pk, **self.about)
        assert code in {"", "not_found", "not_waiting", "session_full"}

    @rule(count=st.integers(1, 5))
    def bulk_offer(self, count: int) -> None:
        free = Session.objects.get(pk=self.session.pk).free_seats
        code = refusal(staff.bulk_offer, actor=self.staff, count=count, **self.about)
        assert code == ("session_full" if free == 0 else "")

    @rule(who=WHO)
    def remove(self, who: int) -> None:
        entry = self.live(who)
        if entry is not None:
            staff.remove(actor=self.staff, entry_id=entry.pk, reason="x", **self.about)

    @rule(who=WHO, position=st.integers(1, 9))
    def move(self, who: int, position: int) -> None:
        entry = self.live(who)
        if entry is not None and entry.status == EntryStatus.WAITING:
            place = moving.move(
                actor=self.staff, entry_id=entry.pk, position=position, reason="x", **self.about
            )
            assert place.position is None or place.position <= position

    @rule(who=WHO)
    def void_a_ticket(self, who: int) -> None:
        ticket = Ticket.objects.filter(holder=self.people[who], status=TicketStatus.VALID).first()
        if ticket is not None:
            reissuing.void_ticket(actor=self.admin, ticket_id=ticket.pk, reason="x", now=self.now)

    @rule(who=WHO, tier=st.integers(0, 2))
    def get_a_ticket(self, who: int, tier: int) -> None:
        make_ticket(holder=self.people[who], tier=self.tiers[tier])

    @rule(minutes=st.sampled_from([1, 5, 14, 15, 16]), is_worked=st.booleans())
    def time_passes(self, minutes: int, is_worked: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if is_worked:
            run_due(self.now)

    @rule()
    def sweep(self) -> None:
        expiring.expire_due(**self.about)

    @invariant()
    def the_books_agree(self) -> None:
        stored, counted = books(self.session.pk)
        assert stored == counted

    @invariant()
    def no_seat_is_given_twice(self) -> None:
        session = Session.objects.get(pk=self.session.pk)
        if session.maximum_capacity is not None:
            taken = session.current_attendance + session.held
            assert taken <= max(session.maximum_capacity, session.seats_kept)

    @invariant()
    def nobody_has_two_places(self) -> None:
        live = list(Entry.objects.of_session(self.session.pk).live().values_list("user_id", flat=True))
        assert len(live) == len(set(live))

    @invariant()
    def positions_are_one_to_n(self) -> None:
        waits = list(Entry.objects.of_session(self.session.pk).waiting().order_by(*QUEUE_ORDER))
        assert [selectors.positions_of(waits)[entry.pk] for entry in waits] == list(range(1, len(waits) + 1))

    @invariant()
    def what_follows_is_done(self) -> None:
        run_due(self.now)  # what was told by a job is part of these promises
        self.nobody_without_a_ticket_waits_or_sits_by_the_queue()
        if self.now < self.session.starts_at:
            self.no_seat_stays_free_while_somebody_fits()

    def nobody_without_a_ticket_waits_or_sits_by_the_queue(self) -> None:
        registered = set(Registration.objects.values_list("user_id", flat=True))
        mine = Entry.objects.of_session(self.session.pk)
        seated = mine.filter(attendance__status=AttendanceStatus.ATTENDING)
        for entries in (mine.live(), seated):
            assert set(entries.values_list("user_id", flat=True)) <= registered

    def no_seat_stays_free_while_somebody_fits(self) -> None:
        session = Session.objects.get(pk=self.session.pk)
        policy = WaitlistPolicy.objects.filter(pk=session.pk).first() or WaitlistPolicy()
        sizes = list(
            Entry.objects.of_session(session.pk)
            .waiting()
            .order_by(*QUEUE_ORDER)
            .values_list("quantity", flat=True)
        )
        assert session.maximum_capacity is not None
        sizes = [size for size in sizes if size <= session.maximum_capacity]  # larger ones hold nobody up
        if sizes and not policy.offers_paused:
            needed = sizes[0] if policy.group_rule == GroupRule.WAIT else min(sizes)
            assert session.free_seats is not None
            assert session.free_seats < needed

    @invariant()
    def every_offer_ends_in_time(self) -> None:
        for entry in Entry.objects.of_session(self.session.pk).offered():
            assert entry.offered_at is not None
            assert entry.offer_expires_at == entry.offered_at + LIFETIME


def test_a_waitlist_never_lies() -> None:
    """REQ WL-03 WL-04 WL-05 WL-10 WL-11 WL-12: join, leave, answer, walk in, tickets that come and go, staff acts and
    time, in any order."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Waitlist,
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
