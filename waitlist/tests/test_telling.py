"""What people are told, on every channel, and when: after it is true, once, and urgent where it must be."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW
from common import redis
from common.outbox import Lane
from common.outbox.models import Job
from common.outbox.testing import run_due
from events.models import Session
from notifications import push as push_channel
from notifications.models import EmailMessage, RealtimeEvent
from notifications.push import PushMessage
from notifications.realtime import constants, presence
from waitlist.models import Entry
from waitlist.services import answering, names, staff, telling
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import (
    free_up,
    join,
    make_full_session,
    pause,
    staff_of,
    token_of,
    waiting,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pushed() -> Iterator[list[PushMessage]]:
    """Collect what the push channel is handed."""
    taken: list[PushMessage] = []

    def channel(messages: Sequence[PushMessage], _now: datetime) -> None:
        taken.extend(messages)

    push_channel.register(channel)
    yield taken
    push_channel.unregister(channel)


@pytest.fixture(autouse=True)
def _never_told(valkey: Any) -> None:
    """Begin with a Redis that knows of no queue."""
    redis.client().flushall()


def _offer(session: Session, seats: int = 1) -> None:
    free_up(session, seats)
    fill_free_seats(session_id=session.pk, now=NOW)


def _announced(event: str) -> list[tuple[str, dict[str, Any]]]:
    rows = RealtimeEvent.objects.filter(event=event).order_by("id")
    return list(rows.values_list("stream", "payload"))


def _mailed(template: str) -> list[EmailMessage]:
    return list(EmailMessage.objects.filter(template=template).order_by("created_at", "id"))


def test_an_offer_is_told_on_every_channel(pushed: list[PushMessage]) -> None:
    """REQ WL-08, RT-02: socket, urgent e-mail and urgent push, with the token where it may be."""
    session = make_full_session()
    entry = join(session)
    _offer(session)
    run_due(NOW, lanes=[Lane.REALTIME])
    [(room, payload)] = _announced(constants.WAITLIST_OFFER)
    assert room == constants.user_room(entry.user_id)
    assert payload == {
        "title": f"A seat for you: {session.title}",
        "message": f"A seat in {session.title} is yours if you accept until "
        "Wednesday, 21 November 2096, 12:15 (UTC).",
        "join_token": token_of(entry),
        "expires_at": "2096-11-21T12:15:00+00:00",
        "session_id": str(session.pk),
    }
    [mail] = _mailed("waitlist_offer")
    assert (mail.to, mail.is_urgent) == (entry.user.email, True)
    assert mail.subject == f"A seat for you: {session.title}"
    assert f"/sessions/{session.pk}/waitlist" in mail.text_body
    # Who reads along in a mailbox shall not get the seat.
    assert token_of(entry) not in mail.text_body + mail.html_body
    [message] = pushed
    assert (message.user_id, message.urgent, message.kind) == (entry.user_id, True, "waitlist_offer")
    assert message.not_after == NOW + timedelta(minutes=15)


def test_nothing_is_told_of_what_was_rolled_back() -> None:
    """REQ RT-04: the offer and everything about it come and go together."""
    session = make_full_session()
    join(session)
    run_due(NOW)
    Job.objects.all().delete()
    free_up(session)
    with transaction.atomic():
        assert fill_free_seats(session_id=session.pk, now=NOW) == 1
        transaction.set_rollback(True)
    run_due(NOW)
    assert _announced(constants.WAITLIST_OFFER) == []
    assert _mailed("waitlist_offer") == []


def test_telling_twice_tells_once_by_mail() -> None:
    """REQ WL-08: a job that ran twice sends no second e-mail of the same offer."""
    session = make_full_session()
    entry = join(session)
    _offer(session)
    for _ in range(2):
        assert telling.tell_people(names.What.OFFERED, [entry.pk], now=NOW) == 1
    assert len(_mailed("waitlist_offer")) == 1


def test_what_is_no_longer_so_is_not_told() -> None:
    """REQ WL-08: an offer that was answered, or whose time is over, before the job ran."""
    session = make_full_session(capacity=2)
    first, second = waiting(session, 2)
    _offer(session, 2)
    answering.decline(actor=actor_of(first.user), session_id=session.pk, join_token=token_of(first), now=NOW)
    late = NOW + timedelta(minutes=15)
    assert telling.tell_people(names.What.OFFERED, [first.pk], now=NOW) == 0
    assert telling.tell_people(names.What.OFFERED, [second.pk], now=late) == 0


def test_expiry_acceptance_and_removal_are_told() -> None:
    """REQ WL-08, WL-07: each with its own words; expiry and acceptance urgent."""
    session = make_full_session(capacity=3)
    accepted, expired, removed = waiting(session, 3)
    _offer(session, 3)
    answering.accept(
        actor=actor_of(accepted.user), session_id=session.pk, join_token=token_of(accepted), now=NOW
    )
    staff.remove(
        actor=staff_of(session), session_id=session.pk, entry_id=removed.pk, reason="Double", now=NOW
    )
    run_due(NOW + timedelta(minutes=15), lanes=[Lane.REALTIME])
    [acceptance], [expiry], [removal] = (
        _mailed(f"waitlist_{name}") for name in ("accepted", "offer_expired", "removed")
    )
    assert (acceptance.to, acceptance.is_urgent) == (accepted.user.email, True)
    assert (expiry.to, expiry.is_urgent) == (expired.user.email, True)
    assert (removal.to, removal.is_urgent) == (removed.user.email, False)
    assert "Double" in removal.text_body
    [(room, payload)] = _announced(constants.WAITLIST_OFFER_EXPIRED)
    assert room == constants.user_room(expired.user_id)
    assert payload == {
        "message": f"Your offer for {session.title} has expired and went to the next in line.",
        "session_id": str(session.pk),
    }
    assert [room for room, _ in _announced(constants.WAITLIST_ACCEPTED)] == [
        constants.user_room(accepted.user_id)
    ]


def test_who_watches_the_queue_hears_of_each_change() -> None:
    """REQ RT-02: WAITLIST_CHANGED with the counts, to the session's room."""
    session = make_full_session(capacity=2)
    waiting(session, 3)
    _offer(session)
    run_due(NOW, lanes=[Lane.REALTIME])
    room, payload = _announced(constants.WAITLIST_CHANGED)[-1]
    assert room == constants.waitlist_room(session.pk)
    assert payload == {"session_id": str(session.pk), "waiting": 2, "offered": 1, "free": 0}


