"""Answering an offer: what a token is good for, exactly how long, and where the seat goes."""

from datetime import timedelta

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_user
from common.errors import NotFound, Unauthenticated
from common.outbox.testing import run_due
from common.types import ANONYMOUS
from events.errors import AlreadyAttending, SessionFull
from events.models import Attendance, AttendanceStatus, Session
from events.services import sessions
from events.tests.factories import make_attendance
from waitlist import selectors
from waitlist.errors import TokenExpired, TokenInvalid
from waitlist.models import Entry
from waitlist.services import answering, expiring, leaving, staff
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import (
    books,
    free_up,
    join,
    make_full_session,
    staff_of,
    statuses,
    token_of,
    waiting,
)

pytestmark = pytest.mark.django_db


def _offered(session: Session, **terms: object) -> Entry:
    entry = join(session, **terms)  # type: ignore[arg-type]
    free_up(session, entry.quantity)
    fill_free_seats(session_id=session.pk, now=NOW)
    entry.refresh_from_db()
    return entry


def _accept(entry: Entry, *, now: object = NOW, token: str | None = None) -> Attendance:
    return answering.accept(
        actor=actor_of(entry.user),
        session_id=entry.session_id,
        join_token=token_of(entry) if token is None else token,
        now=now,  # type: ignore[arg-type]
    )


def test_accepting_takes_the_seat_and_the_roster_shows_it() -> None:
    """REQ WL-04: held becomes attendance, in one step."""
    session = make_full_session()
    entry = _offered(session)
    attendance = _accept(entry)
    entry.refresh_from_db()
    assert (entry.status, entry.attendance_id, entry.ended_at) == ("ACCEPTED", attendance.pk, NOW)
    stored, counted = books(session.pk)
    assert stored == counted
    assert (stored.attendance, stored.held) == (1, 0)


def test_a_group_is_seated_whole() -> None:
    """REQ WL-10: one attendance of three seats; leaving gives all three back."""
    session = make_full_session(capacity=3)
    entry = _offered(session, quantity=3)
    assert _accept(entry).seats == 3
    nexts = waiting(session, 4)
    sessions.leave(actor=actor_of(entry.user), session_id=session.pk, now=NOW)
    run_due(NOW)
    assert statuses(nexts) == ["OFFERED", "OFFERED", "OFFERED", "WAITING"]


def test_a_token_works_once() -> None:
    """REQ WL-04: the second time it is not valid any more, and nothing changes."""
    entry = _offered(make_full_session())
    token = token_of(entry)
    _accept(entry)
    before = books(entry.session_id)
    with pytest.raises(TokenInvalid):
        _accept(entry, token=token)
    assert books(entry.session_id) == before


def test_the_time_is_over_to_the_microsecond() -> None:
    """REQ WL-04: at its end the offer is expired although no job ran; just before it is good."""
    first, second = _offered(make_full_session()), _offered(make_full_session())
    assert first.offer_expires_at is not None
    with pytest.raises(TokenExpired):
        _accept(first, now=first.offer_expires_at)
    assert statuses([first]) == ["OFFERED"]
    assert _accept(second, now=first.offer_expires_at - timedelta(microseconds=1)).seats == 1


def test_an_expired_offers_token_says_expired() -> None:
    """CONTRACT: 410 token_expired, also after the job closed it."""
    entry = _offered(make_full_session())
    token = token_of(entry)
    expiring.expire_due(session_id=entry.session_id, now=NOW + timedelta(minutes=16))
    with pytest.raises(TokenExpired):
        _accept(entry, token=token, now=NOW + timedelta(minutes=17))


def _tokens_of_others(entry: Entry) -> dict[str, str]:
    other = _offered(make_full_session(event=entry.session.event), user=entry.user)
    token = token_of(entry)
    return {
        "nonsense": "abc",
        "empty": "",
        "long": "x" * 5000,
        "changed": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "another session's": token_of(other),
        "another offer's": token.replace(".1:", ".2:"),
    }


def test_other_tokens_are_refused() -> None:
    """REQ WL-04: a token is good for its entry, its session, its offer; changed ones for nothing."""
    entry = _offered(make_full_session())
    before = books(entry.session_id)
    for name, token in _tokens_of_others(entry).items():
        with pytest.raises(TokenInvalid):
            _accept(entry, token=token)
        assert books(entry.session_id) == before, name


