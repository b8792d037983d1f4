"""Walking into a session while a seat is held for oneself."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_user
from common import clock
from common.errors import NotFound
from config.local_stack.testing.race import Race
from events.errors import SessionFull
from events.models import Attendance, Registration, Session
from events.services import sessions
from events.tests.factories import make_event, make_registration, make_session
from waitlist.errors import AlreadyOffered
from waitlist.models import Entry, EntryStatus
from waitlist.services import answering
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import books, free_up, join, make_full_session, token_of

pytestmark = pytest.mark.django_db


def _offered(free: int = 2, **fields: object) -> Entry:
    """Create an offer for the only one who waited, with a free seat beside the one that is held."""
    session = make_full_session(capacity=3, **fields)
    entry = join(session)
    free_up(session, free)
    fill_free_seats(session_id=session.pk, now=NOW)
    entry.refresh_from_db()
    assert entry.status == EntryStatus.OFFERED
    return entry


def _seats(entry: Entry) -> tuple[int, int]:
    session = Session.objects.get(pk=entry.session_id)
    return session.current_attendance, session.held


def test_the_holder_of_an_offer_is_led_to_it() -> None:
    """REQ WL-04: a second seat would leave the held one empty for as long as the offer lasts."""
    entry = _offered()
    before = _seats(entry), Attendance.objects.count()
    with pytest.raises(AlreadyOffered):
        sessions.attend(actor=actor_of(entry.user), session_id=entry.session_id, now=NOW)
    assert (_seats(entry), Attendance.objects.count()) == before
    entry.refresh_from_db()
    assert entry.status == EntryStatus.OFFERED
    answering.accept(
        actor=actor_of(entry.user), session_id=entry.session_id, join_token=token_of(entry), now=NOW
    )
    assert _seats(entry) == (2, 0)


def test_the_door_names_it() -> None:
    """REQ EV-05: 409 with what to do."""
    start = clock.now() + timedelta(days=1)
    session = make_full_session(capacity=2, starts_at=start, ends_at=start + timedelta(hours=1))
    entry = join(session, now=clock.now())
    free_up(session, 2)
    fill_free_seats(session_id=session.pk, now=clock.now())
    answer = Client().post(f"/api/v1/sessions/{session.pk}/attendance", headers=bearer(entry.user))
    assert (answer.status_code, answer.json()["code"]) == (409, "already_offered")


def test_others_walk_in_beside_the_held_seat() -> None:
    """REQ EV-05: a free seat that is held for nobody is for anybody; the held one is not."""
    entry = _offered()
    sessions.attend(actor=actor_of(make_user()), session_id=entry.session_id, now=NOW)
    assert _seats(entry) == (2, 1)
    with pytest.raises(SessionFull):
        sessions.attend(actor=actor_of(make_user()), session_id=entry.session_id, now=NOW)
    assert _seats(entry) == (2, 1)


def test_an_offer_whose_time_is_over_stands_in_nobodys_way() -> None:
    """REQ WL-04: it cannot be accepted any more, even if no job has closed it yet."""
    entry = _offered()
    assert entry.offer_expires_at is not None
    sessions.attend(actor=actor_of(entry.user), session_id=entry.session_id, now=entry.offer_expires_at)
    assert _seats(entry) == (2, 1)
    real, mirrored = books(entry.session_id)
    assert real == mirrored


@pytest.mark.django_db(transaction=True)
def test_accepting_and_walking_in_at_once_is_one_seat(race: Race) -> None:
    """REQ WL-04: whoever locks the session first, the person has one seat and none is held for them."""
    for _ in range(4):
        entry = _offered()
        actor, session_id = actor_of(entry.user), entry.session_id
        accept = {"actor": actor, "session_id": session_id, "join_token": token_of(entry), "now": NOW}
        race.each(
            [
                lambda accept=accept: answering.accept(**accept),
                lambda actor=actor, session_id=session_id: sessions.attend(
                    actor=actor, session_id=session_id, now=NOW
                ),
            ]
        )
        assert _seats(entry) == (2, 0)
        assert Attendance.objects.filter(session_id=session_id, user=entry.user).count() == 1


def test_without_the_check_the_held_seat_stays_empty() -> None:
    """The control: walking in takes a second seat."""
    entry = _offered()
    with patch("events.registry._walk_in_checks", []):
        sessions.attend(actor=actor_of(entry.user), session_id=entry.session_id, now=NOW)
    assert _seats(entry) == (2, 1)


def test_the_question_is_asked_under_the_lock() -> None:
    """An offer made after the look and before the seat would be missed."""
    entry = _offered()
    asked: list[str] = []

    def note(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note), pytest.raises(AlreadyOffered):
        sessions.attend(actor=actor_of(entry.user), session_id=entry.session_id, now=NOW)
    locked = next(i for i, sql in enumerate(asked) if "FOR UPDATE" in sql)
    looked = next(i for i, sql in enumerate(asked) if "waitlist_entry" in sql)
    assert locked < looked


def test_who_lost_a_private_event_before_the_lock_has_no_seat() -> None:
    """REQ EV-03: a registration that ends after the look and before the lock takes no seat, and changes nothing."""
    session = make_session(event=make_event(private=True), capacity=1)
    guest = make_registration(session.event).user

    def end_first(execute, sql, params, many, context):
        if "FOR UPDATE" in sql and '"events_session"' in sql:
            Registration.objects.all().delete()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(end_first), pytest.raises(NotFound):
        sessions.attend(actor=actor_of(guest), session_id=session.pk, now=NOW)
    assert (Session.objects.get(pk=session.pk).current_attendance, Attendance.objects.count()) == (0, 0)
