"""Joining over the socket, through the running real-time process: the same rules, answers and keys as REST."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import make_user
from common import clock
from common.errors import Failure
from common.outbox.models import Job
from common.outbox.testing import run_due
from common.tests.logs import written
from events.models import Session
from events.tests.factories import make_event, make_session
from notifications.realtime.constants import JOIN_WAITLIST
from notifications.tests.realtime import SECONDS, RealtimeProcess, connected, token_of
from waitlist.commands import REPEATED_WITHIN, join_waitlist
from waitlist.models import Entry
from waitlist.services import leaving
from waitlist.tests.doors import RestDoor
from waitlist.tests.factories import books, join, make_full_session, make_guest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name the file that the process writes its log to."""
    return tmp_path_factory.mktemp("realtime") / "log"


@pytest.fixture(scope="module")
def server(django_db_setup: None, log: Path) -> Iterator[RealtimeProcess]:
    """Give a real-time process of this module's own."""
    process = RealtimeProcess()
    with log.open("wb") as file:
        process.start(log=file)
    yield process
    process.stop()


def _session(**fields: Any) -> Session:
    """Create a full session that begins tomorrow by the real clock, which the process reads."""
    start = clock.now() + timedelta(days=1)
    return make_full_session(**{"starts_at": start, "ends_at": start + timedelta(hours=1), **fields})


def _emit(server: RealtimeProcess, user: User, *said: object) -> list[Any]:
    """Send one join after the other over one socket, and return what was acknowledged."""

    async def ask() -> list[Any]:
        client = await connected(server, token_of(user))
        try:
            return [await client.call(JOIN_WAITLIST, one, timeout=SECONDS) for one in said]
        finally:
            await client.disconnect()

    return asyncio.run(ask())


def test_joins_and_is_told_the_place_as_rest_tells_it(server: RealtimeProcess) -> None:
    """REQ RT-03: the acknowledgement is the place."""
    session = _session(capacity=3)
    join(session, now=clock.now())
    guest = make_guest(session.event, "VIP")
    [ack] = _emit(server, guest, {"session_id": str(session.pk), "quantity": 3})
    assert ack.pop("ok") is True
    assert (ack["position"], ack["total"], ack["quantity"]) == (1, 2, 3)
    assert ack == RestDoor(guest).place(session.pk).data


def test_what_a_socket_begins_is_followed_by_an_id(server: RealtimeProcess, log: Path) -> None:
    """REQ OP-01: each event has an id of its own, in its line of the log, on the jobs that it begins and on theirs."""
    session = _session()
    guests = [make_guest(session.event) for _ in range(2)]
    before, begun = len(_events_told(log)), []
    for guest in guests:
        Job.objects.all().delete()
        [ack] = _emit(server, guest, {"session_id": str(session.pk)})
        assert ack["ok"] is True
        begun.append(set(Job.objects.filter(kind__startswith="waitlist.").values_list("trace_id", flat=True)))
    with written({"": "INFO"}) as lines:
        assert run_due() > 0
        worked = [
            line
            for line in lines()
            if line["event"] == "job_ended" and line["job_kind"].startswith("waitlist.")
        ]
    told = _events_told(log)[before:]
    assert [(line["event_name"], line["code"], line["user_id"]) for line in told] == [
        (JOIN_WAITLIST, "ok", str(guest.pk)) for guest in guests
    ]
    first, second = ({line["request_id"]} for line in told)
    assert begun == [first, second]
    assert first != second
    # The jobs of the first guest were taken away above.
    assert {line["request_id"] for line in worked} == second


def _events_told(log: Path) -> list[dict[str, Any]]:
    """Return the lines of clients' events so far."""
    lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == "socket_event"]


def test_a_key_gives_one_place_over_both_doors(server: RealtimeProcess) -> None:
    """REQ RT-03: asked again, on the socket or on REST, it is the same place; another wish is refused."""
    session = _session()
    guest = make_guest(session.event)
    said = {"session_id": str(session.pk), "idempotency_key": "k"}
    first, again, other, without = _emit(
        server, guest, said, said, {**said, "quantity": 2}, {"session_id": str(session.pk)}
    )
    assert again == first
    assert (other["ok"], other["code"]) == (False, "idempotency_mismatch")
    assert (without["ok"], without["code"]) == (False, "already_waiting")
    replayed = RestDoor(guest, **{"Idempotency-Key": "k"}).join(session.pk)
    assert {"ok": True, **replayed.data} == first
    assert Entry.objects.filter(user=guest).count() == 1


