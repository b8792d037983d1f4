"""Limits an hour, quiet hours, choices, summaries; counted from the database (REQ NO-04, NO-05)."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from common.models import Job
from common.outbox import dead_letters
from common.types import SYSTEM
from config.local_stack.pushcatcher.testing import PushCatcher
from config.local_stack.testing.race import Race
from events.tests.factories import make_event
from notifications.kinds import Channel
from notifications.models import PushCampaign, PushDelivery, PushMessage, PushStatus
from notifications.services.push import limits, sending
from notifications.services.rates import NoRoom
from notifications.tests.preferences import mute, preferences_row, quiet_at_night
from notifications.tests.push import NOON, at, delivery_of, make_device, queue_push, run_due, stored

pytestmark = pytest.mark.django_db
HOUR = 3600


def shown(push_catcher: PushCatcher) -> list[str]:
    return [one.title for one in push_catcher.pushes()]


def test_an_hours_worth_and_a_summary_of_the_rest(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: beyond the limit of a person what waits of one kind comes as one summary, when there is room."""
    settings.PUSH_USER_RATE_PER_HOUR = 2
    ada = make_device().user
    make_device(ada)
    for number in range(2):
        queue_push(ada, title=f"News {number}")
    run_due(at(0))
    assert len(push_catcher.pushes()) == 4, "on both devices"
    late = [queue_push(ada, title=f"Late {number}", now=at(10)) for number in range(5)]
    run_due(at(10))
    assert len(push_catcher.pushes()) == 4
    assert {stored(one).status for one in late} == {PushStatus.HELD}
    assert stored(late[0]).not_before == at(HOUR)
    run_due(at(HOUR - 1))
    assert len(push_catcher.pushes()) == 4
    run_due(at(HOUR))
    assert shown(push_catcher)[4:] == ["5 updates about announcements"] * 2
    assert push_catcher.pushes()[4].body == "Late 4 · Late 3 · Late 2 · 2 more"
    assert push_catcher.pushes()[4].payload["data"]["url"] == "https://example.test/e"
    summary = PushMessage.objects.get(grouped=late[0])
    assert (summary.status, summary.begun_at, summary.grouped.count()) == (PushStatus.SENT, at(HOUR), 5)
    assert {stored(one).status for one in late} == {PushStatus.GROUPED}
    assert not Job.objects.filter(status__in=["pending", "dead"]).exists()