def test_another_persons_token_is_refused() -> None:
    """REQ WL-04: who found somebody's token has nothing; without signing in neither."""
    entry = _offered(make_full_session())
    thief = make_user()
    for actor, error in ((actor_of(thief), TokenInvalid), (ANONYMOUS, Unauthenticated)):
        for act in (answering.accept, answering.decline):
            with pytest.raises(error):
                act(actor=actor, session_id=entry.session_id, join_token=token_of(entry), now=NOW)
    assert statuses([entry]) == ["OFFERED"]


def test_declining_offers_the_seat_to_the_next_at_once() -> None:
    """REQ WL-05: in the same transaction, no job needed."""
    session = make_full_session()
    entry = _offered(session)
    following = join(session)
    answering.decline(actor=actor_of(entry.user), session_id=session.pk, join_token=token_of(entry), now=NOW)
    assert statuses([entry, following]) == ["DECLINED", "OFFERED"]


def test_leaving_with_an_open_offer_cascades() -> None:
    """REQ WL-05: left is as good as declined."""
    session = make_full_session()
    entry = _offered(session)
    following = join(session)
    leaving.leave(actor=actor_of(entry.user), session_id=session.pk, now=NOW)
    assert statuses([entry, following]) == ["LEFT", "OFFERED"]
    with pytest.raises(TokenInvalid):
        _accept(entry)


def test_leaving_without_a_place_is_not_found() -> None:
    """REQ WL-02: nothing to leave."""
    session = make_full_session()
    with pytest.raises(NotFound):
        leaving.leave(actor=actor_of(make_user()), session_id=session.pk, now=NOW)


def test_an_offer_taken_back_is_worth_nothing() -> None:
    """REQ WL-07: removed by staff; the token is dead."""
    session = make_full_session()
    entry = _offered(session)
    token = token_of(entry)
    staff.remove(actor=staff_of(session), session_id=session.pk, entry_id=entry.pk, now=NOW)
    with pytest.raises(TokenInvalid):
        _accept(entry, token=token)


def test_who_walked_in_meanwhile_is_told_so() -> None:
    """REQ WL-04: a second seat for the same person is refused; the offer stays to be declined."""
    session = make_full_session()
    entry = _offered(session)
    session.refresh_from_db()
    session.maximum_capacity = 2
    session.save()
    make_attendance(session, entry.user)
    with pytest.raises(AlreadyAttending):
        _accept(entry)
    assert statuses([entry]) == ["OFFERED"]


def test_a_seat_that_is_not_held_is_never_given() -> None:
    """REQ WL-04: counters that drifted refuse with 409 rather than seat somebody above capacity."""
    session = make_full_session()
    entry = _offered(session)
    Session.objects.filter(pk=session.pk).update(held=0, current_attendance=1)
    with pytest.raises(SessionFull):
        _accept(entry)
    assert not Attendance.objects.filter(user=entry.user, status=AttendanceStatus.ATTENDING).exists()


def test_the_place_shows_the_offer_until_it_is_over() -> None:
    """REQ WL-02: the answer carries the token and its end; past it there is no offer in it."""
    entry = _offered(make_full_session())
    actor = actor_of(entry.user)
    place = selectors.place_of(actor, entry.session_id, now=NOW)
    assert place.offer is not None
    assert (place.status, place.position) == ("OFFERED", None)
    assert (place.offer.join_token, place.offer.expires_at) == (token_of(entry), entry.offer_expires_at)
    assert selectors.place_of(actor, entry.session_id, now=NOW + timedelta(minutes=15)).offer is None


def test_a_place_one_never_had_is_not_found() -> None:
    """REQ WL-02: 404; one that ended shows how."""
    session = make_full_session()
    entry = join(session)
    with pytest.raises(NotFound):
        selectors.place_of(actor_of(make_user()), session.pk, now=NOW)
    leaving.leave(actor=actor_of(entry.user), session_id=session.pk, now=NOW)
    assert selectors.place_of(actor_of(entry.user), session.pk, now=NOW).status == "LEFT"