def test_a_key_of_rest_counts_on_the_socket(server: RealtimeProcess) -> None:
    """REQ RT-03: the other way round too."""
    session = _session()
    guest = make_guest(session.event)
    joined = RestDoor(guest, **{"Idempotency-Key": "k"}).join(session.pk)
    [ack] = _emit(server, guest, {"session_id": str(session.pk), "idempotency_key": "k"})
    assert ack == {"ok": True, **joined.data}


def test_many_sockets_at_once_with_one_key_make_one_place(server: RealtimeProcess) -> None:
    """REQ RT-03: each gets the place, or is told that the first call is at work."""
    session = _session()
    guest = make_guest(session.event)
    said = {"session_id": str(session.pk), "idempotency_key": "k"}

    async def ask() -> list[Any]:
        clients = [await connected(server, token_of(guest)) for _ in range(8)]
        acks = await asyncio.gather(*(one.call(JOIN_WAITLIST, said, timeout=SECONDS) for one in clients))
        for one in clients:
            await one.disconnect()
        return list(acks)

    acks = asyncio.run(ask())
    places = {ack["id"] for ack in acks if ack["ok"]}
    assert places == {str(Entry.objects.get(user=guest).pk)}
    assert {ack["code"] for ack in acks if not ack["ok"]} <= {"in_progress"}


@pytest.mark.parametrize(
    ("said", "field", "code"),
    [
        ({}, "session_id", "not_an_id"),
        ({"session_id": "x"}, "session_id", "not_an_id"),
        ({"session_id": 7}, "session_id", "not_an_id"),
        ({"quantity": "2"}, "quantity", "wrong_type"),
        ({"quantity": True}, "quantity", "wrong_type"),
        ({"quantity": None}, "quantity", "wrong_type"),
        ({"quantity": 0}, "quantity", "out_of_range"),
        ({"quantity": 5}, "quantity", "out_of_range"),
        ({"idempotency_key": 7}, "idempotency_key", "wrong_type"),
        ({"idempotency_key": ""}, "idempotency_key", "invalid_key"),
        ({"priority_tier": "VIP"}, "priority_tier", "unknown_field"),
    ],
)
def test_wrong_input_is_named(
    server: RealtimeProcess, said: dict[str, object], field: str, code: str
) -> None:
    """REQ RT-03, WL-01: by field, and nothing changed; nobody names their own tier."""
    session = _session()
    guest = make_guest(session.event)
    given = {"session_id": str(session.pk), **said} if said else {}
    [ack] = _emit(server, guest, given)
    assert (ack["ok"], ack["code"]) == (False, "invalid")
    assert [(one["field"], one["code"]) for one in ack["errors"]] == [(field, code)]
    assert books(session.pk)[1].waiting == 0


def test_refusals_are_those_of_rest(server: RealtimeProcess) -> None:
    """REQ RT-03, WL-01: ticket_required, session_not_full, waitlist_closed, not_found; nothing changed."""
    event, start = make_event(), clock.now() + timedelta(days=1)
    full = _session(event=event)
    roomy = make_session(event=event, capacity=2, starts_at=start, ends_at=start + timedelta(hours=1))
    begun = _session(event=event, starts_at=clock.now(), ends_at=start)
    hidden = _session(event=make_event(private=True))
    guest, stranger = make_guest(event), make_user()
    cases = [
        (stranger, full.pk, "ticket_required"),
        (guest, roomy.pk, "session_not_full"),
        (guest, begun.pk, "waitlist_closed"),
        (guest, hidden.pk, "not_found"),
        (guest, uuid4(), "not_found"),
    ]
    for user, session_id, code in cases:
        [ack] = _emit(server, user, {"session_id": str(session_id)})
        assert (ack["ok"], ack["code"]) == (False, code)
        assert RestDoor(user).join(session_id).code == code
    assert not Entry.objects.exists()


def test_a_key_is_kept_for_a_minute() -> None:
    """REQ RT-03: replayed until the window ends, also after the place was left; then it is a new wish."""
    session = _session()
    guest = make_guest(session.event)
    said, now = {"session_id": str(session.pk), "idempotency_key": "k"}, clock.now()
    first = join_waitlist(guest, said, now)
    assert join_waitlist(guest, said, now + REPEATED_WITHIN - timedelta(microseconds=1)) == first
    with pytest.raises(Failure) as refused:
        join_waitlist(guest, said, now + REPEATED_WITHIN)
    assert refused.value.code == "already_waiting"
    leaving.leave(actor=actor_of(guest), session_id=session.pk, now=now + REPEATED_WITHIN)
    assert join_waitlist(guest, said, now + REPEATED_WITHIN)["id"] != first["id"]
