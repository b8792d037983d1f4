"""REQ EV-02: what a token of the platform's identity service is believed, of its e-mail and of its name."""

import uuid
from typing import Any

import pytest

from accounts.models import User
from accounts.services import tokens
from accounts.services.identities import MAXIMUM_NAME
from accounts.tests.factories import NOW, make_membership, make_user
from accounts.tests.test_tokens import identity_token
from accounts.types import Role
from common.audit.models import AuditEntry
from common.errors import Unauthenticated

pytestmark = pytest.mark.django_db

_SAID_AND_NOT_TRUE: tuple[Any, ...] = (
    False,
    "false",
    "False",
    "no",
    "",
    "True",
    0,
    1,
    1.0,
    None,
    [],
    [True],
    {},
)


def _named(name: Any) -> str:
    """Return what a newcomer is called whose token says so."""
    return tokens.authenticate(identity_token(sub=str(uuid.uuid4()), name=name), now=NOW).name


@pytest.mark.parametrize("said", _SAID_AND_NOT_TRUE, ids=repr)
def test_an_email_that_is_not_said_to_be_verified_is_nobodys(said: Any) -> None:
    """REQ EV-02: whatever `email_verified` says but true, the token is refused for a known address and a new one, and
    nothing is linked or made."""
    known = make_user("ida@example.test")
    for email in ("ida@example.test", "new@example.test"):
        with pytest.raises(Unauthenticated):
            tokens.authenticate(identity_token(email=email, email_verified=said), now=NOW)
    assert list(User.objects.values_list("pk", "external_subject")) == [(known.pk, None)]
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("said", [True, "true", ...], ids=repr)
def test_an_email_that_is_verified_or_vouched_for_is_that_person(said: Any) -> None:
    """REQ EV-02: true in both spellings; a service that leaves the claim out vouches for its addresses."""
    known = make_user("ida@example.test")
    assert tokens.authenticate(identity_token(sub="x", email_verified=said), now=NOW) == known
    known.refresh_from_db()
    assert known.external_subject == "x"


def test_an_operator_is_matched_by_a_verified_email_only() -> None:
    """REQ EV-02: who may do everything needs a definite true; once linked, the subject says who it is."""
    operator = make_user("ida@example.test", is_superuser=True)
    subject = str(uuid.uuid4())
    with pytest.raises(Unauthenticated, match="unverified"):
        tokens.authenticate(identity_token(sub=subject), now=NOW)
    operator.refresh_from_db()
    assert operator.external_subject is None
    assert not AuditEntry.objects.filter(action="accounts.identity_linked").exists()
    assert tokens.authenticate(identity_token(sub=subject, email_verified="true"), now=NOW) == operator
    assert tokens.authenticate(identity_token(sub=subject), now=NOW) == operator


def test_members_are_matched_as_everybody_is() -> None:
    """REQ EV-02: an e-mail already known is that user, also of a service that says `sub` and `email` and no more."""
    member = make_membership(Role.OWNER, user=make_user("ida@example.test")).user
    assert tokens.authenticate(identity_token(sub="x"), now=NOW) == member


@pytest.mark.parametrize(
    "email", ["ida@example.test\u200b", "\u212a@example.test", "ida@exa\u00admple.test", "\u202eida@x.test"]
)
def test_an_address_that_looks_like_anothers_is_nobodys(email: str) -> None:
    """REQ EV-02: signs that nobody sees, or that are others in lower case, are no part of an e-mail."""
    make_user("ida@example.test")
    make_user("k@example.test")
    with pytest.raises(Unauthenticated):
        tokens.authenticate(identity_token(email=email), now=NOW)
    assert User.objects.count() == 2


def test_a_subject_that_cannot_be_stored_is_nobodys() -> None:
    """REQ EV-02: half a sign (a lone surrogate) or a NUL in the subject is a token that names nobody."""
    for subject in ("a\ud800", "a\0"):
        with pytest.raises(Unauthenticated):
            tokens.authenticate(identity_token(sub=subject), now=NOW)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("A\r\nBcc: z@z.z", "A Bcc: z@z.z"),
        ("\u202elive", "live"),
        ("I\ud800da", "Ida"),
        ("\ud83d", ""),
        ("  ", ""),
        (7, ""),
        (None, ""),
        (..., ""),
        ("x" * 300, "x" * MAXIMUM_NAME),
        ("Zoë 李 👩\u200d💻", "Zoë 李 👩\u200d💻"),
    ],
)
def test_a_name_is_kept_as_one_plain_line(said: Any, kept: str) -> None:
    """REQ EV-02: breaks, marks that turn a line around and half signs are no part of a name; one of which nothing is
    left is none. Nobody is kept out for what they are called."""
    assert _named(said) == kept
