"""What push does when providers refuse, fail or are away: devices switched off, pauses, nobody's attempt lost."""

from datetime import timedelta
from functools import partial

import pytest
import structlog.testing
from pytest_django.fixtures import Settings

from common.models import Job
from common.outbox import dead_letters
from common.types import SYSTEM
from config.local_stack.pushcatcher.faults import FaultKind
from config.local_stack.pushcatcher.testing import PushCatcher
from config.local_stack.testing.race import Race
from notifications.models import PushChannel, PushDevice, PushMessage, PushPart, PushStatus
from notifications.services.push import devices, queueing, recording
from notifications.tests.push import NOON, at, delivery_of, make_device, new_push, queue_push, run_due, stored

pytestmark = pytest.mark.django_db


def job_of(message: PushMessage) -> Job:
    return Job.objects.get(dedupe_key=f"push:{delivery_of(message).id}")


@pytest.mark.parametrize("is_browser", [True, False], ids=["browser", "phone"])
def test_a_device_that_is_gone_is_switched_off(push_catcher: PushCatcher, is_browser: bool) -> None:
    """REQ NO-04: 410 and UNREGISTERED switch the device off; nothing more is sent to it."""
    ada = make_device(browser=push_catcher.subscribe() if is_browser else None).user
    message = queue_push(ada)
    push_catcher.fail("gone")
    run_due(at(0))
    device = PushDevice.objects.get()
    assert (device.is_active, device.disabled_at) == (False, at(0))
    assert (stored(message).status, job_of(message).status) == (PushStatus.FAILED, "done")
    assert queueing.queue([new_push(ada)], now=at(1)).without_device == 1


def test_who_registered_since_stays_on(push_catcher: PushCatcher) -> None:
    """REQ NO-04: "gone" about what was before the latest registration is old news: it is tried again."""
    ada = make_device(browser=push_catcher.subscribe(), registered_at=at(5)).user
    message = queue_push(ada)
    push_catcher.fail("gone")
    run_due(at(0))
    assert PushDevice.objects.get().is_active
    run_due(at(10))
    assert stored(message).status == PushStatus.SENT


