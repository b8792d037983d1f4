"""REQ EV-02: who a bearer token names, and which tokens name nobody."""

import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from accounts.services import tokens
from accounts.tests.factories import NOW, PASSWORD, bearer, make_superuser, make_user
from common import clock
from common.errors import Unauthenticated
from config.local_stack.testing.race import Race

pytestmark = pytest.mark.django_db


def identity_token(**claims: Any) -> str:
    """Sign what the identity service would."""
    given = {
        "sub": str(uuid.uuid4()),
        "email": "ida@example.test",
        "exp": int((NOW + timedelta(hours=1)).timestamp()),
    }
    kept = {name: value for name, value in {**given, **claims}.items() if value is not ...}
    return jwt.encode(kept, settings.JWT_SECRET, algorithm="HS256")


def test_own_token_names_its_user() -> None:
    """REQ EV-02: the access token that was issued names the user it was issued for."""
    user = make_user()
    assert tokens.authenticate(tokens.issue(user, now=NOW).access, now=NOW) == user


def test_first_sight_provisions_with_the_subject_as_id() -> None:
    """REQ EV-02: a person of the identity service keeps a UUID subject as id; the second request finds
    them."""
    subject = str(uuid.uuid4())
    first = tokens.authenticate(identity_token(sub=subject), now=NOW)
    assert (str(first.pk), first.email) == (subject, "ida@example.test")
    assert tokens.authenticate(identity_token(sub=subject), now=NOW) == first
    assert User.objects.count() == 1


def test_subject_that_is_no_uuid_has_a_stable_id() -> None:
    """REQ EV-02: another subject becomes the same UUIDv5 each time."""
    first = tokens.authenticate(identity_token(sub="auth0|7"), now=NOW)
    assert first.pk.version == 5
    assert tokens.authenticate(identity_token(sub="auth0|7"), now=NOW) == first


def test_known_email_is_that_user() -> None:
    """REQ EV-02: an e-mail already known, in any case, is that user; the subject is kept."""
    user = make_user("ida@example.test")
    assert tokens.authenticate(identity_token(email="IDA@example.test", sub="x"), now=NOW) == user
    user.refresh_from_db()
    assert user.external_subject == "x"


def test_operator_is_matched_by_verified_email_only() -> None:
    """REQ EV-02: a superuser's account cannot be taken over through an address that nobody verified."""
    operator = make_superuser("ida@example.test")
    with pytest.raises(Unauthenticated):
        tokens.authenticate(identity_token(), now=NOW)
    operator.refresh_from_db()
    assert operator.external_subject is None
    assert tokens.authenticate(identity_token(email_verified=True), now=NOW) == operator


