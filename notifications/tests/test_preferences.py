"""REQ NO-05: what a person chose decides what they are told, by which channel and when."""

from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW, make_user
from notifications.models import NotificationPreferences
from notifications.services.preferences import Channel, Decision, decide
from notifications.tests.preferences import mute, quiet_at_night

pytestmark = pytest.mark.django_db

ALLOWED, REFUSED = Decision(allowed=True), Decision(allowed=False)
NIGHT = NOW.replace(hour=23)


def test_everything_comes_until_somebody_says_otherwise() -> None:
    """REQ NO-05: without a choice, known or not, a person is told at once; nobody asked about: no statement."""
    user, stranger = make_user(), uuid4()
    for channel in Channel:
        assert decide([user.pk, stranger], kind="announcements", channel=channel, now=NIGHT) == {
            user.pk: ALLOWED, stranger: ALLOWED,
        }  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        assert decide([], kind="announcements", channel=Channel.PUSH, now=NOW) == {}
    assert len(queries) == 0


def test_what_is_switched_off_is_refused_on_that_channel_alone() -> None:
    """REQ NO-05: a choice is one person's, for one kind on one channel; a message stands for its kind."""
    user, other = make_user(), make_user()
    mute(user, "reports", Channel.EMAIL)
    for name in ("reports", "scheduled_report"):
        told = decide([user.pk, other.pk], kind=name, channel=Channel.EMAIL, now=NOW)
        assert told == {user.pk: REFUSED, other.pk: ALLOWED}
    assert decide([user.pk], kind="announcements", channel=Channel.PUSH, now=NOW) == {user.pk: ALLOWED}
    assert decide([user.pk], kind="reports", channel=Channel.PUSH, now=NOW) == {user.pk: ALLOWED}


@pytest.mark.parametrize(("now", "waits_hours"), [(NIGHT, 8), (NOW, None), (NOW.replace(hour=6), 1)])
def test_quiet_hours_hold_back_push(now: datetime, waits_hours: int | None) -> None:
    """REQ NO-05: a push in quiet hours is allowed not before their end; e-mail disturbs nobody."""
    user = make_user()
    quiet_at_night(user)
    expected = None if waits_hours is None else now + timedelta(hours=waits_hours)
    pushed = decide([user.pk], kind="announcements", channel=Channel.PUSH, now=now)
    assert pushed == {user.pk: Decision(allowed=True, not_before=expected)}
    assert decide([user.pk], kind="reports", channel=Channel.EMAIL, now=now) == {user.pk: ALLOWED}


@pytest.mark.parametrize(
    "kind", ["waitlist", "waitlist_offer", "purchases", "payments_receipt", "of_no_kind"]
)
def test_what_is_transactional_comes_whatever_was_chosen(kind: str) -> None:
    """REQ NO-05: no row, however it came there, holds back a seat or a receipt; by e-mail nobody is even asked."""
    user = make_user()
    for name in ("waitlist", "purchases", "of_no_kind"):
        mute(user, name, Channel.PUSH)
        mute(user, name, Channel.EMAIL)
    assert decide([user.pk], kind=kind, channel=Channel.PUSH, now=NOW) == {user.pk: ALLOWED}
    with CaptureQueriesContext(connection) as queries:
        assert decide([user.pk], kind=kind, channel=Channel.EMAIL, now=NIGHT) == {user.pk: ALLOWED}
    assert len(queries) == 0


@pytest.mark.parametrize("kind", ["waitlist", "waitlist_near_front", "waitlist_closed", "of_no_kind"])
def test_the_night_is_told_of_whatever_kind(kind: str) -> None:
    """REQ NO-05, WL-08: what cannot be switched off waits too, unless its sender says that it is urgent."""
    user = make_user()
    mute(user, "waitlist", Channel.PUSH)
    quiet_at_night(user)
    waits = Decision(allowed=True, not_before=NIGHT + timedelta(hours=8))
    assert decide([user.pk], kind=kind, channel=Channel.PUSH, now=NIGHT) == {user.pk: waits}
    assert decide([user.pk], kind=kind, channel=Channel.EMAIL, now=NIGHT) == {user.pk: ALLOWED}


def test_a_hundred_people_cost_one_statement() -> None:
    """REQ NO-05: a campaign asks once for all of its people."""
    users = [make_user() for _ in range(5)]
    for user in users[:3]:
        mute(user, "announcements", Channel.PUSH)
    asked = [*(one.pk for one in users), *(uuid4() for _ in range(95))]
    with CaptureQueriesContext(connection) as queries:
        told = decide(asked, kind="announcements", channel=Channel.PUSH, now=NOW)
    assert (len(queries), len(told), sum(not one.allowed for one in told.values())) == (1, 100, 3)


@pytest.mark.parametrize(
    "hours",
    [
        {"quiet_starts_at": time(22)},
        {"quiet_ends_at": time(7)},
        {"quiet_starts_at": time(7), "quiet_ends_at": time(7)},
    ],
)
def test_the_database_keeps_no_half_of_quiet_hours(hours: dict[str, time]) -> None:
    """REQ NO-05: they have a start and an end, and are not the whole day."""
    with pytest.raises(IntegrityError), transaction.atomic():
        NotificationPreferences.objects.create(user=make_user(), changed_at=NOW, **hours)
