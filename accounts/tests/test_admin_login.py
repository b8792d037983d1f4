"""Signing in to the admin."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.tests.factories import PASSWORD, make_superuser

pytestmark = pytest.mark.django_db


def attempt(client: Client, password: str) -> int:
    """Try to sign in; 302 is success, 200 the form again."""
    data = {"username": "operator@example.test", "password": password}
    return client.post("/admin/login/?next=/admin/", data).status_code


def test_attempts_are_limited_and_then_even_the_right_password_waits(
    client: Client, settings: Settings
) -> None:
    """Guessing is slowed down in the admin as on the API. REQ EV-02."""
    settings.LOGIN_RATE_LIMIT = 3
    make_superuser("operator@example.test", password=PASSWORD)
    for _ in range(3):
        assert attempt(client, "wrong") == 200
    assert attempt(client, PASSWORD) == 200
    answer = client.post("/admin/login/", {"username": "operator@example.test", "password": PASSWORD})
    assert b"Too many attempts" in answer.content
    assert "_auth_user_id" not in client.session


def test_the_right_password_opens_the_admin(client: Client) -> None:
    """Somebody with a role gets in by e-mail in any case. REQ EV-04."""
    make_superuser("operator@example.test", password=PASSWORD)
    assert attempt(client, PASSWORD) == 302
