"""What operators learn of sign-ins, by whichever door: how they are counted, and the one line of the log."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from accounts.models import User
from accounts.tests.factories import PASSWORD, make_superuser, make_user

pytestmark = pytest.mark.django_db

Door = Callable[[Client, str, str], object]
_ADDRESS = "203.0.113.77"


def by_the_api(client: Client, email: str, password: str) -> object:
    """Ask for tokens."""
    body = {"email": email, "password": password}
    return client.post("/api/v1/auth/token", body, content_type="application/json", REMOTE_ADDR=_ADDRESS)


def by_the_admin(client: Client, email: str, password: str) -> object:
    """Send the admin's form."""
    body = {"username": email, "password": password}
    return client.post("/admin/login/", body, REMOTE_ADDR=_ADDRESS)


DOORS = pytest.mark.parametrize("door", [by_the_api, by_the_admin])


def counted() -> dict[str, float]:
    """Return how sign-ins have ended so far."""
    name, outcomes = "marquee_operations_total", ("done", "refused", "failed")
    labels = ({"operation": "sign_in", "outcome": outcome} for outcome in outcomes)
    return {each["outcome"]: REGISTRY.get_sample_value(name, each) or 0 for each in labels}


def told(door: Door, email: str, password: str) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Sign in, and return what was counted and the lines of the log."""
    before = counted()
    with capture_logs() as lines:
        door(Client(), email, password)
    ended = {name: now - before[name] for name, now in counted().items() if now != before[name]}
    return ended, [dict(line) for line in lines if line["event"] == "sign_in"]


def line(outcome: str, user: User | None) -> dict[str, Any]:
    """Return the line of a sign-in: nothing of what was typed, and not whose address it was."""
    user_id = str(user.pk) if user else None
    return {
        "event": "sign_in", "log_level": "info", "outcome": outcome, "network": "203.0.113.0", "user_id": user_id,
    }  # fmt: skip


@DOORS
def test_each_sign_in_is_counted_and_told(door: Door) -> None:
    """Opened, a wrong password, an unknown e-mail: alert and search see every door. REQ EV-02, OP-01."""
    operator = make_superuser("operator@example.test", password=PASSWORD)
    assert told(door, "Operator@example.test", PASSWORD) == ({"done": 1}, [line("done", operator)])
    assert told(door, "operator@example.test", "wrong") == ({"refused": 1}, [line("refused", operator)])
    assert told(door, "who@example.test", PASSWORD) == ({"refused": 1}, [line("refused", None)])


@DOORS
def test_past_the_limit_it_is_refused_without_a_look_at_the_account(door: Door, settings: Settings) -> None:
    """A guesser costs no query and learns nothing; the count goes on. REQ EV-02."""
    settings.LOGIN_RATE_LIMIT = 1
    make_superuser("operator@example.test", password=PASSWORD)
    door(Client(), "operator@example.test", "wrong")
    assert told(door, "operator@example.test", PASSWORD) == ({"refused": 1}, [line("refused", None)])


def test_an_account_that_is_no_staff_is_refused_by_the_admin() -> None:
    """The right password of somebody without a role opens nothing, and says whose it was. REQ EV-04."""
    visitor = make_user("visitor@example.test", password=PASSWORD)
    assert told(by_the_admin, visitor.email, PASSWORD) == ({"refused": 1}, [line("refused", visitor)])


@DOORS
def test_a_form_without_a_password_is_no_attempt(door: Door) -> None:
    """Nothing is looked at, so nothing is counted as opened. REQ EV-02."""
    make_superuser("operator@example.test", password=PASSWORD)
    assert told(door, "operator@example.test", "") == ({}, [])


def test_an_address_of_ipv6_is_shortened_as_well() -> None:
    """What is limited is a /64; what is kept is a /48. REQ OP-01."""
    with capture_logs() as lines:
        body = {"username": "who@example.test", "password": "x"}
        Client().post("/admin/login/", body, REMOTE_ADDR="2001:db8:1:2::3")
    assert [one["network"] for one in lines if one["event"] == "sign_in"] == ["2001:db8:1::"]
