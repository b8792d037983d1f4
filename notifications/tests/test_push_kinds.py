"""What a push message's kind decides: whether it waits for the morning, and whether it is written at all."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import make_superuser
from common.audit.models import AuditEntry
from common.errors import RateLimited
from common.models import Job
from common.types import SYSTEM
from config.local_stack.pushcatcher.testing import PushCatcher
from notifications.errors import PushTooLate
from notifications.kinds import Channel
from notifications.models import PushMessage, PushStatus
from notifications.services.push import acts
from notifications.tests.preferences import mute, quiet_at_night
from notifications.tests.push import at, make_device, queue_push, run_due, stored

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


@pytest.mark.parametrize("kind", ["announcement", "reports", "payments_receipt"])
def test_a_kind_that_does_not_come_by_push_is_refused(push_catcher: PushCatcher, kind: str) -> None:
    """REQ NO-05: a slip of the pen, and what people are asked about by e-mail alone, is found at once."""
    ada = make_device().user
    with pytest.raises(ValueError, match=f"no kind that comes by push: {kind}"):
        queue_push(ada, kind=kind)
    assert not PushMessage.objects.exists()


def test_a_device_takes_so_many_tests_an_hour(push_catcher: PushCatcher) -> None:
    """REQ NO-04: they ring in quiet hours too, so there is an end of them, whoever sends; another device is apart."""
    device, operator = make_device(), actor_of(make_superuser())
    quiet_at_night(device.user)
    for actor in (operator, SYSTEM, operator, SYSTEM, operator):
        acts.send_test(device.pk, actor=actor, reason="does it ring", now=NIGHT)
    with pytest.raises(RateLimited):
        acts.send_test(device.pk, actor=SYSTEM, reason="and again", now=NIGHT)
    assert (PushMessage.objects.count(), AuditEntry.objects.count()) == (5, 5)
    other = make_device(device.user)
    acts.send_test(other.pk, actor=operator, reason="the other one", now=NIGHT)
    run_due(NIGHT)
    assert len(push_catcher.pushes()) == 6


def test_what_is_over_is_not_sent_again(push_catcher: PushCatcher) -> None:
    """REQ OP-03: staff are told so; until its end it goes out again."""
    ends = at(60)
    message = queue_push(make_device().user, kind="waitlist_offer", urgent=True, not_after=ends)
    push_catcher.fail("invalid")
    run_due(at(0))
    with pytest.raises(PushTooLate):
        acts.send_again(message.pk, actor=SYSTEM, reason="asked", now=ends)
    assert (stored(message).status, Job.objects.get().status) == (PushStatus.FAILED, "dead")
    assert not AuditEntry.objects.exists()
    acts.send_again(message.pk, actor=SYSTEM, reason="asked", now=ends - timedelta(seconds=1))
    run_due(ends - timedelta(seconds=1))
    assert stored(message).status == PushStatus.SENT
