"""REQ NO-05: links that unsubscribe: signed, without an end, safe to press twice."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import signing

from accounts.tests.factories import NOW, make_user
from config.local_stack.testing.race import Race
from notifications.errors import UnsubscribeLinkInvalid
from notifications.kinds import Channel
from notifications.models import MutedBy, MutedKind, NotificationPreferences
from notifications.services import unsubscribing
from notifications.services.unsubscribing import Subscription, look, subscribe_again, token_for, unsubscribe
from notifications.tests.preferences import mute, muted_of, preferences_row

pytestmark = pytest.mark.django_db

REPORTS = ("reports", "email")


def test_a_link_switches_one_kind_of_one_person_off_and_on() -> None:
    """REQ NO-05: pressed twice it is off once; taken back twice it is on; nothing of others changes."""
    user, other = make_user(), make_user()
    mute(other, *REPORTS)  # type: ignore[arg-type]
    token = token_for(user.pk, "reports", Channel.EMAIL)
    assert look(token).is_on
    assert muted_of(user) == set()
    for _ in range(2):
        found = unsubscribe(token, now=NOW)
        assert isinstance(found, Subscription)
        assert (found.user_id, found.kind.title, found.is_on) == (user.pk, "Scheduled reports", False)
        assert muted_of(user) == {REPORTS}
    row = MutedKind.objects.get(preferences=user.pk)
    assert (row.muted_by, row.muted_at) == (MutedBy.UNSUBSCRIBE, NOW)
    assert not look(token).is_on
    for _ in range(2):
        assert subscribe_again(token, now=NOW).is_on
        assert (muted_of(user), muted_of(other)) == (set(), {REPORTS})


def test_a_link_is_the_same_each_time_and_outlives_a_new_key(settings: object) -> None:
    """REQ NO-05: no end short of the key's: the old key's links work while it is among the fallbacks."""
    user = make_user()
    token = token_for(user.pk, "reports", Channel.EMAIL)
    assert token == token_for(user.pk, "reports", Channel.EMAIL)
    old = settings.SECRET_KEY  # type: ignore[attr-defined]
    settings.SECRET_KEY = "n" * 60  # type: ignore[attr-defined]
    with pytest.raises(UnsubscribeLinkInvalid):
        look(token)
    settings.SECRET_KEY_FALLBACKS = [old]  # type: ignore[attr-defined]
    assert look(token).user_id == user.pk


def forged(user_id: str, kind: str, channel: str, salt: str = unsubscribing._SALT) -> str:
    """Return a token as only we can sign it, whatever it says."""
    return signing.Signer(salt=salt).sign(f"{user_id}.{kind}.{channel}")


def test_what_we_did_not_sign_or_cannot_mean_changes_nothing() -> None:
    """REQ NO-05: tampered, of another purpose, too long; of nobody, of no kind, of what always comes: refused alike."""
    user = make_user()
    token, mine = token_for(user.pk, "reports", Channel.EMAIL), user.pk.hex
    other = token_for(make_user().pk, "reports", Channel.EMAIL)
    wrong = [
        "",
        "x" * 5000,
        "ä",
        token[:-1],
        token.rpartition(":")[0],
        f"{token.rpartition(':')[0]}:{other.rpartition(':')[2]}",
        forged(mine, "reports", "email", salt="waitlist.offer"),
        forged(uuid4().hex, "reports", "email"),
        forged(mine, "purchases", "email"),
        forged(mine, "no_such_kind", "email"),
        forged(mine, "reports", "push"),
    ]
    for one in wrong:
        for act in (lambda t: unsubscribe(t, now=NOW), lambda t: subscribe_again(t, now=NOW), look):
            with pytest.raises(UnsubscribeLinkInvalid):
                act(one)
    assert not NotificationPreferences.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_pressed_ten_times_at_once_it_is_off_once(race: Race) -> None:
    """REQ NO-05: everybody is told that it is off, and there is one row."""
    user = make_user()
    token = token_for(user.pk, "reports", Channel.EMAIL)
    outcomes = race(10, lambda _: unsubscribe(token, now=NOW))
    assert [one.is_on for one in outcomes if isinstance(one, Subscription)] == [False] * 10
    assert MutedKind.objects.count() == 1


def test_the_time_of_the_last_change_is_that_of_the_deed() -> None:
    """REQ NO-05: who had chosen before is told with the time of unsubscribing; pressing again changes nothing."""
    user = make_user()
    row = preferences_row(user)
    token = token_for(user.pk, "reports", Channel.EMAIL)
    for at in (NOW + timedelta(hours=1), NOW + timedelta(hours=2)):
        unsubscribe(token, now=at)
        row.refresh_from_db()
        assert row.changed_at == NOW + timedelta(hours=1)
    subscribe_again(token, now=NOW + timedelta(hours=3))
    row.refresh_from_db()
    assert row.changed_at == NOW + timedelta(hours=3)
