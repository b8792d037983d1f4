"""REQ EV-05: seats are taken and left under the session's lock. REQ EV-03: who may."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db.models import QuerySet
from django.test import Client

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_member, make_user
from common import clock
from common.errors import Forbidden, NotFound, Unauthenticated
from common.types import ANONYMOUS
from config.local_stack.testing.race import Race
from events.errors import AlreadyAttending, SessionFull, SessionOver
from events.models import Attendance, Session
from events.services import sessions
from events.tests.factories import make_attendance, make_event, make_registration, make_session

pytestmark = pytest.mark.django_db


def taken(session: Session) -> int:
    """Count the seats that the session says are taken."""
    return Session.objects.get(pk=session.pk).current_attendance


def test_taking_and_leaving() -> None:
    """REQ EV-05: a seat is counted once, and free again after leaving."""
    session, actor = make_session(capacity=1), actor_of(make_user())
    sessions.attend(actor=actor, session_id=session.pk, now=NOW)
    with pytest.raises(AlreadyAttending):
        sessions.attend(actor=actor, session_id=session.pk, now=NOW)
    assert taken(session) == 1
    sessions.leave(actor=actor, session_id=session.pk, now=NOW)
    with pytest.raises(NotFound):
        sessions.leave(actor=actor, session_id=session.pk, now=NOW)
    assert taken(session) == 0
    sessions.attend(actor=actor, session_id=session.pk, now=NOW)
    assert taken(session) == 1


def test_refusals_change_nothing() -> None:
    """REQ EV-05: full, people waiting, over, unseen and not signed in are refused, and nobody sits down."""
    full, queued = make_session(capacity=1), make_session(capacity=5, waiting=1)
    make_attendance(full)
    hidden, actor = make_session(event=make_event(private=True)), actor_of(make_user())
    cases = [(full, NOW, SessionFull), (queued, NOW, SessionFull), (hidden, NOW, NotFound)]
    cases.append((queued, NOW + timedelta(hours=2), SessionOver))
    for session, now, failure in cases:
        with pytest.raises(failure):
            sessions.attend(actor=actor, session_id=session.pk, now=now)
    with pytest.raises(Unauthenticated):
        sessions.attend(actor=ANONYMOUS, session_id=queued.pk, now=NOW)
    assert Attendance.objects.count() == 1
    make_registration(hidden.event, User.objects.get(pk=actor.user_id))
    sessions.attend(actor=actor, session_id=hidden.pk, now=NOW)
    assert taken(hidden) == 1


def test_lowered_capacity_takes_no_seat() -> None:
    """REQ EV-05: lowering keeps who sits; departures reduce what is kept; nobody new sits down above it."""
    session = make_session(capacity=3)
    boss = actor_of(make_member("staff", organization=session.event.organization))
    people = [make_user() for _ in range(3)]
    for person in people:
        sessions.attend(actor=actor_of(person), session_id=session.pk, now=NOW)
    sessions.change_capacity(actor=boss, session_id=session.pk, maximum_capacity=1, now=NOW)
    for kept, person in ((2, people[0]), (0, people[1])):
        sessions.leave(actor=actor_of(person), session_id=session.pk, now=NOW)
        assert Session.objects.get(pk=session.pk).seats_kept == kept
    with pytest.raises(SessionFull):
        sessions.attend(actor=boss, session_id=session.pk, now=NOW)
    analyst = actor_of(make_member("analyst", organization=session.event.organization))
    for actor, failure in ((analyst, Forbidden), (actor_of(make_member("owner")), NotFound)):
        with pytest.raises(failure):
            sessions.change_capacity(actor=actor, session_id=session.pk, maximum_capacity=9, now=NOW)
    assert Session.objects.get(pk=session.pk).maximum_capacity == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_joiners_for_five_seats(race: Race) -> None:
    """REQ EV-05: of fifty at once exactly five sit down, the others are told that it is full."""
    session, actors = make_session(capacity=5), [actor_of(make_user()) for _ in range(50)]
    results = race(50, lambda n: sessions.attend(actor=actors[n], session_id=session.pk, now=NOW))
    assert sum(isinstance(one, Attendance) for one in results) == 5
    assert sum(isinstance(one, SessionFull) for one in results) == 45
    assert (taken(session), Attendance.objects.count()) == (5, 5)


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock(race: Race) -> None:
    """Control of the race above: without the lock the check alone lets too many through to the database's
    CHECK."""
    session, actors = make_session(capacity=5), [actor_of(make_user()) for _ in range(50)]
    with patch.object(QuerySet, "select_for_update", lambda self, **_: self):
        results = race(50, lambda n: sessions.attend(actor=actors[n], session_id=session.pk, now=NOW))
    clean = sum(isinstance(one, Attendance | SessionFull) for one in results)
    assert clean < 50


def test_rest_doors(client: Client) -> None:
    """REQ EV-03, EV-05: 401 without a token, 404 for a private event's session, 403 and 404 for the
    roster."""
    now = clock.now()
    later = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=2)}
    session = make_session(capacity=1, **later)
    hidden = make_session(event=make_event(private=True), **later)
    guest, path = make_user(), f"/api/v1/sessions/{session.pk}/attendance"
    assert client.post(path).status_code == 401
    assert client.post(f"/api/v1/sessions/{hidden.pk}/attendance", headers=bearer(guest)).status_code == 404
    assert Attendance.objects.count() == 0
    assert client.post(path, headers=bearer(guest)).status_code == 201
    second = client.post(path + "/", headers=bearer(make_user()))
    assert (second.status_code, second.json()["code"]) == (409, "session_full")
    organization = session.event.organization
    assert client.get(path).status_code == 401
    assert client.get(path, headers=bearer(guest)).status_code == 404
    assert client.get(path, headers=bearer(make_member("owner"))).status_code == 404
    assert (
        client.get(path, headers=bearer(make_member("analyst", organization=organization))).status_code == 403
    )
    roster = client.get(
        path, {"search": guest.email}, headers=bearer(make_member("staff", organization=organization))
    ).json()
    assert [row["user"]["email"] for row in roster["results"]] == [guest.email]
    assert client.delete(path, headers=bearer(guest)).status_code == 204
    assert client.delete(path, headers=bearer(guest)).status_code == 404


def test_private_event_is_hidden(client: Client) -> None:
    """REQ EV-03: a private event answers 404 on every path, except to registered people and members."""
    event = make_event(private=True)
    registered = make_registration(event).user
    paths = [f"/api/v1/events/{event.pk}", f"/api/v1/events/{event.pk}/sessions"]
    paths.append(f"/api/v1/events/{event.pk}/ticket-tiers")
    for path in paths:
        assert client.get(path).status_code == 404
        assert client.get(path, headers=bearer(make_user())).status_code == 404
        assert client.get(path, headers=bearer(make_member("owner"))).status_code == 404
        assert client.get(path, headers=bearer(registered)).status_code == 200
    assert client.get("/api/v1/events", {"slug": event.slug}).json()["count"] == 0
    member = make_member("scanner", organization=event.organization)
    assert client.get("/api/v1/events", {"slug": event.slug}, headers=bearer(member)).json()["count"] == 1