def test_refusals_in_a_row_switch_a_device_off(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: a message that is refused is dead and loud; five such in a row switch the device off."""
    settings.PUSH_DEVICE_FAILURES = 3
    ada = make_device(browser=push_catcher.subscribe()).user
    push_catcher.fail("invalid", times=2)
    first, _ = queue_push(ada), queue_push(ada)
    with structlog.testing.capture_logs() as logs:
        run_due(at(0))
    assert [line["log_level"] for line in logs if line["event"] == "push_refused"] == ["error"] * 2
    assert (job_of(first).status, stored(first).status) == ("dead", PushStatus.FAILED)
    queue_push(ada, now=at(1))
    run_due(at(1))
    assert PushDevice.objects.get().failure_count == 0, "one that arrives begins the count anew"
    push_catcher.fail("invalid", times=3)
    for _ in range(3):
        queue_push(ada, now=at(2))
    run_due(at(2))
    device = PushDevice.objects.get()
    assert (device.is_active, device.failure_count) == (False, 3)


def test_what_a_message_is_refused_for_is_no_fault_of_a_device(
    push_catcher: PushCatcher, settings: Settings
) -> None:
    """REQ NO-04: FCM's INVALID_ARGUMENT is about what we send: dead and loud, and the device stays on."""
    settings.PUSH_DEVICE_FAILURES = 1
    message = queue_push(make_device().user)
    push_catcher.fail("invalid")
    run_due(at(0))
    device = PushDevice.objects.get()
    assert (stored(message).status, device.is_active, device.failure_count) == (PushStatus.FAILED, True, 0)


def test_a_long_outage_switches_off_only_after_a_day(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: a provider that is away for hours is no fault of a device."""
    settings.PUSH_DEVICE_FAILURES = 2
    device = make_device()
    for now, is_on in ((at(0), True), (at(3600), True), (NOON + timedelta(days=1), False)):
        devices.failed(device.pk, "HTTP 500", is_own_fault=False, asked_at=now, now=now)
        assert PushDevice.objects.get().is_active is is_on


def test_a_trouble_of_the_account_pauses_one_provider(push_catcher: PushCatcher) -> None:
    """REQ NO-04: refused credentials are nobody's failed attempt: that provider pauses, loudly, the other goes on."""
    ada = make_device().user
    message = queue_push(ada)
    push_catcher.fail("not_found")
    with structlog.testing.capture_logs() as logs:
        run_due(at(0))
    assert [line["provider"] for line in logs if line["event"] == "push_provider_paused"] == ["fcm"]
    channel = PushChannel.objects.get()
    assert (channel.provider, channel.paused_until) == ("fcm", at(300))
    assert (job_of(message).attempts, push_catcher.pushes()) == (0, [])
    make_device(ada, browser=push_catcher.subscribe())
    queue_push(ada, now=at(1))
    assert run_due(at(299)) == 1
    assert [one.service for one in push_catcher.pushes()] == ["Web Push"]
    run_due(at(300))
    assert sorted(one.service for one in push_catcher.pushes()) == ["FCM", "FCM", "Web Push"]
    assert stored(message).status == PushStatus.SENT


def test_a_full_quota_is_waited_for_by_everybody(push_catcher: PushCatcher) -> None:
    """REQ NO-04: FCM's 429 is about all of us: nobody tries before the time that it names."""
    first, second = make_device().user, make_device().user
    queue_push(first), queue_push(second)
    push_catcher.fail("quota", retry_after=120)
    run_due(at(0))
    run_due(at(119))
    assert len(push_catcher.requests()) == 1
    run_due(at(120))
    assert len(push_catcher.pushes()) == 2


def test_a_signature_that_is_refused_is_judged_by_the_others(push_catcher: PushCatcher) -> None:
    """REQ NO-05: a subscription that was made for another key is that person's trouble once others arrive; with
    none that arrived it is ours, and the push service pauses."""
    ada = make_device(browser=push_catcher.subscribe("Ada")).user
    eve = make_device(browser=push_catcher.subscribe("Eve")).user
    of_eve = queue_push(eve)
    push_catcher.fail("unauthorized")
    run_due(at(0))
    assert (stored(of_eve).status, PushPart.objects.get().paused_until) == (PushStatus.QUEUED, at(300))
    queue_push(ada, now=at(10))
    run_due(at(299))
    assert len(push_catcher.requests()) == 1
    run_due(at(310))
    assert [one.device for one in push_catcher.pushes()] == ["Ada"], (
        "who is new is asked before who is doubted"
    )
    push_catcher.fail("unauthorized")
    run_due(at(370))
    assert (stored(of_eve).status, job_of(of_eve).status) == (PushStatus.FAILED, "dead")
    assert PushDevice.objects.get(user=eve).failure_count == 1
    assert not PushPart.objects.filter(paused_until__gt=at(370)).exists()


@pytest.mark.parametrize("fault", ["apns_auth", "mismatch"])
def test_a_platform_that_refuses_us_is_no_fault_of_its_devices(
    push_catcher: PushCatcher, settings: Settings, fault: FaultKind
) -> None:
    """REQ NO-04: Apple's key ended while Android arrives: iPhones wait, lose nothing, and stay on."""
    settings.PUSH_DEVICE_FAILURES = 1
    android = make_device().user
    phones = [make_device(platform="ios").user for _ in range(2)]
    queue_push(phones[1])
    run_due(at(0))
    waits = queue_push(phones[0], now=at(10))
    push_catcher.fail(fault)
    run_due(at(10))
    assert not PushPart.objects.exists(), (
        "what Apple took before may be this one phone's trouble: it alone waits"
    )
    queue_push(android, now=at(20))
    run_due(at(20))
    push_catcher.fail(fault)
    run_due(at(370))
    assert (PushPart.objects.get().name, PushPart.objects.get().paused_until) == ("fcm:ios", at(670))
    others = [queue_push(user, now=at(380)) for user in (android, phones[1])]
    run_due(at(380))
    assert [stored(one).status for one in others] == [PushStatus.SENT, PushStatus.QUEUED]
    assert len(push_catcher.requests()) == 5, "nobody asks in a pause"
    run_due(at(730))
    assert {stored(one).status for one in (waits, *others)} == {PushStatus.SENT}
    assert job_of(waits).attempts == 1
    assert set(PushDevice.objects.values_list("is_active", "failure_count", "doubted_at")) == {
        (True, 0, None)
    }


def test_what_was_taken_before_a_wrong_key_proves_nothing(
    push_catcher: PushCatcher, settings: Settings
) -> None:
    """REQ NO-04: a wrong key deployed a minute after others arrived: no message dies of it, no browser is off."""
    settings.PUSH_DEVICE_FAILURES = 1
    people = [make_device(browser=push_catcher.subscribe()).user for _ in range(3)]
    queue_push(people[0])
    run_due(at(0))
    waiting = [queue_push(user, now=at(60)) for user in people[1:]]
    push_catcher.fail("unauthorized", times=2)
    run_due(at(60))
    push_catcher.fail("unauthorized", times=2)
    for moment in (420, 1000):
        assert {stored(one).status for one in waiting} == {PushStatus.QUEUED}
        run_due(at(moment))
    run_due(at(1400))
    assert {stored(one).status for one in waiting} == {PushStatus.SENT}
    assert set(PushDevice.objects.values_list("is_active", "failure_count")) == {(True, 0)}


@pytest.mark.django_db(transaction=True)
def test_the_longest_pause_stands(race: Race) -> None:
    """REQ NO-04: workers that are told of different ends at once: nobody writes before the last of them."""
    recording.pause("fcm", at(1), "a moment", now=NOON)
    recording.pause_part("fcm:ios", at(1), "a moment", now=NOON)

    def pause(until: float) -> None:
        recording.pause("fcm", at(until), "wait", now=NOON)

    # The longest among ten others: whoever writes last does not decide.
    ends = (3600, *range(30, 330, 30))
    race.behind(PushChannel.objects.all(), [partial(pause, one) for one in ends])
    assert PushChannel.objects.get().paused_until == at(3600)
    race.behind(
        PushPart.objects.all(),
        [partial(recording.pause_part, "fcm:ios", at(one), "wait", now=NOON) for one in ends],
    )
    assert PushPart.objects.get().paused_until == at(3600)


def test_tokens_of_the_account_are_kept(push_catcher: PushCatcher) -> None:
    """REQ NO-04: one token serves many messages, and a refused one is fetched anew."""
    ada = make_device().user
    queue_push(ada), queue_push(ada)
    faults = push_catcher._catcher.push_faults
    before = faults.tokens_issued
    run_due(at(0))
    assert faults.tokens_issued == before + 1
    push_catcher.fail("unauthorized")
    queue_push(ada, now=at(1))
    run_due(at(1))
    run_due(at(301))
    assert faults.tokens_issued == before + 2
    assert len(push_catcher.pushes()) == 3


def test_an_absent_provider_costs_no_attempt(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-04: while FCM is not reached everybody waits half a minute at a time and loses nothing."""
    message = queue_push(make_device().user)
    address, settings.FCM_API_BASE = settings.FCM_API_BASE, "http://127.0.0.1:9"
    run_due(at(0))
    assert (job_of(message).attempts, job_of(message).run_at) == (0, at(30))
    settings.FCM_API_BASE = address
    run_due(at(30))
    assert stored(message).status == PushStatus.SENT


def test_a_redirect_is_not_followed(push_catcher: PushCatcher) -> None:
    """REQ NO-05: a push service cannot send our request to another host."""
    make = queue_push(make_device(browser=push_catcher.subscribe()).user)
    push_catcher.fail("redirect")
    run_due(at(0))
    assert [one for one in push_catcher.requests() if "elsewhere" in one] == []
    assert stored(make).status == PushStatus.FAILED


def test_a_host_taken_off_the_list_gets_no_request(push_catcher: PushCatcher, settings: Settings) -> None:
    """REQ NO-05: the host is looked at again right before sending; a line left out by mistake costs no device."""
    ada = make_device(browser=push_catcher.subscribe()).user
    message = queue_push(ada)
    listed, settings.WEBPUSH_ALLOWED_HOSTS = settings.WEBPUSH_ALLOWED_HOSTS, ["push.example.com"]
    run_due(at(0))
    assert push_catcher.requests() == []
    device = PushDevice.objects.get()
    assert (stored(message).status, job_of(message).status) == (PushStatus.FAILED, "dead")
    assert (device.is_active, device.failure_count) == (True, 0)
    settings.WEBPUSH_ALLOWED_HOSTS = listed
    dead_letters.retry([job_of(message).pk], actor=SYSTEM, reason="listed again", now=at(1))
    run_due(at(1))
    assert stored(message).status == PushStatus.SENT