REFUSED: dict[str, Any] = {
    "no end": lambda: identity_token(exp=...),
    "expired": lambda: identity_token(exp=int(NOW.timestamp())),
    "endless": lambda: identity_token(exp="never"),
    "no email": lambda: identity_token(email=...),
    "bad email": lambda: identity_token(email="nobody"),
    "unverified email": lambda: identity_token(email_verified=False),
    "not yet": lambda: identity_token(nbf=int(NOW.timestamp()) + 3600),
    "no subject": lambda: identity_token(sub=...),
    "empty subject": lambda: identity_token(sub=" "),
    "refresh type": lambda: identity_token(type="refresh"),
    "ours, unknown user": lambda: identity_token(iss="marquee", type="access"),
    "ours, no type": lambda: identity_token(iss="marquee"),
    "number as subject": lambda: jwt.encode(
        {"sub": 7, "email": "a@b.test", "exp": 9**11}, settings.JWT_SECRET, algorithm="HS256"
    ),
    "other secret": lambda: jwt.encode(
        {"sub": "x", "email": "a@b.test", "exp": 9**11}, "x" * 40, algorithm="HS256"
    ),
    "unsigned": lambda: jwt.encode({"sub": "x", "email": "a@b.test", "exp": 9**11}, None, algorithm="none"),
    "other algorithm": lambda: jwt.encode(
        {"sub": "x", "email": "a@b.test", "exp": 9**11}, settings.JWT_SECRET * 2, algorithm="HS512"
    ),
    "huge": lambda: identity_token(padding="x" * 5000),
    "nonsense": lambda: "a.b.c",
    "empty": lambda: "",
    "not ascii": lambda: "é.é.é",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_token_names_nobody(name: str) -> None:
    """REQ EV-02: whatever is wrong with a token, it is unauthenticated and nobody is provisioned."""
    with pytest.raises(Unauthenticated):
        tokens.authenticate(REFUSED[name](), now=NOW)
    assert User.objects.count() == 0


def test_inactive_user_is_refused() -> None:
    """REQ EV-02: deactivating ends access and refresh tokens at once."""
    user = make_user()
    pair = tokens.issue(user, now=NOW)
    User.objects.update(is_active=False)
    with pytest.raises(Unauthenticated):
        tokens.authenticate(pair.access, now=NOW)
    with pytest.raises(Unauthenticated):
        tokens.refresh(pair.refresh, now=NOW)


def test_refresh_dies_with_the_password() -> None:
    """REQ EV-02: a refresh token gives new tokens until the password changes; an access token never does."""
    user = make_user(password=PASSWORD)
    pair = tokens.issue(user, now=NOW)
    assert tokens.authenticate(tokens.refresh(pair.refresh, now=NOW).access, now=NOW) == user
    with pytest.raises(Unauthenticated):
        tokens.refresh(pair.access, now=NOW)
    with pytest.raises(Unauthenticated):
        tokens.authenticate(pair.refresh, now=NOW)
    user.set_password("another one entirely")
    user.save()
    with pytest.raises(Unauthenticated):
        tokens.refresh(pair.refresh, now=NOW)


def test_signing_in(client: Client) -> None:
    """REQ EV-02: the right password gives tokens that name the person; a wrong one and an unknown e-mail
    are 401."""
    user = make_user("ida@example.test", password=PASSWORD)
    body = {"email": "Ida@example.test", "password": PASSWORD}
    answer = client.post("/api/v1/auth/token", body, content_type="application/json")
    assert answer.status_code == 200
    me = client.get("/api/v1/me/", headers={"Authorization": f"Bearer {answer.json()['access']}"})
    assert me.json()["id"] == str(user.pk)
    for wrong in ({**body, "password": "no"}, {**body, "email": "who@example.test"}):
        assert client.post("/api/v1/auth/token", wrong, content_type="application/json").status_code == 401
    refreshed = client.post(
        "/api/v1/auth/token/refresh", {"refresh": answer.json()["refresh"]}, content_type="application/json"
    )
    assert set(refreshed.json()) == {"access", "refresh"}


def test_signing_in_is_limited(client: Client) -> None:
    """REQ EV-02: past LOGIN_RATE_LIMIT attempts a minute, even the right password waits."""
    make_user("ida@example.test", password=PASSWORD)
    body = {"email": "ida@example.test", "password": "no"}
    for _ in range(settings.LOGIN_RATE_LIMIT):
        assert client.post("/api/v1/auth/token", body, content_type="application/json").status_code == 401
    answer = client.post(
        "/api/v1/auth/token", {**body, "password": PASSWORD}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer["Retry-After"]) > 0


def test_me_needs_a_token(client: Client) -> None:
    """REQ EV-02: no token and a wrong one are 401."""
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer nope"}).status_code == 401
    assert client.get("/api/v1/me", headers=bearer(make_user(), now=clock.now())).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_first_requests_make_one_user(race: Race) -> None:
    """REQ EV-02: ten first requests at once provision one person."""
    raw = identity_token(sub="first|sight")
    race(10, lambda *_: tokens.authenticate(raw, now=NOW))
    assert User.objects.count() == 1
