"""Tokens of served ads, and who a viewer is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from accounts.tests.factories import NOW
from ads.decision import tokens, viewers
from ads.decision.tokens import Claims
from ads.errors import TokenInvalid
from ads.models import AdPlacement
from common.errors import Invalid

CLAIMS = Claims(
    decision_id=uuid4(), ad_id=uuid4(), event_id=uuid4(), placement=AdPlacement.SIDEBAR, session_id=uuid4(),
    viewer=uuid4(), issued_at=NOW.replace(microsecond=123_456), expires_at=NOW + timedelta(hours=1),
)  # fmt: skip


@pytest.mark.parametrize("placement", AdPlacement.values)
@pytest.mark.parametrize("session_id", [None, uuid4(), UUID(int=0)])
def test_a_token_says_what_was_decided(placement: str, session_id: UUID | None) -> None:
    """Everything comes back exactly, from a text that needs no escape in a URL (REQ AD-04)."""
    claims = replace(CLAIMS, placement=placement, session_id=session_id)
    token = tokens.issue(claims)
    assert tokens.read(token) == claims
    assert len(token) == tokens.LENGTH < 220
    assert token.replace("-", "").replace("_", "").isalnum()


def test_no_other_text_is_a_token() -> None:
    """Each character counts: whichever is changed, cut or added, the token is not ours (REQ AD-04)."""
    token = tokens.issue(CLAIMS)
    for at, character in enumerate(token):
        with pytest.raises(TokenInvalid):
            tokens.read(token[:at] + ("A" if character != "A" else "B") + token[at + 1 :])
    slashed = token.replace("-", "+").replace("_", "/")
    for other in ("", "A" * len(token), token[:-1], token + "A", token + "\n", f" {token}"[: len(token)]):
        with pytest.raises(TokenInvalid):
            tokens.read(other)
    if slashed != token:
        with pytest.raises(TokenInvalid):
            tokens.read(slashed)
    with pytest.raises(TokenInvalid):
        tokens.read("é" * len(token))


def test_a_placement_that_is_none_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed by us, of a placement that this version does not know: refused, no error (REQ AD-04)."""
    monkeypatch.setitem(tokens._NUMBERS, AdPlacement.SIDEBAR, 99)
    with pytest.raises(TokenInvalid):
        tokens.read(tokens.issue(CLAIMS))


def test_a_token_of_another_secret_is_not_ours(settings: Settings) -> None:
    """A key that is being replaced still reads what it signed; one that is gone does not (REQ AD-04)."""
    old = settings.SECRET_KEY
    token = tokens.issue(CLAIMS)
    settings.SECRET_KEY = "another-secret-key-that-is-long-enough-to-sign-with"
    with pytest.raises(TokenInvalid):
        tokens.read(token)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert tokens.read(token) == CLAIMS


def test_a_token_is_over_at_its_end() -> None:
    """It counts in a half-open window (REQ AD-04)."""
    assert not CLAIMS.is_over(CLAIMS.expires_at - timedelta(microseconds=1))
    assert CLAIMS.is_over(CLAIMS.expires_at)


def test_the_issue_day_is_of_utc() -> None:
    """Whatever the offset an instant is written with (REQ AD-04)."""
    evening = datetime(2096, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    claims = replace(CLAIMS, issued_at=evening)
    assert claims.issue_day == tokens.read(tokens.issue(claims)).issue_day == date(2096, 11, 21)
    assert tokens.read(tokens.issue(claims)).issued_at == evening.astimezone(UTC)


def test_a_viewer_is_the_user_before_the_session_token() -> None:
    """One person is one viewer on all their devices; a user's id is no session token (REQ AD-02)."""
    user_id = uuid4()
    assert viewers.viewer_of(user_id, "tab-1") == viewers.viewer_of(user_id, None)
    assert viewers.viewer_of(None, "tab-1") == viewers.viewer_of(None, "tab-1")
    different = {
        viewers.viewer_of(user_id, None), viewers.viewer_of(uuid4(), None), viewers.viewer_of(None, "tab-1"),
        viewers.viewer_of(None, "tab-2"), viewers.viewer_of(None, user_id.bytes.decode("latin-1").replace("\0", "")),
    }  # fmt: skip
    assert len(different) == 5
    assert user_id not in different
    assert not any(viewers.is_unnamed(viewer) for viewer in different)


def test_who_gives_nothing_is_somebody_else_each_time() -> None:
    """Nobody else's cap is theirs (REQ AD-03)."""
    first, second = viewers.viewer_of(None, None), viewers.viewer_of(None, "")
    assert first != second
    assert viewers.is_unnamed(first)
    assert viewers.is_unnamed(second)


def test_a_viewer_depends_on_the_secret(settings: Settings) -> None:
    """Nobody finds out who a viewer is by hashing all user ids (REQ AD-04)."""
    user_id = uuid4()
    before = viewers.viewer_of(user_id, None)
    settings.SECRET_KEY = "another-secret-key-that-is-long-enough-to-sign-with"
    assert viewers.viewer_of(user_id, None) != before


@pytest.mark.parametrize("token", ["x" * 129, "a\0b"])
def test_a_session_token_has_its_bounds(token: str) -> None:
    """128 characters are the most (REQ AD-02)."""
    viewers.viewer_of(None, "x" * 128)
    for user_id in (None, uuid4()):
        with pytest.raises(Invalid) as caught:
            viewers.viewer_of(user_id, token)
        assert [error.field for error in caught.value.errors] == ["session_token"]
