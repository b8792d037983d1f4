"""What the table of cases leaves out: the rest of the codes, statuses, bad ids, unknown and unreadable fields."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.tests.factories import bearer, make_membership, make_user
from common import clock, idempotency
from events.models import Attendance, AttendanceStatus, Session
from events.tests.factories import make_event
from waitlist.models import Entry
from waitlist.services.filling import fill_free_seats
from waitlist.tests.doors import GraphQLDoor, Outcome, RestDoor
from waitlist.tests.factories import books, free_up, join, make_full_session, make_guest, statuses, token_of

pytestmark = pytest.mark.django_db

Door = RestDoor | GraphQLDoor
both = pytest.mark.parametrize("door", [RestDoor, GraphQLDoor])


def _session(**fields: Any) -> Session:
    start = clock.now() + timedelta(days=1)
    return make_full_session(**{"starts_at": start, "ends_at": start + timedelta(hours=1), **fields})


def _staff(session: Session) -> Any:
    return make_membership("staff", organization=session.event.organization).user


def _offered(session: Session) -> Entry:
    entry = join(session, now=clock.now())
    free_up(session)
    fill_free_seats(session_id=session.pk, now=clock.now())
    entry.refresh_from_db()
    return entry


@both
def test_who_has_a_seat_does_not_wait(door: type[Door]) -> None:
    """CONTRACT: already_attending."""
    session = _session()
    guest = make_guest(session.event)
    Attendance.objects.filter(session=session).update(user=guest)
    assert door(guest).join(session.pk).code == "already_attending"
    assert not Entry.objects.exists()


@both
def test_a_seat_taken_meanwhile_is_not_taken_twice(door: type[Door]) -> None:
    """CONTRACT: already_attending at acceptance; the offer and the books stay."""
    session = _session(capacity=2)
    entry = _offered(session)
    Attendance.objects.filter(session=session, status=AttendanceStatus.ATTENDING).update(user=entry.user)
    before = books(session.pk)
    assert door(entry.user).accept(session.pk, token_of(entry)).code == "already_attending"
    assert (books(session.pk), statuses([entry])) == (before, ["OFFERED"])


@both
def test_staff_cannot_offer_a_seat_that_is_not_there(door: type[Door]) -> None:
    """CONTRACT: session_full, one by one and in bulk; nothing changed."""
    session = _session()
    entry = join(session, now=clock.now())
    staff, before = door(_staff(session)), books(session.pk)
    assert staff.offer(session.pk, entry.user_id).code == "session_full"
    assert staff.bulk_offer(session.pk, 1).code == "session_full"
    assert (books(session.pk), statuses([entry])) == (before, ["WAITING"])


@both
def test_who_has_an_offer_or_has_ended_does_not_wait(door: type[Door]) -> None:
    """CONTRACT: not_waiting; nothing changed."""
    session = _session()
    entry = _offered(session)
    staff, before = door(_staff(session)), books(session.pk)
    assert staff.offer(session.pk, entry.user_id).code == "not_waiting"
    assert staff.move(session.pk, entry.pk, 1).code == "not_waiting"
    assert (books(session.pk), statuses([entry])) == (before, ["OFFERED"])
    assert staff.remove(session.pk, entry.pk).code == ""
    assert staff.remove(session.pk, entry.pk).code == "not_waiting"
    assert statuses([entry]) == ["REMOVED"]


@both
def test_an_entry_belongs_to_its_session(door: type[Door]) -> None:
    """REQ EV-03: another session's entry, person or token is not found under this one."""
    first = _session()
    second = _session(event=first.event)
    entry = _offered(second)
    staff = door(_staff(first))
    before = books(second.pk)
    assert staff.remove(first.pk, entry.pk).code == "not_found"
    assert staff.move(first.pk, entry.pk, 1).code == "not_found"
    assert staff.offer(first.pk, entry.user_id).code == "not_found"
    [row] = staff.bulk_remove(first.pk, [entry.pk]).data
    assert (row["ok"], row["code"]) == (False, "not_found")
    assert door(entry.user).accept(first.pk, token_of(entry)).code == "token_invalid"
    assert (books(second.pk), statuses([entry])) == (before, ["OFFERED"])


@both
def test_anothers_token_is_worth_nothing(door: type[Door]) -> None:
    """CONTRACT: token_invalid for everybody but its person; the seat stays theirs."""
    entry = _offered(_session())
    other = door(make_guest(entry.session.event))
    assert other.accept(entry.session_id, token_of(entry)).code == "token_invalid"
    assert other.decline(entry.session_id, token_of(entry)).code == "token_invalid"
    assert statuses([entry]) == ["OFFERED"]
    assert not Attendance.objects.filter(user=entry.user).exists()


