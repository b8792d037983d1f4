"""The list of events, narrowed to what goes on or comes, and to what one may scan. REQ EV-03, TK-03."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import NOW, bearer, make_member, make_user
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db
AFTER = {"ends_after": "2096-11-21T12:00:00Z"}


def listed(client: Client, user: User | None = None, **asked: Any) -> list[str]:
    """Return the ids that are listed, in their order."""
    answer = client.get("/api/v1/events", asked, headers=bearer(user) if user else {})
    assert answer.status_code == 200, answer.content
    return [event["id"] for event in answer.json()["results"]]


def ids(*events: Event) -> list[str]:
    """Return their ids."""
    return [str(event.pk) for event in events]


def test_what_ended_is_left_out(client: Client) -> None:
    """An event that ends at the very moment is over; those that go on come first. REQ EV-03."""
    over = make_event(ends_at=NOW)
    later = make_event(starts_at=NOW + timedelta(days=1))
    running = make_event(ends_at=NOW + timedelta(seconds=1))
    assert listed(client, **AFTER) == ids(running, later)
    assert set(listed(client)) == set(ids(over, later, running))


@pytest.mark.parametrize("role", ["scanner", "staff", "owner"])
def test_a_scanner_finds_the_events_of_their_doors(client: Client, role: str) -> None:
    """Of their own organizations, private ones too, and no other's public ones. REQ TK-03."""
    own = make_event(private=True)
    make_event()
    make_event(organization=own.organization, ends_at=NOW)
    user = make_member(role, organization=own.organization)
    assert listed(client, user, mine="scan", **AFTER) == ids(own)


def test_whoever_scans_nowhere_finds_nothing(client: Client) -> None:
    """An analyst and a stranger get an empty list, nobody in particular 401, a superuser all. REQ EV-03."""
    event = make_event()
    for user in (make_member("analyst", organization=event.organization), make_user()):
        assert listed(client, user, mine="scan") == []
    assert client.get("/api/v1/events", {"mine": "scan"}).status_code == 401
    operator = make_user()
    User.objects.filter(pk=operator.pk).update(is_superuser=True)
    assert listed(client, operator, mine="scan") == ids(event)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"ends_after": "2096-11-21T12:00:00"}, "naive_time"),
        ({"ends_after": "soon"}, "invalid"),
        ({"mine": "everything"}, "invalid_choice"),
        ({"ended": "no"}, "unknown_field"),
    ],
)
def test_a_filter_that_is_none_is_refused(client: Client, asked: dict[str, str], code: str) -> None:
    """Naming the parameter. REQ EV-03."""
    answer = client.get("/api/v1/events", asked)
    told = [(error["field"], error["code"]) for error in answer.json()["errors"]]
    assert code != "invalid_choice" or answer.json()["errors"][0]["message"] == "One of scan."
    assert (answer.status_code, told) == (400, [(next(iter(asked)), code)])
