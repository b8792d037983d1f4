"""Whatever is sent as a token names a person, or is refused as none."""

import jwt
import pytest
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.rest.authentication import user_of_header
from accounts.services import tokens
from accounts.tests.factories import NOW
from common.errors import Unauthenticated

_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=9),
    st.lists(st.none()),
)
_CLAIMS = st.dictionaries(
    st.sampled_from(["sub", "exp", "iat", "nbf", "typ", "type", "jti", "email", "name", "pwd", "family"]),
    _VALUES,
    max_size=6,
)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, database=None)
@given(text=st.text(max_size=60), issuer=st.sampled_from(["", "marquee", tokens.ISSUER]), claims=_CLAIMS)
def test_no_text_and_no_claims_are_a_person(text: str, issuer: str, claims: dict[str, object]) -> None:
    """Any header, any text, and claims of any shape, though signed by our own secret: `Unauthenticated`, nothing
    else. REQ EV-03.
    """
    signed = jwt.encode(
        {"exp": NOW.timestamp() + 60, "iss": issuer, **claims}, django_settings.JWT_SECRET, "HS256"
    )
    for token in (text, signed, signed[:-3] + text):
        for read in (tokens.authenticate, tokens.refresh, tokens.own_user_id, tokens.ends_at):
            try:
                found = read(token, now=NOW)
            except Unauthenticated:
                continue
            assert read in (tokens.ends_at, tokens.own_user_id), (token, found)
    try:
        assert user_of_header(text) is None
    except Unauthenticated:
        assert text.strip()