@both
def test_leaving_twice_finds_nothing(door: type[Door]) -> None:
    """CONTRACT: 404 without a live place."""
    session = _session()
    entry = join(session, now=clock.now())
    assert door(entry.user).leave(session.pk) == Outcome(True)
    assert door(entry.user).leave(session.pk).code == "not_found"
    assert statuses([entry]) == ["LEFT"]


@both
def test_a_call_at_work_is_not_run_twice(door: type[Door]) -> None:
    """CONTRACT: in_progress while the first call with the key is at work; nothing changed."""
    session = _session()
    guest = make_guest(session.event)
    fingerprint = idempotency.fingerprint_of({"session_id": session.pk, "quantity": 1})
    idempotency.begin(
        user_id=guest.pk, operation="waitlist.join", key="k", fingerprint=fingerprint, now=clock.now()
    )
    assert door(guest, **{"Idempotency-Key": "k"}).join(session.pk).code == "in_progress"
    assert not Entry.objects.exists()


@both
@pytest.mark.parametrize("who", ["attendee", "noticket"])
def test_a_private_event_is_not_there_for_strangers(door: type[Door], who: str) -> None:
    """REQ EV-03: 404, not ticket_required, so that nobody learns of it."""
    session = _session(event=make_event(private=True))
    user = make_guest(make_event()) if who == "attendee" else make_user()
    assert door(user).join(session.pk).code == "not_found"
    assert not Entry.objects.exists()


def test_seats_have_the_sessions_names_when_they_change() -> None:
    """CONTRACT: what a session calls its seats the answer of a change calls so too, on REST."""
    session = _session(capacity=2)
    client = Client(headers=bearer(_staff(session)))
    path = f"/api/v1/sessions/{session.pk}"
    put = client.put(f"{path}/capacity", {"maximum_capacity": 5}, content_type="application/json").json()
    shown = client.get(path).json()
    names = ("maximum_capacity", "current_attendance", "free_seats")
    assert [put[name] for name in names] == [shown[name] for name in names] == [5, 2, 3]
    assert [put[name] for name in ("capacity", "attending", "free")] == [5, 2, 3]


def test_capacity_is_said_and_not_assumed() -> None:
    """CONTRACT: without a capacity the call is refused at both doors, and nothing changed; null is unlimited."""
    session = _session()
    entry = join(session, now=clock.now())
    client = Client(headers=bearer(_staff(session)))
    put = client.put(f"/api/v1/sessions/{session.pk}/capacity", {}, content_type="application/json").json()

    def ask(said: str) -> Any:
        query = f'mutation {{ updateSessionCapacity(sessionId: "{session.pk}"{said}) {{ capacity }} }}'
        return client.post("/graphql", {"query": query}, content_type="application/json").json()

    asked = ask("")["errors"][0]["extensions"]
    session.refresh_from_db()
    assert (session.maximum_capacity, statuses([entry])) == (1, ["WAITING"])
    assert [(one["field"], one["code"]) for one in put["errors"]] == [("maximum_capacity", "required")]
    assert [(one["field"], one["code"]) for one in asked["errors"]] == [("maximumCapacity", "required")]
    assert ask(", maximumCapacity: null")["data"]["updateSessionCapacity"] == {"capacity": None}
    assert statuses([entry]) == ["OFFERED"]


Act = Callable[[Any, Session], Outcome]

_BAD_IDS: dict[str, Act] = {
    "joining": lambda door, _: door.join("x"),
    "a place": lambda door, _: door.place("x"),
    "removing": lambda door, session: door.remove(session.pk, "x"),
    "moving": lambda door, session: door.move(session.pk, "x", 1),
    "figures": lambda door, _: door.analytics("x"),
}
_UNKNOWN_IDS: dict[str, tuple[Act, str]] = {
    "an offer to no id": (lambda door, session: door.offer(session.pk, "x"), "invalid"),
    "removing no ids": (lambda door, session: door.bulk_remove(session.pk, ["x"]), "invalid"),
    "an offer to a stranger": (lambda door, session: door.offer(session.pk, uuid4()), "not_found"),
    "removing a stranger": (lambda door, session: door.remove(session.pk, uuid4()), "not_found"),
    "capacity of nothing": (lambda door, _: door.capacity(uuid4(), 3), "not_found"),
    "figures of nothing": (lambda door, _: door.analytics(uuid4()), "not_found"),
}


