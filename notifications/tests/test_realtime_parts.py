"""The small parts of the real-time process: the pace of a socket, who is there."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from accounts.services import tokens
from accounts.tests.factories import make_user
from common import clock
from common.errors import Unauthenticated
from notifications.realtime.pace import Pace, Verdict
from notifications.realtime.sockets import Socket, Sockets
from notifications.tests.realtime import ROOT


def test_a_second_has_so_many_events_and_no_more() -> None:
    """REQ RT-01: as many at once as a second has; each fraction of a second makes its share of room."""
    pace = Pace(20, now=100.0)
    assert [pace.take(100.0) for _ in range(21)] == [Verdict.FINE] * 20 + [Verdict.LIMITED]
    # A quarter of a second makes room for five, of which the refused one took its own.
    assert [pace.take(100.25) for _ in range(5)] == [Verdict.FINE] * 4 + [Verdict.LIMITED]
    # However long it was quiet, there is one second's worth.
    assert [pace.take(900.0) for _ in range(21)].count(Verdict.FINE) == 20


def test_refused_events_count_until_it_is_a_flood() -> None:
    """REQ RT-01: 100 more than a second's worth at once, or a little too much for long, ends the connection."""
    pace = Pace(20, now=0.0)
    verdicts = [pace.take(0.0) for _ in range(121)]
    assert verdicts == [Verdict.FINE] * 20 + [Verdict.LIMITED] * 100 + [Verdict.FLOOD]
    steady, late = Pace(20, now=0.0), []
    for second in range(60):
        late = [steady.take(float(second)) for _ in range(25)]
    assert late[-1] is Verdict.FLOOD
    patient = Pace(16, now=0.0)
    assert {patient.take(number / 16) for number in range(1, 2_000)} == {Verdict.FINE}


def test_people_come_with_their_first_socket_and_go_with_their_last() -> None:
    """REQ RT-02: what changed is told once, as it is in the end."""
    sockets, user_id, other = Sockets(), uuid4(), uuid4()

    def add(sid: str, who: UUID) -> None:
        sockets.add(sid, Socket(who, clock.now(), Pace(20, now=0.0)))

    add("a", user_id)
    add("b", user_id)
    add("c", other)
    sockets.remove("c")
    sockets.remove("unknown")
    assert sockets.changed.is_set()
    assert sockets.take_changes() == ({user_id}, {other})
    assert not sockets.changed.is_set()
    sockets.remove("a")
    assert (sockets.take_changes(), set(sockets.users())) == ((set(), set()), {user_id})
    sockets.remove("b")
    add("d", user_id)
    assert sockets.take_changes() == ({user_id}, set())
    assert [sid for sid, _ in sockets] == ["d"]
    add("d", other)
    assert sockets.take_changes() == ({other}, {user_id})


@pytest.mark.django_db
def test_the_end_of_a_token_is_known() -> None:
    """REQ EV-02: to the second; one that is not valid has none."""
    user, now = make_user(), clock.now().replace(microsecond=0)
    token = tokens.access_token(user, now=now)
    assert tokens.ends_at(token, now=now) == now + timedelta(minutes=30)
    with pytest.raises(Unauthenticated):
        tokens.ends_at(token, now=now + timedelta(minutes=30))


def test_the_recipe_in_the_docs_is_the_one_that_is_tested() -> None:
    """REQ RT-06: what front ends copy is what the JavaScript client runs."""
    recipe = (ROOT / "notifications" / "tests" / "stream.mjs").read_text()
    assert recipe.strip() in (ROOT / "docs" / "real-time.md").read_text()
