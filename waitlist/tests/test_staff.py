"""What staff do: offers past the queue, removals, capacity, pauses, terms; each checked, audited and exact."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_superuser, make_user
from common.audit.models import AuditEntry
from common.errors import Failure, Forbidden, Invalid, NotFound, Unauthenticated
from common.types import ANONYMOUS, Actor
from events.errors import SessionFull
from events.models import Session
from tickets.tests.factories import make_tier
from waitlist import selectors
from waitlist.errors import NotWaiting, WaitlistClosed
from waitlist.models import Entry, TierPriority, WaitlistPolicy
from waitlist.services import moving, policies, staff
from waitlist.tests.factories import (
    books,
    free_up,
    join,
    make_full_session,
    pause,
    staff_of,
    statuses,
    waiting,
)
from waitlist.types import PolicyInput

pytestmark = pytest.mark.django_db


def _paused(*, capacity: int = 1, free: int = 1, count: int = 3) -> tuple[Session, list[Entry]]:
    session = make_full_session(capacity=capacity)
    entries = waiting(session, count)
    pause(session)
    free_up(session, free)
    return session, entries


def _acts(session: Session, entry: Entry) -> dict[str, object]:
    about = {"session_id": session.pk, "now": NOW}
    policy = PolicyInput(group_rule="skip")
    return {
        "offer": lambda actor: staff.offer(actor=actor, user_id=entry.user_id, **about),
        "bulk_offer": lambda actor: staff.bulk_offer(actor=actor, count=1, **about),
        "remove": lambda actor: staff.remove(actor=actor, entry_id=entry.pk, **about),
        "bulk_remove": lambda actor: staff.bulk_remove(
            actor=actor, entry_ids=[entry.pk], reason="x", **about
        ),
        "move": lambda actor: moving.move(actor=actor, entry_id=entry.pk, position=2, reason="x", **about),
        "pause": lambda actor: policies.pause(actor=actor, **about),
        "resume": lambda actor: policies.resume(actor=actor, **about),
        "capacity": lambda actor: staff.change_capacity(actor=actor, maximum_capacity=9, **about),
        "policy": lambda actor: policies.change_policy(actor=actor, policy=policy, **about),
        "standing": lambda actor: selectors.standing(actor, session.pk, now=NOW),
        "entries": lambda actor: selectors.entries(actor, session.pk),
    }


def _people(session: Session) -> list[tuple[Actor, type[Failure]]]:
    return [
        (ANONYMOUS, Unauthenticated),
        (actor_of(make_user()), NotFound),
        (staff_of(make_full_session(), "owner"), NotFound),
        (staff_of(session, "scanner"), Forbidden),
        (staff_of(session, "analyst"), Forbidden),
    ]


def test_nobody_else_may() -> None:
    """REQ EV-03: each act, by each kind of person who may not, changes nothing."""
    session, entries = _paused()
    before = books(session.pk)
    for actor, error in _people(session):
        for name, act in _acts(session, entries[0]).items():
            with pytest.raises(error):
                act(actor)  # type: ignore[operator]
            assert (name, books(session.pk)) == (name, before)
    assert statuses(entries) == ["WAITING"] * 3
    assert not AuditEntry.objects.filter(action__startswith="waitlist.").exists()


@pytest.mark.parametrize("role", ["staff", "admin", "owner", "superuser"])
def test_who_may(role: str) -> None:
    """REQ EV-03: staff, admin, owner and superusers offer a seat."""
    session, entries = _paused()
    actor = actor_of(make_superuser()) if role == "superuser" else staff_of(session, role)
    offered = staff.offer(actor=actor, session_id=session.pk, user_id=entries[1].user_id, now=NOW)
    assert (offered.pk, offered.status) == (entries[1].pk, "OFFERED")


def test_an_offer_past_the_queue_is_audited() -> None:
    """REQ WL-07: staff offer to the third in line, also while offers are paused; who, whom and why is kept."""
    session, entries = _paused()
    actor = staff_of(session)
    staff.offer(actor=actor, session_id=session.pk, user_id=entries[2].user_id, reason="Speaker", now=NOW)
    assert statuses(entries) == ["WAITING", "WAITING", "OFFERED"]
    kept = AuditEntry.objects.get(action="waitlist.offer")
    assert (kept.reason, kept.subject_id) == ("Speaker", str(entries[2].pk))
    assert kept.changes == {"status": ["WAITING", "OFFERED"]}


def test_offers_that_cannot_be_made() -> None:
    """REQ WL-07: no free seat, an open offer, nobody there, a session that began: refused, nothing changed."""
    session, entries = _paused()
    actor = staff_of(session)

    def offer(entry: Entry, at: object = NOW) -> None:
        staff.offer(actor=actor, session_id=session.pk, user_id=entry.user_id, now=at)  # type: ignore[arg-type]

    with pytest.raises(WaitlistClosed):
        offer(entries[0], session.starts_at)
    offer(entries[0])
    before = books(session.pk)
    for entry, error in ((entries[0], NotWaiting), (entries[1], SessionFull)):
        with pytest.raises(error):
            offer(entry)
    with pytest.raises(NotFound):
        staff.offer(actor=actor, session_id=session.pk, user_id=uuid4(), now=NOW)
    assert books(session.pk) == before


def test_bulk_offers_are_clamped_to_the_free_seats() -> None:
    """REQ WL-07: of ten wished for, two seats are free: the first two have them."""
    session, entries = _paused(capacity=2, free=2)
    results = staff.bulk_offer(actor=staff_of(session), session_id=session.pk, count=10, now=NOW)
    assert [result.id for result in results] == [entries[0].pk, entries[1].pk]
    assert statuses(entries) == ["OFFERED", "OFFERED", "WAITING"]
    assert AuditEntry.objects.filter(action="waitlist.offer").count() == 2


def test_a_bulk_offer_offers_no_more_than_asked() -> None:
    """REQ WL-07: two of three free seats, while offers are paused."""
    session, entries = _paused(capacity=3, free=3)
    assert len(staff.bulk_offer(actor=staff_of(session), session_id=session.pk, count=2, now=NOW)) == 2
    assert statuses(entries) == ["OFFERED", "OFFERED", "WAITING"]


@pytest.mark.parametrize("count", [0, 51])
def test_bulk_offers_have_bounds(count: int) -> None:
    """REQ WL-07: 1 to 50, named by field."""
    session, _ = _paused()
    with pytest.raises(Invalid) as refused:
        staff.bulk_offer(actor=staff_of(session), session_id=session.pk, count=count, now=NOW)
    assert refused.value.errors[0].field == "count"


def test_without_a_free_seat_nothing_is_bulk_offered() -> None:
    """REQ WL-07: 409 rather than an empty success."""
    session, _ = _paused(free=0)
    with pytest.raises(SessionFull):
        staff.bulk_offer(actor=staff_of(session), session_id=session.pk, count=1, now=NOW)


def test_removing_an_open_offer_cascades() -> None:
    """REQ WL-07: the seat goes to the next at once."""
    session = make_full_session()
    entries = waiting(session, 2)
    free_up(session)
    staff.change_capacity(actor=staff_of(session), session_id=session.pk, maximum_capacity=1, now=NOW)
    policies.resume(actor=staff_of(session), session_id=session.pk, now=NOW)
    assert statuses(entries) == ["OFFERED", "WAITING"]
    actor = staff_of(session)
    staff.remove(actor=actor, session_id=session.pk, entry_id=entries[0].pk, reason="No show", now=NOW)
    assert statuses(entries) == ["REMOVED", "OFFERED"]
    entries[0].refresh_from_db()
    assert entries[0].end_reason == "No show"
    with pytest.raises(NotWaiting):
        staff.remove(actor=actor, session_id=session.pk, entry_id=entries[0].pk, now=NOW)


def test_another_sessions_entry_is_not_there() -> None:
    """REQ EV-03: entries are reached through their own session only."""
    session, other = make_full_session(), make_full_session()
    entry = join(other)
    actor = staff_of(session)
    with pytest.raises(NotFound):
        staff.remove(actor=actor, session_id=session.pk, entry_id=entry.pk, now=NOW)
    with pytest.raises(NotFound):
        moving.move(actor=actor, session_id=session.pk, entry_id=entry.pk, position=1, reason="x", now=NOW)
    [result] = staff.bulk_remove(
        actor=actor, session_id=session.pk, entry_ids=[entry.pk], reason="x", now=NOW
    )
    assert (result.ok, result.code) == (False, "not_found")
    assert statuses([entry]) == ["WAITING"]


def test_bulk_removal_tells_what_became_of_each() -> None:
    """REQ WL-07: the live ones go, the others are named; each removal is audited with the reason."""
    session, entries = _paused(count=4)
    actor = staff_of(session)
    staff.remove(actor=actor, session_id=session.pk, entry_id=entries[3].pk, now=NOW)
    unknown = uuid4()
    ids = [entries[0].pk, entries[1].pk, entries[1].pk, entries[3].pk, unknown]
    results = staff.bulk_remove(
        actor=actor, session_id=session.pk, entry_ids=ids, reason="Cancelled", now=NOW
    )
    assert [(result.id, result.code) for result in results] == [
        (entries[0].pk, ""), (entries[1].pk, ""), (entries[3].pk, "not_waiting"), (unknown, "not_found"),
    ]  # fmt: skip
    assert statuses(entries) == ["REMOVED", "REMOVED", "WAITING", "REMOVED"]
    assert AuditEntry.objects.filter(action="waitlist.remove", reason="Cancelled").count() == 2
    stored, counted = books(session.pk)
    assert stored == counted


@pytest.mark.parametrize(
    ("ids", "reason", "field"), [(1, " ", "reason"), (0, "x", "entry_ids"), (201, "x", "entry_ids")]
)
def test_bulk_removal_needs_a_reason_and_has_bounds(ids: int, reason: str, field: str) -> None:
    """REQ WL-07: at most 200, never without saying why."""
    session, _ = _paused()
    with pytest.raises(Invalid) as refused:
        staff.bulk_remove(
            actor=staff_of(session), session_id=session.pk, entry_ids=[uuid4() for _ in range(ids)],
            reason=reason, now=NOW,
        )  # fmt: skip
    assert refused.value.errors[0].field == field


def test_raising_capacity_offers_in_the_same_step() -> None:
    """REQ WL-05, WL-07: two more seats, two offers, no job needed; lowering keeps offers and seats."""
    session = make_full_session()
    entries = waiting(session, 3)
    actor = staff_of(session)
    standing = staff.change_capacity(actor=actor, session_id=session.pk, maximum_capacity=3, now=NOW)
    assert (standing.capacity, standing.held, standing.free, standing.waiting) == (3, 2, 0, 1)
    lowered = staff.change_capacity(actor=actor, session_id=session.pk, maximum_capacity=1, now=NOW)
    assert (lowered.attending, lowered.held, lowered.seats_kept, lowered.free) == (1, 2, 3, 0)
    assert statuses(entries) == ["OFFERED", "OFFERED", "WAITING"]


def test_pausing_and_resuming_is_kept_with_its_reason() -> None:
    """REQ WL-07, WL-11: the reason is on the screen and in the audit; resuming fills at once; twice is once."""
    session = make_full_session()
    [entry] = waiting(session, 1)
    actor = staff_of(session)
    paused = policies.pause(actor=actor, session_id=session.pk, reason="Fire drill", now=NOW)
    again = policies.pause(actor=actor, session_id=session.pk, reason="Other", now=NOW)
    assert paused.offers_paused
    assert again.why_not[0].message == "Offers are paused: Fire drill"
    free_up(session)
    assert policies.resume(actor=actor, session_id=session.pk, now=NOW).held == 1
    assert statuses([entry]) == ["OFFERED"]
    acts = AuditEntry.objects.filter(action__in=["waitlist.pause", "waitlist.resume"])
    assert sorted(acts.values_list("action", "reason")) == [
        ("waitlist.pause", "Fire drill"), ("waitlist.resume", ""),
    ]  # fmt: skip


def test_terms_are_changed_and_audited() -> None:
    """REQ WL-01, WL-10: group rule, closing time, lifetime and what tiers count for."""
    session = make_full_session()
    tier = make_tier(event=session.event)
    terms = PolicyInput("skip", NOW + timedelta(minutes=5), 30, {tier.pk: "PREMIUM"})
    policies.change_policy(actor=staff_of(session), session_id=session.pk, policy=terms, now=NOW)
    stored = WaitlistPolicy.objects.get(session=session)
    assert (stored.group_rule, stored.closes_at, stored.offer_seconds) == ("skip", terms.closes_at, 1800)
    assert list(TierPriority.objects.values_list("tier", "priority")) == [(tier.pk, "PREMIUM")]
    assert AuditEntry.objects.get(action="waitlist.change_policy").changes["group_rule"] == ["wait", "skip"]


def test_wrong_terms_are_named_by_field() -> None:
    """REQ WL-07: everything that is wrong at once, and nothing stored."""
    session = make_full_session()
    terms = PolicyInput("later", None, 0, {make_tier().pk: "GOLD"})
    with pytest.raises(Invalid) as refused:
        policies.change_policy(actor=staff_of(session), session_id=session.pk, policy=terms, now=NOW)
    fields = [error.field for error in refused.value.errors]
    assert fields == ["group_rule", "offer_minutes", "priorities", "priorities"]
    assert not WaitlistPolicy.objects.exists()


FAR_AWAY = [
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-2))),
]


@pytest.mark.parametrize("closes_at", FAR_AWAY)
def test_a_closing_time_of_another_age_is_refused(closes_at: datetime) -> None:
    """REQ WL-07: a mistyped year is named and not stored; at the ends of the calendar nobody could read it."""
    session = make_full_session()
    terms = PolicyInput("wait", closes_at)
    with pytest.raises(Invalid) as refused:
        policies.change_policy(actor=staff_of(session), session_id=session.pk, policy=terms, now=NOW)
    assert [(error.field, error.code) for error in refused.value.errors] == [("closes_at", "out_of_range")]
    assert not WaitlistPolicy.objects.exists()


def test_the_list_shows_offers_then_the_queue_then_what_ended() -> None:
    """REQ WL-07: ordered, searchable, filtered by status and tier, with positions."""
    session, entries = _paused(count=3)
    vip = join(session, priority="VIP")
    actor = staff_of(session)
    staff.remove(actor=actor, session_id=session.pk, entry_id=entries[0].pk, now=NOW)
    staff.offer(actor=actor, session_id=session.pk, user_id=entries[2].user_id, now=NOW)
    listed = list(selectors.entries(actor, session.pk))
    assert [entry.pk for entry in listed] == [entries[2].pk, vip.pk, entries[1].pk, entries[0].pk]
    assert selectors.positions_of(listed) == {vip.pk: 1, entries[1].pk: 2}
    found = selectors.entries(actor, session.pk, search=entries[1].user.email.upper())
    assert [entry.pk for entry in found] == [entries[1].pk]
    waits = selectors.entries(actor, session.pk, statuses=["WAITING"], tier="STANDARD")
    assert [entry.pk for entry in waits] == [entries[1].pk]
