"""What staff do to push messages, and what the clock does to devices."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_organization, make_superuser
from common import clock
from common.audit.models import AuditEntry
from common.errors import NotFound
from common.models import Job
from common.outbox import dead_letters
from common.types import SYSTEM
from config.local_stack.pushcatcher.testing import PushCatcher
from events.tests.factories import make_event, make_registration
from notifications.errors import DeviceOff, PushNotResendable
from notifications.models import PushChannel, PushDevice, PushMessage, PushPart, PushStatus
from notifications.push_checks import push as push_check
from notifications.services.push import acts, cleaning, recording
from notifications.tests.push import NOON, at, delivery_of, make_device, queue_push, run_due, stored

pytestmark = pytest.mark.django_db
LIST = reverse("admin:notifications_pushmessage_changelist")


def dead(push_catcher: PushCatcher, **changes: Any) -> PushMessage:
    """Queue a message that is refused for good."""
    message = queue_push(make_device().user, **changes)
    push_catcher.fail("invalid")
    run_due(at(0))
    assert (stored(message).status, Job.objects.get().status) == (PushStatus.FAILED, "dead")
    return message


def test_a_dead_one_is_sent_again(push_catcher: PushCatcher) -> None:
    """REQ OP-03, NO-04: the act brings its dead letter back, under the same id, audited, and once."""
    house = make_organization()
    message = dead(push_catcher, organization_id=house.pk)
    with pytest.raises(NotFound):
        acts.send_again(message.pk, actor=actor_of(make_member("owner")), reason="x", now=at(1))
    staff = actor_of(make_member("staff", organization=house))
    acts.send_again(message.pk, actor=staff, reason="asked", now=at(1))
    assert Job.objects.get().status == "pending"
    run_due(at(1))
    (shown,) = push_catcher.pushes()
    assert (shown.tag, stored(message).status) == (str(message.pk), PushStatus.SENT)
    with pytest.raises(PushNotResendable):
        acts.send_again(message.pk, actor=staff, reason="again", now=at(2))
    assert AuditEntry.objects.filter(action="notifications.send_push_again", reason="asked").count() == 1


def test_the_console_brings_push_back(push_catcher: PushCatcher) -> None:
    """REQ OP-03: push is in the one dead-letter console; a retry there sends it."""
    message = dead(push_catcher)
    job = Job.objects.get()
    assert (job.kind, job.payload["delivery_id"]) == (
        "notifications.send_bulk_push",
        str(delivery_of(message).pk),
    )
    dead_letters.retry([job.pk], actor=SYSTEM, reason="mended", now=at(1))
    run_due(at(1))
    assert stored(message).status == PushStatus.SENT


def test_a_test_message_goes_to_one_device(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: staff try a device of somebody at their events, operators any; audited; one that is off: refused."""
    event = make_event()
    device = make_device(browser=push_catcher.subscribe("This one"))
    make_device(device.user)
    make_registration(event, device.user)
    staff = actor_of(make_member("staff", organization=event.organization))
    message_id = acts.send_test(device.pk, actor=staff, reason="does it work", now=at(0))
    run_due(at(0))
    assert [one.device for one in push_catcher.pushes()] == ["This one"]
    assert PushMessage.objects.get(pk=message_id).organization_id == event.organization_id
    entry = AuditEntry.objects.get(action="notifications.send_test_push")
    assert (entry.subject_id, entry.reason) == (str(device.pk), "does it work")
    for actor in (
        actor_of(make_member("owner")),
        actor_of(make_member("analyst", organization=event.organization)),
    ):
        with pytest.raises(NotFound):
            acts.send_test(device.pk, actor=actor, reason="x", now=at(1))
    settings.WEBPUSH_VAPID_PRIVATE_KEY = ""
    with pytest.raises(DeviceOff):
        acts.send_test(device.pk, actor=SYSTEM, reason="x", now=at(1))
    assert AuditEntry.objects.count() == 1


def test_messages_are_shown_with_their_story(client: Client, push_catcher: PushCatcher) -> None:
    """REQ NO-04, EV-04: each device's status and error; another organization's are not there; operators end a pause."""
    house = make_organization()
    message = dead(push_catcher, organization_id=house.pk, title="Mine")
    queue_push(make_device().user, organization_id=make_organization().pk, title="Theirs")
    later = clock.now() + timedelta(hours=1)
    recording.pause("fcm", later, "HTTP 401", now=clock.now())
    recording.pause_part("fcm:ios", later, "HTTP 401", now=clock.now())
    client.force_login(make_member("staff", organization=house))
    listing = client.get(LIST).content.decode()
    assert "Mine" in listing
    assert "Theirs" not in listing
    assert "Push by FCM is paused" in listing
    assert "Push by FCM (iOS) is paused" in listing
    assert "Resume now" not in listing
    assert "Mine" in client.get(f"{LIST}?kind=announcements").content.decode()
    assert "Mine" not in client.get(f"{LIST}?kind=waitlist").content.decode()
    page = client.get(reverse("admin:notifications_pushmessage_change", args=[message.pk])).content.decode()
    assert "HTTP 400" in page
    assert "phone-" not in page
    resume = reverse("admin:notifications_pushmessage_resume", args=["fcm"])
    assert client.post(resume, {"reason": "x"}).status_code == 403
    client.force_login(make_superuser())
    assert "Resume now" in client.get(LIST).content.decode()
    assert "It is written to again." in client.post(resume, {"reason": "mended"}).content.decode()
    assert (PushChannel.objects.get().paused_until, PushPart.objects.get().paused_until) == (None, None)
    assert AuditEntry.objects.get(action="notifications.resume_push").reason == "mended"
    done = client.post(
        f"{LIST}act/send_again/", {"ids": [str(message.pk)], "confirmed": "1", "reason": "x"}, follow=True
    )
    assert "Queued again." in done.content.decode()