def test_one_that_waited_alone_comes_as_itself(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: kinds are not mixed, and one message is no summary."""
    settings.PUSH_USER_RATE_PER_HOUR = 1
    ada = make_device().user
    queue_push(ada)
    run_due(at(0))
    queue_push(ada, title="Alone", now=at(5))
    run_due(at(5))
    run_due(at(HOUR))
    assert shown(push_catcher) == ["Doors open at nine", "Alone"]
    other, more = queue_push(ada, kind="waitlist", now=at(HOUR)), queue_push(ada, now=at(HOUR))
    run_due(at(HOUR + 1))
    run_due(at(2 * HOUR))
    run_due(at(3 * HOUR))
    assert {stored(other).status, stored(more).status} == {PushStatus.SENT}


def test_urgent_ones_pass_the_limit_and_count(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ WL-08: a seat offer is not held back by what else the person got; it counts for the others."""
    settings.PUSH_USER_RATE_PER_HOUR = 1
    ada = make_device().user
    for _ in range(3):
        queue_push(ada, urgent=True, title="A seat is yours", kind="waitlist_offer")
    usual = queue_push(ada)
    run_due(at(0))
    assert shown(push_catcher) == ["A seat is yours"] * 3
    assert stored(usual).status == PushStatus.HELD


def test_quiet_hours_hold_until_their_end(push_catcher: PushCatcher) -> None:
    """REQ NO-05: what comes at night goes out in the morning; a seat offer at once."""
    night = datetime(2096, 5, 4, 23, 0, tzinfo=UTC)
    ada = make_device().user
    quiet_at_night(ada)
    usual = queue_push(ada, now=night)
    queue_push(ada, now=night, urgent=True, kind="waitlist_offer", title="A seat is yours")
    assert (usual.status, usual.status_reason) == (PushStatus.HELD, "Quiet hours")
    run_due(night)
    assert shown(push_catcher) == ["A seat is yours"]
    morning = night + timedelta(hours=8)
    assert run_due(morning - timedelta(seconds=1)) == 0
    assert run_due(morning) == 1
    assert stored(usual).sent_at == morning


def test_what_somebody_does_not_want_is_kept_as_suppressed(push_catcher: PushCatcher) -> None:
    """REQ NO-05: staff see that it was not sent, and why; nothing goes out and no job is written."""
    ada = make_device().user
    mute(ada, "announcements", Channel.PUSH)
    message = queue_push(ada)
    assert (message.status, message.status_reason) == (
        PushStatus.SUPPRESSED, "The person does not want this kind of message by push",
    )  # fmt: skip
    assert not PushDelivery.objects.exists()
    assert run_due(at(0)) == 0


def test_a_change_of_mind_while_it_waits_counts(push_catcher: PushCatcher) -> None:
    """REQ NO-05: choices are asked again when it is sent: both no more, and quiet hours that began since."""
    ada, grace = make_device().user, make_device().user
    of_ada, of_grace = queue_push(ada), queue_push(grace)
    mute(ada, "announcements", Channel.PUSH)
    row = preferences_row(grace)
    row.quiet_starts_at, row.quiet_ends_at = NOON.time(), at(HOUR).time()
    row.save()
    run_due(at(60))
    assert push_catcher.requests() == []
    assert stored(of_ada).status == PushStatus.SUPPRESSED
    assert (stored(of_grace).status, stored(of_grace).not_before) == (PushStatus.HELD, at(HOUR))
    run_due(at(HOUR))
    assert stored(of_grace).status == PushStatus.SENT


def test_what_was_begun_before_the_night_is_asked_about_again(push_catcher: PushCatcher) -> None:
    """REQ NO-05: tried at 21:58 and again in quiet hours: it waits, on the device that has nothing of it yet too."""
    evening = datetime(2096, 5, 4, 21, 58, tzinfo=UTC)
    ada = make_device(browser=push_catcher.subscribe("Laptop")).user
    quiet_at_night(ada)
    nowhere = queue_push(ada, now=evening)
    push_catcher.fail("unavailable", retry_after=1800)
    run_due(evening)
    make_device(ada)
    laptop, phone = queue_push(ada, now=evening).deliveries.order_by("device__provider", "id").reverse()
    PushDelivery.objects.filter(id=laptop.id).update(not_before=evening + timedelta(minutes=30))
    run_due(evening)
    assert [one.service for one in push_catcher.pushes()] == ["FCM"]
    night, morning = evening + timedelta(minutes=40), evening + timedelta(hours=9, minutes=2)
    run_due(night)
    assert (stored(nowhere).status, stored(nowhere).status_reason) == (PushStatus.HELD, "Quiet hours")
    assert stored(phone.message).status == PushStatus.SENT
    assert len(push_catcher.pushes()) == 1
    run_due(morning)
    assert (stored(nowhere).status, len(push_catcher.pushes())) == (PushStatus.SENT, 3)


def test_what_came_back_from_the_dead_is_asked_about_again(push_catcher: PushCatcher) -> None:
    """REQ NO-05: a dead one that staff bring back in the console goes to nobody who has switched it off since."""
    ada = make_device().user
    message = queue_push(ada)
    push_catcher.fail("invalid")
    run_due(at(0))
    mute(ada, "announcements", Channel.PUSH)
    dead_letters.retry([Job.objects.get().pk], actor=SYSTEM, reason="mended", now=at(1))
    run_due(at(1))
    assert len(push_catcher.requests()) == 1
    assert (stored(message).status, delivery_of(message).status) == (PushStatus.SUPPRESSED,) * 2


def _race(race: Race, push_catcher: PushCatcher) -> int:
    """Let twelve messages to one person begin at once, and return how many were taken."""
    ada = make_device().user
    messages = [queue_push(ada) for _ in range(12)]
    ids = list(PushDelivery.objects.filter(message__in=messages).values_list("id", flat=True))

    def send(delivery_id: UUID) -> None:
        with suppress(NoRoom):
            sending.deliver(delivery_id, is_last_attempt=False, now=at(1))

    # All of them stand in the middle of their beginning before the first may go on.
    ended = race.behind(PushMessage.objects.filter(user=ada), [partial(send, one) for one in ids])
    assert ended == [None] * 12
    return len(push_catcher.pushes())


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_keep_the_limit(race: Race, push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: the limit holds to the message however many workers send at once."""
    settings.PUSH_USER_RATE_PER_HOUR = 5
    assert _race(race, push_catcher) == 5


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_they_do_not(
    race: Race, push_catcher: PushCatcher, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the race: without the lock on a person's tokens more than the limit begin."""
    settings.PUSH_USER_RATE_PER_HOUR = 5
    monkeypatch.setattr(limits, "lock_tokens", lambda message: None)
    assert _race(race, push_catcher) > 5


def test_counting_reads_the_hour_alone() -> None:
    """REQ OP-07: what an hour allows is read from an index of what was begun."""
    ada = make_device().user
    PushMessage.objects.bulk_create(
        PushMessage(
            user=ada, kind="announcements", title="x", body="y", dedupe_key=f"k{number}", created_at=NOON,
            begun_at=NOON - timedelta(hours=number),
        )
        for number in range(400)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_pushmessage")
        cursor.execute(
            "EXPLAIN SELECT begun_at FROM notifications_pushmessage WHERE user_id = %s AND begun_at > %s "
            "ORDER BY begun_at DESC OFFSET 9 LIMIT 1",
            [ada.pk, NOON - timedelta(hours=1)],
        )
        plan = " ".join(row[0] for row in cursor.fetchall())
    assert "push_user_hour" in plan


def test_the_gate_reads_the_hour_alone() -> None:
    """REQ OP-07: which campaigns are full is asked all the time: from an index of the hour, not of all campaigns."""
    ada, event = make_device().user, make_event()
    old = PushCampaign.objects.bulk_create(
        PushCampaign(
            organization_id=event.organization_id, event=event, audience="registered", kind="announcements",
            title="x", body="y", created_by=ada.pk, created_at=NOON,
        )
        for _ in range(40)
    )  # fmt: skip
    PushMessage.objects.bulk_create(
        PushMessage(
            user=ada, campaign=old[number % 40], kind="announcements", title="x", body="y",
            dedupe_key=f"k{number}", created_at=NOON, begun_at=NOON - timedelta(hours=number),
        )
        for number in range(400)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_pushmessage")
    assert "push_campaigns_hour" in limits.full_campaigns(NOON).explain()