def test_positions_go_to_who_is_connected_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ WL-08, RT-02: of a hundred changes in a second one is told, and to people who are there."""
    session = make_full_session()
    away, here = waiting(session, 2)
    monkeypatch.setattr(presence, "online_users", lambda: {here.user_id})
    waiting(session, 5)
    run_due(NOW, lanes=[Lane.REALTIME])
    assert _announced(constants.WAITLIST_POSITION_UPDATE) == [
        (
            constants.user_room(here.user_id),
            {"position": 2, "total": 7, "estimated_wait_minutes": None, "session_id": str(session.pk)},
        )
    ]
    waiting(session, 1)
    run_due(NOW, lanes=[Lane.REALTIME])
    assert len(_announced(constants.WAITLIST_POSITION_UPDATE)) == 1
    assert Job.objects.get(kind=names.TELL_QUEUE, status="pending").attempts == 0
    redis.client().flushall()
    run_due(NOW + timedelta(seconds=1), lanes=[Lane.REALTIME])
    told = _announced(constants.WAITLIST_POSITION_UPDATE)
    assert [payload["total"] for _, payload in told] == [7, 8]
    assert away.pk != here.pk


def test_the_first_three_are_told_when_they_come_there() -> None:
    """REQ WL-08: the fourth moves up and is told once; who joined as third knew it already."""
    session = make_full_session()
    entries = waiting(session, 5)
    run_due(NOW, lanes=[Lane.REALTIME])
    assert _mailed("waitlist_near_front") == []
    for _ in range(2):
        redis.client().flushall()
        _offer(session)
        staff.change_capacity(actor=staff_of(session), session_id=session.pk, maximum_capacity=1, now=NOW)
        run_due(NOW, lanes=[Lane.REALTIME])
    [mail] = _mailed("waitlist_near_front")
    assert mail.to == entries[3].user.email
    assert mail.subject == f"Nearly there: number 3 for {session.title}"


def test_one_broken_address_stops_nobody_elses_mail() -> None:
    """REQ WL-08: a user of the identity service without a usable address is passed over."""
    session = make_full_session(capacity=2)
    entries = waiting(session, 2)
    User.objects.filter(pk=entries[0].user_id).update(email="nobody")
    _offer(session, 2)
    run_due(NOW, lanes=[Lane.REALTIME])
    assert [mail.to for mail in _mailed("waitlist_offer")] == [entries[1].user.email]
    assert len(_announced(constants.WAITLIST_OFFER)) == 2


def test_a_closed_queue_says_so() -> None:
    """REQ WL-11: who waited when the session began hears that it is over."""
    session = make_full_session()
    entry = join(session)
    pause(session)
    run_due(session.starts_at)
    from waitlist.services.sweeping import sweep_due

    assert sweep_due(now=session.starts_at) == 1
    run_due(session.starts_at, lanes=[Lane.REALTIME])
    assert Entry.objects.get(pk=entry.pk).status == "REMOVED"
    assert [mail.to for mail in _mailed("waitlist_closed")] == [entry.user.email]