def test_idle_devices_are_switched_off_then_forgotten(
    push_catcher: PushCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ NO-04: browsers after 30 days, phones after 270; 90 days later the row goes, its messages stay."""
    monkeypatch.setattr(cleaning, "_AT_ONCE", 1)
    long_ago = {days: NOON - timedelta(days=days) for days in (29, 31, 269, 271)}
    browsers = [
        make_device(browser=push_catcher.subscribe(), last_seen_at=long_ago[days]) for days in (29, 31, 31)
    ]
    phones = [make_device(platform="ios", last_seen_at=long_ago[days]) for days in (269, 271)]
    message = queue_push(phones[1].user)
    run_due(at(0))
    assert cleaning.switch_off_idle(now=NOON) == 3
    assert cleaning.switch_off_idle(now=NOON) == 0
    kept = PushDevice.objects.filter(is_active=True)
    assert set(kept) == {browsers[0], phones[0]}
    assert PushDevice.objects.get(pk=phones[1].pk).disabled_reason == "It was not seen for 270 days"
    assert cleaning.forget_old(now=NOON + timedelta(days=90)) == 0
    assert cleaning.forget_old(now=NOON + timedelta(days=91)) == 3
    assert (delivery_of(message).device, stored(message).status) == (None, PushStatus.SENT)


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"WEBPUSH_VAPID_SUBJECT": ""}, ["notifications.E011"]),
        ({"WEBPUSH_VAPID_PRIVATE_KEY": ""}, ["notifications.E011"]),
        ({"WEBPUSH_VAPID_PRIVATE_KEY": "short"}, ["notifications.E012"]),
        ({"WEBPUSH_VAPID_SUBJECT": "operators"}, ["notifications.E012"]),
        ({"WEBPUSH_ALLOWED_HOSTS": ["*"]}, ["notifications.E013"]),
        ({"WEBPUSH_ALLOWED_HOSTS": ["127.0.0.1"]}, ["notifications.E013"]),
        ({"FCM_CREDENTIALS_FILE": "nowhere.json"}, ["notifications.E010"]),
        ({"PUSH_USER_RATE_PER_HOUR": 0}, ["notifications.E014"]),
        ({"ENVIRONMENT": "production"}, ["notifications.E015"]),
        (
            {
                "ENVIRONMENT": "production", "FCM_API_BASE": "", "FCM_CREDENTIALS_FILE": "",
                "WEBPUSH_ALLOWED_HOSTS": [], "WEBPUSH_VAPID_PRIVATE_KEY": "", "WEBPUSH_VAPID_SUBJECT": "",
            },
            ["notifications.W016"],
        ),
    ],
)  # fmt: skip
def test_half_a_set_up_is_named(
    push_catcher: PushCatcher, settings: Settings, changes: dict[str, Any], ids: list[str]
) -> None:
    """REQ OP-05: start-up checks name what is half or wrongly set up, and a stand-in in production."""
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [one.id for one in push_check()] == ids


WORKER = textwrap.dedent(
    """
    import django
    django.setup()
    from django.conf import settings
    for name, value in {values!r}.items():
        setattr(settings, name, value)
    from common.outbox import Lane, drain
    drain(Lane.URGENT_MAIL)
    """
)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_mid_send_repeats_the_same_message(
    push_catcher: PushCatcher, settings: Settings
) -> None:
    """REQ NO-04, OP-03: killed before the answer came, it is sent again under the same id and counts once."""
    message = queue_push(
        make_device(browser=push_catcher.subscribe()).user,
        now=clock.now(),
        urgent=True,
        kind="waitlist_offer",
    )
    names = ("WEBPUSH_VAPID_PRIVATE_KEY", "WEBPUSH_VAPID_SUBJECT", "WEBPUSH_ALLOWED_HOSTS")
    code = WORKER.format(
        values={"PUSH_TIMEOUT_SECONDS": 60, **{name: getattr(settings, name) for name in names}}
    )
    push_catcher.fail("timeout")
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, env={**os.environ}) as worker:
        try:
            assert push_catcher.hanging.wait(60), "the worker never sent"
        finally:
            worker.send_signal(signal.SIGKILL)
    begun = stored(message)
    assert (begun.status, delivery_of(message).attempts) == (PushStatus.QUEUED, 1)
    assert begun.begun_at is not None
    assert run_due(clock.now() + timedelta(seconds=30)) == 0, "its lease still runs"
    assert run_due(clock.now() + timedelta(seconds=300)) == 1
    (shown,) = push_catcher.pushes()
    assert (shown.tag, shown.times, len(push_catcher.requests())) == (message.id.hex, 1, 2)
    assert (stored(message).status, stored(message).begun_at) == (PushStatus.SENT, begun.begun_at)
