"""The waitlist by REST and GraphQL: one table of cases, the same answers and refusals."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import bearer, make_membership, make_superuser, make_user
from common import clock
from common.ratelimits import RateLimit
from common.redis import client as redis
from events.models import Attendance, Event, Session
from events.tests.factories import make_event, make_session
from waitlist import mirror
from waitlist.models import Entry, EntryStatus, WaitlistPolicy
from waitlist.services import joining
from waitlist.services.filling import fill_free_seats
from waitlist.tests.doors import GraphQLDoor, Outcome, RestDoor
from waitlist.tests.factories import (
    books,
    free_up,
    join,
    make_full_session,
    make_guest,
    pause,
    statuses,
    token_of,
)

pytestmark = pytest.mark.django_db

Door = RestDoor | GraphQLDoor
both = pytest.mark.parametrize("door", [RestDoor, GraphQLDoor])


def _session(capacity: int = 1, **fields: Any) -> Session:
    """Create a full session that begins tomorrow by the real clock, which the doors read."""
    start = clock.now() + timedelta(days=1)
    fields = {"starts_at": start, "ends_at": start + timedelta(hours=1), **fields}
    return make_full_session(capacity=capacity, **fields)


def _member(session: Session, role: str) -> User:
    return make_membership(role, organization=session.event.organization).user


def _waiting(session: Session, count: int = 1) -> list[Entry]:
    return [join(session, now=clock.now()) for _ in range(count)]


def _offered(session: Session) -> Entry:
    [entry] = _waiting(session)
    free_up(session)
    fill_free_seats(session_id=session.pk, now=clock.now())
    entry.refresh_from_db()
    return entry


# Of a session's seats: what older front ends read.
OLDER_NAMES = {"capacity": "maximum_capacity", "attending": "current_attendance", "free": "free_seats"}


@both
def test_joins_looks_and_leaves(door: type[Door]) -> None:
    """REQ WL-01, WL-02: the place by its contract; leaving ends it."""
    session = _session(capacity=2)
    _waiting(session)
    guest = make_guest(session.event, "PREMIUM")
    joined = door(guest).join(session.pk, quantity=2)
    assert joined.code == ""
    shown = {**joined.data}
    assert shown.pop("joined_at")
    assert shown == {
        "id": str(Entry.objects.get(user=guest).pk),
        "session_id": str(session.pk),
        "status": "WAITING",
        "quantity": 2,
        "position": 1,
        "total": 2,
        "priority_tier": "PREMIUM",
        "estimated_wait_minutes": None,
        "offer": None,
    }
    assert door(guest).place(session.pk).data == joined.data
    assert door(guest).leave(session.pk) == Outcome(True)
    assert door(guest).place(session.pk).data["status"] == "LEFT"


@both
def test_accepts(door: type[Door]) -> None:
    """REQ WL-02, WL-04: the offer in the place, its token accepted, the attendance named."""
    entry = _offered(_session())
    mine = door(entry.user)
    offer = mine.place(entry.session_id).data["offer"]
    accepted = mine.accept(entry.session_id, offer["join_token"])
    seat = Attendance.objects.get(user=entry.user)
    assert accepted.data == {"status": "ACCEPTED", "attendance_id": str(seat.pk)}
    assert mine.accept(entry.session_id, offer["join_token"]).code == "token_invalid"


@both
def test_declines(door: type[Door]) -> None:
    """REQ WL-02: declined, and the seat goes on."""
    entry = _offered(_session())
    [following] = _waiting(entry.session)
    assert door(entry.user).decline(entry.session_id, token_of(entry)).code == ""
    assert statuses([entry, following]) == ["DECLINED", "OFFERED"]


def _refusals() -> dict[str, tuple[Callable[[Door, Session, Entry], Outcome], str, tuple[str, ...]]]:
    return {
        "already there": (lambda door, session, _: door.join(session.pk), "already_waiting", ()),
        "too large a group": (lambda door, session, _: door.join(session.pk, quantity=5), "invalid", ("quantity",)),
        "larger than all": (lambda door, session, _: door.join(session.pk, quantity=2), "invalid", ("quantity",)),
        "no such session": (lambda door, *_: door.join(uuid4()), "not_found", ()),
        "a wrong token": (lambda door, session, _: door.accept(session.pk, "x"), "token_invalid", ()),
        "an empty token": (lambda door, session, _: door.decline(session.pk, ""), "token_invalid", ()),
        "a list of staff": (lambda door, session, _: door.entries(session.pk), "not_found", ()),
        "an offer by staff": (lambda door, session, entry: door.offer(session.pk, entry.user_id), "not_found", ()),
        "figures": (lambda door, session, _: door.analytics(session.event_id), "not_found", ()),
    }  # fmt: skip


@both
@pytest.mark.parametrize("case", _refusals())
def test_refusals(door: type[Door], case: str) -> None:
    """REQ WL-01, WL-02, EV-03: the same code and fields at both doors, and nothing changed."""
    session = _session()
    [entry] = _waiting(session)
    act, code, fields = _refusals()[case]
    before = books(session.pk)
    outcome = act(door(entry.user), session, entry)
    assert (outcome.code, outcome.fields) == (code, fields)
    assert (books(session.pk), statuses([entry])) == (before, ["WAITING"])


@both
def test_codes_that_depend_on_who_and_when(door: type[Door]) -> None:
    """REQ WL-01, WL-04: ticket_required, session_not_full, token_expired, waitlist_closed, unauthenticated."""
    session, event = _session(), make_event()
    start = clock.now() + timedelta(days=1)
    roomy = make_session(event=event, capacity=2, starts_at=start, ends_at=start + timedelta(hours=1))
    begun = _session(starts_at=clock.now(), ends_at=clock.now() + timedelta(hours=1))
    assert door(make_user()).join(session.pk).code == "ticket_required"
    assert door(make_guest(event)).join(roomy.pk).code == "session_not_full"
    assert door(make_guest(begun.event)).join(begun.pk).code == "waitlist_closed"
    assert door(None).join(session.pk).code == "unauthenticated"
    entry = _offered(session)
    past = clock.now() - timedelta(seconds=1)
    Entry.objects.filter(pk=entry.pk).update(offered_at=past - timedelta(minutes=15), offer_expires_at=past)
    assert door(entry.user).accept(session.pk, token_of(entry)).code == "token_expired"


@both
def test_staff_see_and_act(door: type[Door]) -> None:
    """REQ WL-07: list, offer, bulk offer, move, remove, bulk remove, pause, resume, capacity, standing."""
    session = _session(capacity=3)
    _, second, third, fourth, fifth = entries = _waiting(session, 5)
    pause(session)
    free_up(session, 2)
    staff = door(_member(session, "staff"))
    assert [row["position"] for row in staff.entries(session.pk).data] == [1, 2, 3, 4, 5]
    found = staff.entries(session.pk, search=third.user.email, status="WAITING", tier="STANDARD").data
    assert [(row["id"], row["user"]["email"]) for row in found] == [(str(third.pk), third.user.email)]
    assert staff.move(session.pk, fifth.pk, 1).data["position"] == 1
    assert staff.offer(session.pk, second.user_id).data["status"] == "OFFERED"
    offered = staff.bulk_offer(session.pk, 50).data
    assert [(row["id"], row["ok"]) for row in offered] == [(str(fifth.pk), True)]
    assert staff.remove(session.pk, fifth.pk, "No show").code == ""
    removed = staff.bulk_remove(session.pk, [third.pk, fifth.pk]).data
    assert [(row["ok"], row["code"]) for row in removed] == [(True, ""), (False, "not_waiting")]
    standing = staff.standing(session.pk).data
    assert (standing["free_seats"], standing["held"], standing["waiting"]) == (1, 1, 2)
    assert (standing["maximum_capacity"], standing["current_attendance"]) == (3, 1)
    for older, name in OLDER_NAMES.items():
        assert standing[older] == standing[name]
    assert [reason["code"] for reason in standing["why_not"]] == ["offers_paused"]
    assert staff.resume(session.pk).data["free"] == 0
    assert staff.pause(session.pk).data["offers_paused"] is True
    raised = staff.capacity(session.pk, None).data
    assert (raised["maximum_capacity"], raised["free_seats"], raised["waiting"]) == (None, None, 1)
    assert (raised["capacity"], raised["free"]) == (None, None)
    assert statuses(entries) == ["OFFERED", "OFFERED", "REMOVED", "WAITING", "REMOVED"]
    assert fourth.pk


def _staff_acts(door: Door, session: Session, entry: Entry) -> list[Outcome]:
    return [
        door.entries(session.pk),
        door.standing(session.pk),
        door.offer(session.pk, entry.user_id),
        door.bulk_offer(session.pk, 1),
        door.move(session.pk, entry.pk, 2),
        door.remove(session.pk, entry.pk),
        door.bulk_remove(session.pk, [entry.pk]),
        door.pause(session.pk),
        door.resume(session.pk),
        door.capacity(session.pk, 9),
    ]


@both
@pytest.mark.parametrize(
    ("who", "code", "figures"),
    [
        ("nobody", "unauthenticated", "unauthenticated"),
        ("attendee", "not_found", "not_found"),
        ("rival", "not_found", "not_found"),
        ("scanner", "forbidden", "forbidden"),
        ("analyst", "forbidden", ""),
    ],
)
def test_who_may_not(door: type[Door], who: str, code: str, figures: str) -> None:
    """REQ EV-03: every act of staff by everybody else; the analyst reads the figures and nothing more."""
    session = _session()
    [entry] = _waiting(session)
    people: dict[str, Callable[[], User | None]] = {
        "nobody": lambda: None,
        "attendee": make_user,
        "rival": lambda: _member(_session(), "owner"),
        "scanner": lambda: _member(session, "scanner"),
        "analyst": lambda: _member(session, "analyst"),
    }
    mine = door(people[who]())
    before = books(session.pk)
    assert [outcome.code for outcome in _staff_acts(mine, session, entry)] == [code] * 10
    assert mine.analytics(session.event_id).code == figures
    assert (books(session.pk), statuses([entry])) == (before, ["WAITING"])


@both
def test_wrong_input_is_named(door: type[Door]) -> None:
    """REQ WL-07: bounds and reasons by field."""
    session = _session()
    [entry] = _waiting(session)
    staff = door(make_superuser())
    for outcome, field in (
        (staff.bulk_offer(session.pk, 0), "count"),
        (staff.bulk_offer(session.pk, 51), "count"),
        (staff.move(session.pk, entry.pk, 0), "position"),
        (staff.move(session.pk, entry.pk, 1, " "), "reason"),
        (staff.bulk_remove(session.pk, [], "x"), "entry_ids"),
        (staff.bulk_remove(session.pk, [entry.pk], ""), "reason"),
        (staff.capacity(session.pk, 0), "maximum_capacity"),
    ):
        assert (outcome.code, outcome.fields) == ("invalid", (field,))
    assert statuses([entry]) == ["WAITING"]


def test_null_is_no_default() -> None:
    """REQ WL-01, WL-07: null where GraphQL has a default is refused with a code, and is no fault on our side."""
    session = _session()
    [entry] = _waiting(session)
    joined = GraphQLDoor(make_guest(session.event)).join(session.pk, quantity=None)
    assert joined == Outcome(None, "graphql_invalid")
    change = f'mutation {{ pauseWaitlist(sessionId: "{session.pk}", reason: null) {{ waiting }} }}'
    headers = bearer(make_superuser())
    answer = Client(headers=headers).post("/graphql", {"query": change}, content_type="application/json")
    assert answer.json()["errors"][0]["extensions"]["code"] == "graphql_invalid"
    listed = GraphQLDoor(make_superuser()).entries(session.pk, search=None)  # type: ignore[arg-type]
    assert [one["id"] for one in listed.data] == [str(entry.pk)]  # no search is no filter
    assert list(Entry.objects.all()) == [entry]
    assert not WaitlistPolicy.objects.exists()


@pytest.mark.parametrize("query", [{"status": "GONE"}, {"tier": "GOLD"}, {"limit": "0"}, {"who": "x"}])
def test_wrong_filters_are_named(query: dict[str, str]) -> None:
    """CONTRACT: bad query parameters are 400, by name."""
    session = _session()
    outcome = RestDoor(_member(session, "staff")).entries(session.pk, **query)
    assert outcome.fields == tuple(query)


@both
def test_the_figures_of_an_event(door: type[Door]) -> None:
    """REQ WL-09: joins, offers, rates and the average wait, in all, by session and by tier."""
    event: Event = make_event()
    now = clock.now()
    first, second = _session(event=event), _session(event=event)
    earlier = now - timedelta(minutes=30)
    entries = [join(first, now=earlier), join(first, priority="VIP", now=earlier), join(second, now=earlier)]
    free_up(first)
    fill_free_seats(session_id=first.pk, now=now)
    assert statuses(entries) == ["WAITING", "OFFERED", "WAITING"]
    vip = door(entries[1].user)
    assert vip.accept(first.pk, token_of(entries[1])).code == ""
    found = door(_member(first, "analyst")).analytics(event.pk).data
    assert found["total"] == {
        "joins": 3, "offers_issued": 1, "accepted": 1, "acceptance_rate": 1.0, "expiry_rate": 0.0,
        "average_wait_minutes": 30.0,
    }  # fmt: skip
    by_session = {row["session_id"]: row["figures"]["joins"] for row in found["by_session"]}
    assert by_session == {str(first.pk): 2, str(second.pk): 1}
    assert [(row["tier"], row["figures"]["acceptance_rate"]) for row in found["by_tier"]] == [
        ("VIP", 1.0), ("STANDARD", None),
    ]  # fmt: skip


@both
def test_figures_of_nothing_are_no_numbers(door: type[Door]) -> None:
    """REQ WL-09: no joins: counts are 0, rates are null."""
    session = _session()
    found = door(_member(session, "owner")).analytics(session.event_id).data
    assert (found["total"]["joins"], found["total"]["acceptance_rate"]) == (0, None)
    assert found["by_session"] == found["by_tier"] == []


@both
def test_the_same_key_gives_the_same_place(door: type[Door]) -> None:
    """REQ RT-03, OF-06: replayed, also after the place was left; another wish under it is refused."""
    session = _session()
    guest = make_guest(session.event)
    keyed = door(guest, **{"Idempotency-Key": "k"})
    first = keyed.join(session.pk)
    assert keyed.join(session.pk) == first
    assert keyed.join(session.pk, quantity=2).code == "idempotency_mismatch"
    assert Entry.objects.filter(user=guest).count() == 1
    assert door(guest).join(session.pk).code == "already_waiting"


def test_a_refused_join_keeps_no_key() -> None:
    """REQ RT-03: what changed nothing may pass later under the same key."""
    session = _session()
    guest = make_user()
    keyed = RestDoor(guest, **{"Idempotency-Key": "k"})
    assert keyed.join(session.pk).code == "ticket_required"
    from events.tests.factories import make_registration

    make_registration(session.event, guest)
    assert keyed.join(session.pk).code == ""


def test_joining_is_limited_per_person(settings: Any) -> None:
    """REQ WL-01: too many tries are 429 with Retry-After."""
    settings.WAITLIST_JOIN_RATE_LIMIT = 2
    session = _session()
    guest = make_user()
    assert RateLimit("waitlist.join", 2, 60).limit == 2
    headers = bearer(guest)
    answers = [
        Client(headers=headers).post(
            f"/api/v1/sessions/{session.pk}/waitlist", {}, content_type="application/json"
        )
        for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 429]
    assert int(answers[2].headers["Retry-After"]) >= 1


def test_both_generations_of_addresses() -> None:
    """REQ WL-02: /position beside /waitlist, /accept-offer beside /accept, with and without a slash."""
    entry = _offered(_session())
    base = f"/api/v1/sessions/{entry.session_id}/waitlist"
    client = Client(headers=bearer(entry.user))
    answers = [client.get(f"{base}{path}").json() for path in ("", "/", "/position", "/position/")]
    assert answers == [answers[0]] * 4
    body = {"join_token": token_of(entry)}
    accepted = client.post(f"{base}/accept-offer", body, content_type="application/json")
    assert accepted.json()["status"] == EntryStatus.ACCEPTED


@pytest.mark.parametrize("is_mirrored", [True, False])
def test_a_position_costs_two_statements(is_mirrored: bool, valkey: Any) -> None:
    """REQ WL-06: the caller with their entry and its session, and without the mirror the count."""
    session = _session()
    entry = _waiting(session, 3)[2]
    redis().flushall()
    if is_mirrored:
        mirror.rebuild(session.pk)
    door = RestDoor(entry.user)
    with CaptureQueriesContext(connection) as queries:
        assert door.place(session.pk).data["position"] == 3
    assert len(queries) == (1 if is_mirrored else 2)


def test_a_page_of_entries_costs_the_same_for_many() -> None:
    """REQ WL-07: a fixed number of statements, however long the page is."""
    session = _session()
    staff = RestDoor(_member(session, "staff"))
    costs = []
    for _ in range(2):
        _waiting(session, 6)
        with CaptureQueriesContext(connection) as queries:
            staff.entries(session.pk)
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 7


def test_the_places_of_others_are_nobodys_business() -> None:
    """REQ EV-03: another person's place is not there."""
    session = _session()
    _waiting(session)
    assert RestDoor(make_user()).place(session.pk).code == "not_found"
    assert RestDoor(None).place(session.pk).code == "unauthenticated"


def test_a_killed_calls_place_is_found_by_its_key() -> None:
    """REQ RT-03: joined, and killed before the answer was kept: the same key gets that place."""
    from common import idempotency

    session = _session()
    guest = make_guest(session.event)
    fingerprint = idempotency.fingerprint_of({"session_id": session.pk, "quantity": 1})
    long_ago = clock.now() - timedelta(minutes=2)
    key = idempotency.begin(
        user_id=guest.pk, operation="waitlist.join", key="k", fingerprint=fingerprint, now=long_ago
    )
    place = joining.join(actor=actor_of(guest), session_id=session.pk, key=key, now=long_ago)
    again = RestDoor(guest, **{"Idempotency-Key": "k"}).join(session.pk)
    assert again.data["id"] == str(place.id)
