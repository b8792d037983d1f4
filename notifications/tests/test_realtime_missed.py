"""What was missed is read by number: exactly that, in order, by who may join the room."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.tests.factories import bearer, make_member, make_membership, make_superuser, make_user
from common import clock
from events.models import Event
from events.tests.factories import make_event, make_registration
from notifications import tasks
from notifications.models import RealtimeEvent, RealtimeStream
from notifications.realtime import relay, retention
from notifications.realtime.streams import Announcement, announce, announce_many, shard_of
from notifications.tests.factories import NOON

pytestmark = pytest.mark.django_db
URL = "/api/v1/realtime/missed"


@pytest.fixture
def user() -> User:
    """Give somebody with a room of their own."""
    return make_user()


def tell(stream: str, count: int, *, first: int = 1) -> None:
    """Announce and number so many events."""
    announce_many(
        [Announcement(stream, "X", {"n": number}) for number in range(first, first + count)], now=NOON
    )
    relay.relay(shard_of(stream), now=NOON)


def ask(client: Client, user: User | None, **query: object) -> tuple[int, dict[str, Any]]:
    headers = bearer(user) if user is not None else {}
    answer = client.get(URL, query, headers=headers)
    return answer.status_code, answer.json()


def test_a_client_reads_exactly_what_it_missed_in_order(client: Client, user: User) -> None:
    """REQ RT-06: what follows the number, each with its own fields; the newest number; another stream is not in it."""
    room = f"user:{user.pk}"
    tell(room, 4)
    tell(f"user:{uuid4()}", 2)
    status, page = ask(client, user, stream=room, after=2)
    ids = (
        RealtimeEvent.objects.filter(stream=room, seq__gt=2)
        .order_by("seq")
        .values_list("event_id", flat=True)
    )
    assert (status, page) == (
        200,
        {
            "stream": room,
            "seq": 4,
            "next": None,
            "results": [
                {"event_id": str(event_id), "stream": room, "seq": number, "event": "X", "n": number}
                for number, event_id in zip((3, 4), ids, strict=True)
            ],
        },
    )
    assert ask(client, user, stream=room, after=4) == (
        200,
        {"stream": room, "seq": 4, "next": None, "results": []},
    )


def test_pages_follow_each_other_to_the_end(client: Client, user: User) -> None:
    """REQ RT-06: ``next`` leads through everything, each event once."""
    room = f"user:{user.pk}"
    tell(room, 450)
    seen: list[int] = []
    address: str | None = f"{URL}?stream={room}&after=0&limit=200"
    pages = 0
    while address is not None:
        page = client.get(address, headers=bearer(user)).json()
        seen += [one["seq"] for one in page["results"]]
        address, pages = page["next"], pages + 1
    assert (pages, seen) == (3, list(range(1, 451)))


def test_a_stream_that_nobody_spoke_in_is_empty(client: Client, user: User) -> None:
    """REQ RT-06: number 0 is before the first event."""
    room = f"user:{user.pk}"
    assert ask(client, user, stream=room, after=0) == (
        200,
        {"stream": room, "seq": 0, "next": None, "results": []},
    )


def test_what_was_not_pushed_can_be_read_and_what_is_not_numbered_cannot(client: Client, user: User) -> None:
    """REQ RT-04, RT-06: Redis may have been away; rows of the moment come with their number."""
    room = f"user:{user.pk}"
    announce(room, "LATE", {}, now=NOON, not_after=NOON)
    relay.relay(shard_of(room), now=NOON + timedelta(seconds=1))
    announce(room, "UNNUMBERED", {}, now=NOON)
    _, page = ask(client, user, stream=room, after=0)
    assert [(one["seq"], one["event"]) for one in page["results"]] == [(1, "LATE")]


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"after": "0"}, {"stream": "required"}),
        ({"stream": "", "after": "0"}, {"stream": "required"}),
        ({"stream": "user:x"}, {"after": "required"}),
        ({"stream": "user:x", "after": "-1"}, {"after": "not_a_number"}),
        ({"stream": "user:x", "after": "1.5"}, {"after": "not_a_number"}),
        ({"stream": "user:x", "after": "٣"}, {"after": "not_a_number"}),
        ({"stream": "user:x", "after": "9" * 30}, {"after": "out_of_range"}),
        ({"stream": "user:x", "after": str(2**63)}, {"after": "out_of_range"}),
        (
            {"after": "x", "limit": "0"},
            {"stream": "required", "after": "not_a_number", "limit": "out_of_range"},
        ),
        ({"stream": "user:x", "after": "0", "limit": "201"}, {"limit": "out_of_range"}),
        ({"stream": "user:x", "after": "0", "from": "1"}, {"from": "unknown_field"}),
    ],
)
def test_bad_parameters_are_named(
    client: Client, user: User, query: dict[str, str], errors: dict[str, str]
) -> None:
    """REQ RT-06: each wrong parameter is named, all at once."""
    status, problem = ask(client, user, **query)
    assert (status, problem["code"]) == (400, "invalid")
    assert {one["field"]: one["code"] for one in problem["errors"]} == errors


def test_nobody_reads_without_signing_in(client: Client, user: User) -> None:
    """REQ RT-06: 401."""
    status, problem = ask(client, None, stream=f"user:{user.pk}", after=0)
    assert (status, problem["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("stream", ["everybody", "user:" + "x" * 500, f"user:{UUID(int=3)}"])
def test_what_is_no_room_of_ones_own_is_not_there(client: Client, user: User, stream: str) -> None:
    """REQ RT-06: another's room is not told apart from none, even when it has events."""
    tell(f"user:{UUID(int=3)}", 1)
    assert ask(client, user, stream=stream, after=0)[0] == 404


