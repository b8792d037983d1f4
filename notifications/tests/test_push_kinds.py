"""What a push message's kind decides: whether it waits for the morning, and whether it is written at all."""

from datetime import UTC, datetime, timedelta

import pytest

from config.local_stack.pushcatcher.testing import PushCatcher
from notifications.kinds import Channel
from notifications.models import PushStatus
from notifications.tests.preferences import mute, quiet_at_night
from notifications.tests.push import make_device, queue_push, run_due, stored

pytestmark = pytest.mark.django_db
NIGHT = datetime(2096, 5, 4, 23, 0, tzinfo=UTC)
MORNING = NIGHT + timedelta(hours=8)


def test_urgency_alone_passes_the_night(push_catcher: PushCatcher) -> None:
    """REQ WL-08, NO-05: "Nearly there" waits for the morning, an offer does not; neither can be switched off."""
    ada = make_device().user
    quiet_at_night(ada)
    mute(ada, "waitlist", Channel.PUSH)
    near = queue_push(ada, now=NIGHT, kind="waitlist_near_front", title="Nearly there")
    queue_push(ada, now=NIGHT, kind="waitlist_offer", title="A seat is yours", urgent=True)
    assert (near.status, near.status_reason, near.not_before) == (PushStatus.HELD, "Quiet hours", MORNING)
    run_due(NIGHT)
    assert [one.title for one in push_catcher.pushes()] == ["A seat is yours"]
    assert run_due(MORNING - timedelta(seconds=1)) == 0
    run_due(MORNING)
    assert stored(near).sent_at == MORNING
