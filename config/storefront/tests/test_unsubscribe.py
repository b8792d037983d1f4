"""Links that unsubscribe, as people and mail programs meet them. REQ NO-05."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.tests.factories import make_user
from notifications.kinds import Channel
from notifications.models import NotificationPreferences
from notifications.services.unsubscribing import token_for
from notifications.tests.preferences import muted_of

pytestmark = pytest.mark.django_db

OFF = {("reports", "email")}


@pytest.fixture
def stranger() -> Client:
    """Return a browser that is held to CSRF, with no cookie: a mail program, or somebody who is not signed in."""
    return Client(enforce_csrf_checks=True)


def test_looking_asks_and_changes_nothing(stranger: Client) -> None:
    """REQ NO-05: scanners of mail follow links: GET and HEAD only ask, and nobody keeps the answer."""
    user = make_user()
    address = f"/unsubscribe/{token_for(user.pk, 'reports', Channel.EMAIL)}"
    for _ in range(2):
        assert stranger.head(address).status_code == 200
        page = stranger.get(address)
        assert page.status_code == 200
        assert "Do you want no more messages of “Scheduled reports” by e-mail?" in page.content.decode()
        assert (page["Cache-Control"], page["X-Robots-Tag"]) == ("no-store", "noindex")
    assert not NotificationPreferences.objects.exists()
    assert stranger.get(f"{address}/undo").status_code == 405


def test_one_click_does_it_at_once_and_the_page_undoes_it(stranger: Client) -> None:
    """REQ NO-05: RFC 8058: POST without cookies or sign-in, no redirect; again the same; undo takes it back."""
    user = make_user()
    address = f"/unsubscribe/{token_for(user.pk, 'reports', Channel.EMAIL)}"
    for _ in range(2):
        done = stranger.post(
            address, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
        )
        assert (done.status_code, "You are unsubscribed" in done.content.decode()) == (200, True)
        assert muted_of(user) == OFF
    assert "You are unsubscribed" in stranger.get(address).content.decode()
    back = stranger.post(f"{address}/undo")
    assert "come by e-mail again" in back.content.decode()
    assert muted_of(user) == set()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_is_not_ours_is_told_so(stranger: Client, method: str) -> None:
    """REQ NO-05: a clear page, and nothing changes."""
    token = token_for(make_user().pk, "reports", Channel.EMAIL)
    for wrong in (token[:-1], "nonsense", f"{token}x", "a" * 3000):
        page = getattr(stranger, method)(f"/unsubscribe/{wrong}")
        assert (page.status_code, "This link does not work" in page.content.decode()) == (400, True), wrong
    assert not NotificationPreferences.objects.exists()


def test_pressing_without_an_end_is_stopped(stranger: Client, settings: Settings) -> None:
    """REQ NO-05: past the limit of an address the page says when to come again, and nothing changes."""
    settings.UNSUBSCRIBE_RATE_LIMIT = 2
    user = make_user()
    address = f"/unsubscribe/{token_for(user.pk, 'reports', Channel.EMAIL)}"
    assert [stranger.get(address).status_code for _ in range(2)] == [200, 200]
    refused = stranger.post(address)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert f"try again in {refused['Retry-After']} seconds" in refused.content.decode()
    assert muted_of(user) == set()