def _people(event: Event) -> dict[str, User]:
    people = {
        role: make_member(role, organization=event.organization) for role in ("owner", "analyst", "scanner")
    }
    return people | {
        "registered": make_registration(event).user,
        "rival": make_membership("owner").user,
        "stranger": make_user(),
        "operator": make_superuser(),
    }


@pytest.mark.parametrize(
    ("room", "private", "refused"),
    [
        ("event:{}", False, {}),
        ("event:{}", True, {"rival": 404, "stranger": 404}),
        ("dashboard:{}", False, {"scanner": 403, "registered": 404, "rival": 404, "stranger": 404}),
    ],
)
def test_who_may_listen_may_read(client: Client, room: str, private: bool, refused: dict[str, int]) -> None:
    """REQ RT-01, RT-06: an event's visitors, its staff's figures; members without the role 403, others 404."""
    event = make_event(private=private)
    stream = room.format(event.pk)
    tell(stream, 1)
    answers = {
        name: ask(client, person, stream=stream, after=0)[0] for name, person in _people(event).items()
    }
    assert answers == {name: refused.get(name, 200) for name in answers}
    assert ask(client, make_superuser(), stream=room.format(uuid4()), after=0)[0] == 404


def test_past_retention_is_gone_and_numbers_go_on(client: Client, user: User, settings: Settings) -> None:
    """REQ RT-06: deleted after REALTIME_RETENTION_HOURS; then 410, and no number comes again."""
    settings.REALTIME_RETENTION_HOURS = 2
    room = f"user:{user.pk}"
    tell(room, 3)
    assert retention.forget_old(now=NOON + timedelta(hours=2)) == 0
    late = NOON + timedelta(hours=2, seconds=1)
    announce(room, "X", {}, now=late)
    assert retention.forget_old(now=late, batch=2) == 3
    relay.relay(shard_of(room), now=late)
    status, problem = ask(client, user, stream=room, after=2)
    assert (status, problem["code"]) == (410, "events_gone")
    assert [one["seq"] for one in ask(client, user, stream=room, after=3)[1]["results"]] == [4]
    assert retention.forget_old(now=late + timedelta(hours=3)) == 1
    assert ask(client, user, stream=room, after=4)[0] == 200
    assert ask(client, user, stream=room, after=0)[0] == 410
    tell(room, 1)
    assert RealtimeStream.objects.get(pk=room).last_seq == 5


def test_a_hole_in_the_middle_is_gone_too(client: Client, user: User) -> None:
    """REQ RT-06: never a silent gap: where any number is missing the client reads the state itself again."""
    room = f"user:{user.pk}"
    tell(room, 5)
    RealtimeEvent.objects.filter(stream=room, seq=3).delete()
    assert ask(client, user, stream=room, after=0)[0] == 410
    assert ask(client, user, stream=room, after=3)[0] == 200


def test_a_client_that_knows_more_than_we_do_reads_anew(client: Client, user: User) -> None:
    """REQ RT-06: a database that was restored has fewer events than the client."""
    room = f"user:{user.pk}"
    tell(room, 1)
    assert ask(client, user, stream=room, after=2)[0] == 410


def test_what_waits_to_be_numbered_is_not_deleted(user: User) -> None:
    """REQ RT-06: whatever its age, it gets its number first."""
    announce(f"user:{user.pk}", "X", {}, now=NOON - timedelta(days=9))
    assert retention.forget_old(now=NOON) == 0


def test_beat_deletes_what_is_old(user: User) -> None:
    """REQ RT-06: the task of the schedule."""
    room = f"user:{user.pk}"
    announce(room, "X", {}, now=clock.now() - timedelta(hours=25))
    relay.relay(shard_of(room), now=clock.now())
    assert tasks.forget_announcements() == 1


def test_reading_takes_three_statements(
    client: Client, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """REQ RT-06 (query budget): who asks, the counter, the page; an event's room asks for the event as well."""
    room, headers = f"user:{user.pk}", bearer(user)
    tell(room, 300)
    with django_assert_num_queries(3):
        client.get(URL, {"stream": room, "after": 0, "limit": 200}, headers=headers)
