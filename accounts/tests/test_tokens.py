"""REQ EV-02: who a bearer token names, and which tokens name nobody."""

import threading
import uuid
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from django.conf import settings
from django.test import Client

from accounts.models import RefreshFamily, User
from accounts.services import rotation, tokens
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


def test_refresh_is_good_for_one_use() -> None:
    """REQ EV-02: an older token ends the sign-in for whoever has any of its tokens, and no other sign-in."""
    user = make_user()
    first, other = tokens.issue(user, now=NOW), tokens.issue(user, now=NOW)
    second = tokens.refresh(first.refresh, now=NOW)
    third = tokens.refresh(second.refresh, now=NOW + timedelta(seconds=10))
    with pytest.raises(Unauthenticated, match="used before"):
        tokens.refresh(first.refresh, now=NOW + timedelta(seconds=11))
    with pytest.raises(Unauthenticated):
        tokens.refresh(third.refresh, now=NOW + timedelta(seconds=12))
    assert tokens.refresh(other.refresh, now=NOW).access


@pytest.mark.parametrize(("later", "is_repeated"), [(30, True), (31, False)])
def test_a_lost_answer_may_be_asked_for_again(later: int, is_repeated: bool) -> None:
    """REQ EV-02: within 30 seconds the token before the latest gives the same next one; then it is a stolen one."""
    first = tokens.issue(make_user(), now=NOW)
    lost = tokens.refresh(first.refresh, now=NOW)
    again = NOW + timedelta(seconds=later)
    if is_repeated:
        repeated = tokens.refresh(first.refresh, now=again)
        assert token_id(repeated.refresh) == token_id(lost.refresh)
        assert tokens.refresh(lost.refresh, now=again).access
    else:
        with pytest.raises(Unauthenticated):
            tokens.refresh(first.refresh, now=again)
        assert RefreshFamily.objects.get().ended_at == again


def test_refresh_names_its_own_sign_in() -> None:
    """REQ EV-02: another user's family, or none, refuses and rotates nothing."""
    mine, theirs = make_user(), make_user()
    tokens.issue(theirs, now=NOW)
    claims = jwt.decode(tokens.issue(mine, now=NOW).refresh, options={"verify_signature": False})
    family = RefreshFamily.objects.get(user=theirs)
    before = RefreshFamily.objects.filter(user=theirs).values().get()
    for wrong in ({"fam": family.pk.hex, "jti": family.current.hex}, {"fam": "x"}, {"fam": 7}, {"jti": None}):
        forged = jwt.encode(claims | wrong, settings.JWT_SECRET, algorithm="HS256")
        with pytest.raises(Unauthenticated):
            tokens.refresh(forged, now=NOW)
    assert RefreshFamily.objects.filter(user=theirs).values().get() == before


def test_signing_in_forgets_families_that_are_over() -> None:
    """The table holds what is alive, a person's sign-ins each."""
    user = make_user()
    tokens.issue(user, now=NOW - settings.REFRESH_TOKEN_LIFETIME)
    kept = tokens.issue(user, now=NOW - timedelta(days=1))
    tokens.issue(user, now=NOW)
    assert RefreshFamily.objects.filter(user=user).count() == 2
    assert tokens.refresh(kept.refresh, now=NOW).access


def token_id(raw: str) -> str:
    return str(jwt.decode(raw, options={"verify_signature": False})["jti"])


@pytest.mark.django_db(transaction=True)
def test_tabs_that_refresh_at_once_share_the_next_token(race: Race) -> None:
    """REQ EV-02: ten calls with one token rotate once; all of them go on with the same next one."""
    pair = tokens.issue(make_user(), now=NOW)
    answers = race(10, lambda *_: token_id(tokens.refresh(pair.refresh, now=NOW).refresh))
    assert set(answers) == {RefreshFamily.objects.get().current.hex}


@pytest.mark.django_db(transaction=True)
def test_without_the_condition_tabs_lose_each_other(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a rotation that looks first and writes then hands out tokens that are dead at once."""
    together = threading.Barrier(2)

    def unguarded(user: User, *, family_id: UUID, token_id: UUID, now: datetime) -> UUID:
        family = RefreshFamily.objects.get(pk=family_id)
        assert family.current == token_id
        together.wait(20)
        family.previous, family.current = family.current, uuid.uuid4()
        family.save()
        return family.current

    pair = tokens.issue(make_user(), now=NOW)
    monkeypatch.setattr(rotation, "rotate", unguarded)
    answers = race(2, lambda *_: token_id(tokens.refresh(pair.refresh, now=NOW).refresh))
    assert len(set(answers)) == 2


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