@both
@pytest.mark.parametrize("case", _BAD_IDS)
def test_what_is_no_id_is_refused(door: type[Door], case: str) -> None:
    """CONTRACT: no address on REST, a field error where it is an argument."""
    session = _session()
    expected = "not_found" if door is RestDoor else "invalid"
    assert _BAD_IDS[case](door(_staff(session)), session).code == expected


@both
@pytest.mark.parametrize("case", _UNKNOWN_IDS)
def test_ids_of_nothing(door: type[Door], case: str) -> None:
    """CONTRACT: ids in bodies by field, what is not there 404; nothing changed."""
    session = _session()
    entry = join(session, now=clock.now())
    act, code = _UNKNOWN_IDS[case]
    assert act(door(_staff(session)), session).code == code
    assert statuses([entry]) == ["WAITING"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("post", "", {"priority_tier": "VIP"}, "priority_tier"),
        ("post", "", {"quantity": "many"}, "quantity"),
        ("post", "", {"quantity": 10**30}, "quantity"),
        ("post", "/accept", {}, "join_token"),
        ("post", "/accept", {"join_token": "a\0"}, "join_token"),
        ("post", "/decline", {"join_token": None}, "join_token"),
        ("post", "/offers", {}, "user_id"),
        ("post", "/bulk-offers", {"count": "all"}, "count"),
        ("post", "/bulk-offers", {"count": 1, "who": "x"}, "who"),
        ("post", "/bulk-remove", {"entry_ids": "x", "reason": "x"}, "entry_ids"),
        ("post", "/bulk-remove", {"entry_ids": [str(uuid4())] * 201, "reason": "x"}, "entry_ids"),
        ("post", "/bulk-remove", {"entry_ids": [str(uuid4())]}, "reason"),
        ("post", "/pause", {"reason": "x" * 5000}, "reason"),
        ("post", "/resume", {"now": "x"}, "now"),
        ("put", "capacity", {"maximum_capacity": 2**31}, "maximum_capacity"),
        ("put", "capacity", {"maximum_capacity": "x"}, "maximum_capacity"),
        ("put", "capacity", {}, "maximum_capacity"),
    ],
)
def test_rest_names_what_is_wrong(method: str, path: str, body: dict[str, Any], field: str) -> None:
    """CONTRACT: 400 by field, unknown ones too; nothing changed."""
    session = _session()
    entry = join(session, now=clock.now())
    before = books(session.pk)
    tail = path if path == "capacity" else f"waitlist{path}"
    call = getattr(Client(headers=bearer(_staff(session))), method)
    answer = call(f"/api/v1/sessions/{session.pk}/{tail}", body, content_type="application/json")
    assert answer.status_code == 400
    assert [one["field"].split("[")[0] for one in answer.json()["errors"]] == [field]
    session.refresh_from_db()
    assert (books(session.pk), statuses([entry]), session.maximum_capacity) == (before, ["WAITING"], 1)


def test_statuses_are_those_of_the_contract() -> None:
    """CONTRACT: 201, 200, 204, 400, 401, 403, 404, 409, 410, 422."""
    session = _session()
    guest, base = make_guest(session.event), f"/api/v1/sessions/{session.pk}/waitlist"

    def status(user: Any, method: str, path: str = "", body: Any = None, **headers: str) -> int:
        client = Client(headers={**(bearer(user) if user else {}), **headers})
        answer = getattr(client, method)(f"{base}{path}", body or {}, content_type="application/json")
        return int(answer.status_code)

    key = {"Idempotency-Key": "k"}
    assert status(None, "post") == 401
    assert status(make_user(), "post") == 403
    assert status(guest, "post", **key) == 201
    assert status(guest, "post", **key) == 201
    assert status(guest, "post", "", {"quantity": 2}, **key) == 422
    assert status(guest, "post") == 409
    assert status(guest, "post", "/accept", {"join_token": "x"}) == 400
    assert status(guest, "get", "/entries") == 404
    assert status(guest, "delete") == 204
    assert status(guest, "delete") == 404
    entry = _offered(session)
    past = clock.now() - timedelta(seconds=1)
    Entry.objects.filter(pk=entry.pk).update(offered_at=past - timedelta(minutes=15), offer_expires_at=past)
    assert status(entry.user, "post", "/decline", {"join_token": token_of(entry)}) == 410
