"""The hot door to one's own place: one statement for the caller and the entry, and the same rules as everywhere."""

import logging
import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services import tokens
from accounts.tests.factories import bearer, make_superuser, make_user
from common import clock
from waitlist.models import Entry
from waitlist.tests.factories import join, make_full_session

pytestmark = pytest.mark.django_db


def _waiting() -> Entry:
    start = clock.now() + timedelta(days=1)
    return join(make_full_session(starts_at=start, ends_at=start + timedelta(hours=1)), now=clock.now())


def _look(entry: Entry, headers: dict[str, str] | None = None) -> Any:
    path = f"/api/v1/sessions/{entry.session_id}/waitlist/position"
    return Client().get(path, headers=bearer(entry.user) if headers is None else headers)


def _identity(**claims: object) -> dict[str, str]:
    """Sign what the identity service would."""
    given = {"sub": str(uuid.uuid4()), "email": "ida@example.test", "exp": clock.now() + timedelta(hours=1)}
    return {
        "Authorization": f"Bearer {jwt.encode({**given, **claims}, settings.JWT_SECRET, algorithm='HS256')}"
    }


def _refusal(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["code"], answer.headers.get("WWW-Authenticate", "")


def test_the_caller_is_looked_up_each_time() -> None:
    """REQ EV-02: deactivated between two looks with one token: the second is refused, and says nothing."""
    entry = _waiting()
    headers = bearer(entry.user)
    assert _look(entry, headers).json()["position"] == 1
    User.objects.filter(pk=entry.user_id).update(is_active=False)
    refused = _look(entry, headers)
    assert _refusal(refused) == (401, "unauthenticated", 'Bearer error="invalid_token"')
    assert "position" not in refused.json()
    User.objects.filter(pk=entry.user_id).update(is_active=True)
    assert _look(entry, headers).json()["position"] == 1


def test_a_user_who_is_gone_is_nobody() -> None:
    """REQ EV-02: a token outlives its user; it opens nothing."""
    entry = _waiting()
    gone = make_user()
    headers = bearer(gone)
    gone.delete()
    assert _refusal(_look(entry, headers))[:2] == (401, "unauthenticated")


def test_tokens_that_are_not_valid() -> None:
    """REQ EV-02: too old, of another secret, a refresh token, not one token, none at all."""
    entry = _waiting()
    now = clock.now()
    old = bearer(entry.user, now=now - timedelta(days=1))
    refresh = {"Authorization": f"Bearer {tokens.issue(entry.user, now=now).refresh}"}
    foreign = jwt.encode(
        {"sub": str(entry.user_id), "exp": now + timedelta(hours=1)}, "x" * 40, algorithm="HS256"
    )
    two = {"Authorization": "Bearer one two"}
    for headers in (old, refresh, {"Authorization": f"Bearer {foreign}"}, two):
        assert _refusal(_look(entry, headers)) == (401, "unauthenticated", 'Bearer error="invalid_token"')
    for headers in ({}, {"Authorization": "Basic eDp5"}):
        assert _refusal(_look(entry, headers)) == (401, "unauthenticated", "Bearer")


def test_people_of_the_identity_service_see_their_place() -> None:
    """REQ EV-02: by the subject they came with; on first sight they are made known, and have no place yet."""
    entry = _waiting()
    theirs = _identity(sub=str(entry.user_id), email=entry.user.email)
    assert _look(entry, theirs).json()["id"] == str(entry.pk)
    assert _refusal(_look(entry, _identity(sub="newcomer")))[:2] == (404, "not_found")
    assert User.objects.filter(email="ida@example.test").exists()
    User.objects.filter(pk=entry.user_id).update(is_active=False)
    assert _look(entry, theirs).status_code == 401


def test_only_ones_own_entry_is_seen() -> None:
    """REQ EV-03: not another person's, not that of another session, and not by an operator either."""
    entry, other = _waiting(), _waiting()
    for stranger in (other.user, make_user(), make_superuser()):
        assert _refusal(_look(entry, bearer(stranger)))[:2] == (404, "not_found")
    assert _look(entry).json()["id"] == str(entry.pk)


def test_the_caller_and_the_entry_are_one_statement() -> None:
    """REQ WL-06: one statement and no transaction; with nothing in the mirror one more counts."""
    entry = _waiting()
    with CaptureQueriesContext(connection) as queries:
        _look(entry)
    assert len(queries) == 2
    asked = [query["sql"] for query in queries]
    assert all(sql.startswith("SELECT") for sql in asked), asked


def test_the_access_log_names_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    """REQ OP-01: known by the same statement; a refused caller is nobody."""
    entry = _waiting()
    caplog.set_level(logging.INFO)
    _look(entry)
    _look(entry, bearer(make_user()))
    _look(entry, {})
    named = [record.msg["user_id"] for record in caplog.records if record.name == "access"]
    assert named[0] == str(entry.user_id)
    assert named[1] not in {None, named[0]}
    assert named[2] is None
