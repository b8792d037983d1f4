"""Sending push over real HTTP to the stand-in, decrypted as a browser would."""

import json

import pytest
import requests
from django.db import transaction
from pytest_django.fixtures import Settings

from accounts.tests.factories import make_user
from common.models import Job
from config.local_stack.pushcatcher.testing import PushCatcher
from notifications import push
from notifications.models import PushDelivery, PushDevice, PushMessage, PushStatus
from notifications.pushing import fcm
from notifications.services.push import queueing, sending
from notifications.tests.push import NOON, at, delivery_of, make_device, new_push, queue_push, run_due, stored

pytestmark = pytest.mark.django_db


def job_of(message: PushMessage) -> Job:
    return Job.objects.get(dedupe_key=f"push:{delivery_of(message).id}")


def test_a_message_reaches_phone_and_browser(push_catcher: PushCatcher) -> None:
    """REQ NO-04: one message reaches each device of a person once; the browser alone can read it."""
    ada = make_user()
    make_device(ada)
    make_device(ada, browser=push_catcher.subscribe("Ada's browser"))
    message = queue_push(ada)
    assert run_due(at(2)) == 2
    phone, browser = sorted(push_catcher.pushes(), key=lambda one: one.service)
    assert [(one.title, one.body, one.times) for one in (phone, browser)] == [
        ("Doors open at nine", "Bring your ticket.", 1)
    ] * 2
    assert (phone.tag, browser.tag) == (str(message.id), message.id.hex)
    assert phone.payload["android"]["notification"]["tag"] == str(message.id)
    assert "collapse_key" not in phone.payload["android"], "of these FCM keeps four for a device that is away"
    assert phone.payload["apns"]["headers"]["apns-collapse-id"] == str(message.id)
    assert phone.payload["data"]["url"] == browser.payload["data"]["url"] == "https://example.test/e"
    assert browser.payload["tag"] == str(message.id)
    assert browser.headers["ttl"] == "86400"
    assert (stored(message).status, stored(message).sent_at) == (PushStatus.SENT, at(2))
    assert set(PushDelivery.objects.values_list("status", "attempts")) == {("sent", 1)}


def test_nothing_is_sent_for_what_was_rolled_back(push_catcher: PushCatcher) -> None:
    """REQ NO-04: messages belong to the transaction of their cause."""
    ada = make_device().user
    with transaction.atomic():
        queue_push(ada)
        transaction.set_rollback(True)
    assert run_due(at(1)) == 0
    assert not PushMessage.objects.exists()
    assert push_catcher.requests() == []


def test_one_key_is_one_message(push_catcher: PushCatcher) -> None:
    """REQ NO-04: a message whose key was used before sends nothing new, also within one batch."""
    ada = make_device().user
    twice = [new_push(ada, dedupe_key="once"), new_push(ada, dedupe_key="once")]
    assert len(queueing.queue(twice, now=NOON).message_ids) == 1
    assert queueing.queue(twice, now=at(1)).message_ids == ()
    run_due(at(1))
    assert len(push_catcher.requests()) == 1


def test_a_thousand_people_cost_five_statements(
    push_catcher: PushCatcher, django_assert_num_queries: object
) -> None:
    """REQ NO-04: queueing is set-based: as many statements for 1,000 people as for one."""
    one = make_device().user
    people = PushDevice.user.field.related_model.objects.bulk_create(
        [type(one)(email=f"p{number}@example.test") for number in range(1000)]
    )
    PushDevice.objects.bulk_create(
        [
            PushDevice(
                user=person, provider="fcm", platform="ios", token=f"t{number}", token_hash=f"h{number}",
                last_seen_at=NOON, registered_at=NOON, created_at=NOON,
            )
            for number, person in enumerate(people)
        ]
    )  # fmt: skip
    with django_assert_num_queries(5):  # type: ignore[operator]
        queueing.queue([new_push(one)], now=NOON)
    nobody = make_user()
    with django_assert_num_queries(5):  # type: ignore[operator]
        written = queueing.queue([new_push(person) for person in [*people, nobody]], now=NOON)
    assert (len(written.message_ids), written.without_device) == (1000, 1)
    assert not PushMessage.objects.filter(user=nobody).exists()
    assert Job.objects.filter(kind=queueing.BULK_KIND).count() == 1001


@pytest.mark.parametrize(("fault", "named"), [("unavailable", 40), ("internal", None), ("timeout", None)])
def test_what_may_pass_is_tried_again_and_shown_once(
    push_catcher: PushCatcher, settings: Settings, fault: str, named: int | None
) -> None:
    """REQ NO-04: 5xx and silence are tried again after 1 s, or when the service asks to."""
    settings.PUSH_TIMEOUT_SECONDS = 0.3
    ada = make_device(browser=push_catcher.subscribe()).user
    message = queue_push(ada)
    push_catcher.fail(fault, retry_after=named)  # type: ignore[arg-type]
    run_due(at(0))
    assert stored(message).status == PushStatus.QUEUED
    assert job_of(message).run_at == at(1)
    if named is not None:
        run_due(at(1))
        assert (job_of(message).run_at, job_of(message).attempts) == (at(named), 1)
    assert run_due(at(named or 1)) == 1
    (shown,) = push_catcher.pushes()
    assert (shown.times, stored(message).status) == (1, PushStatus.SENT)


@pytest.mark.parametrize("is_browser", [True, False], ids=["browser", "phone"])
def test_a_lost_answer_shows_it_once(push_catcher: PushCatcher, is_browser: bool) -> None:
    """REQ NO-04: taken, and the line cut before the answer: the repetition carries the same id and replaces it."""
    ada = make_device(browser=push_catcher.subscribe() if is_browser else None).user
    message = queue_push(ada)
    push_catcher.fail("cut")
    run_due(at(0))
    assert stored(message).status == PushStatus.QUEUED
    run_due(at(1))
    (shown,) = push_catcher.pushes()
    assert (shown.times, stored(message).status) == (2, PushStatus.SENT)


def test_the_schedule_ends_among_the_dead(push_catcher: PushCatcher) -> None:
    """REQ NO-04, OP-03: 1 s, 5 s, 30 s, 5 min, 30 min, then dead; a staff member who brings it back sends it."""
    ada = make_device(browser=push_catcher.subscribe()).user
    message = queue_push(ada)
    push_catcher.fail("internal", times=6)
    moment = 0.0
    for wait in (1, 5, 30, 300, 1800):
        assert run_due(at(moment)) == 1
        assert job_of(message).run_at == at(moment + wait)
        moment += wait
    run_due(at(moment))
    assert (job_of(message).status, stored(message).status) == ("dead", PushStatus.FAILED)
    device = PushDevice.objects.get()
    assert (device.failure_count, device.is_active, delivery_of(message).attempts) == (1, True, 6)
    Job.objects.update(status="pending", finished_at=None, attempts=0)
    run_due(at(moment + 1))
    assert stored(message).status == PushStatus.SENT
    assert PushDevice.objects.get().failure_count == 0


def test_what_came_too_late_is_not_sent(push_catcher: PushCatcher) -> None:
    """REQ WL-08: a seat offer that is over is not told any more; one that is not says how long it is of use."""
    ada = make_device(browser=push_catcher.subscribe()).user
    late = queue_push(ada, urgent=True, not_after=at(60))
    timely = queue_push(ada, urgent=True, not_after=at(900))
    run_due(at(61))
    (shown,) = push_catcher.pushes()
    assert (shown.tag, shown.headers["ttl"], shown.headers["urgency"]) == (timely.id.hex, "839", "high")
    assert (stored(late).status, job_of(late).status) == (PushStatus.FAILED, "expired")


def test_another_persons_device_gets_nothing_of_the_former_owner(push_catcher: PushCatcher) -> None:
    """REQ NO-05: a message that waited for somebody who handed the device on is not shown to the next."""
    device = make_device()
    message = queue_push(device.user)
    PushDevice.objects.update(user=make_user())
    run_due(at(0))
    assert push_catcher.requests() == []
    assert stored(message).status == PushStatus.FAILED


def test_a_long_text_is_cut_to_what_a_browser_takes(push_catcher: PushCatcher) -> None:
    """REQ NO-04: 4,096 bytes with the cipher's own; the text gives way, letters stay whole."""
    ada = make_device(browser=push_catcher.subscribe()).user
    queue_push(ada, title="ü" * 200, body="😀" * 1000)
    run_due(at(0))
    (shown,) = push_catcher.pushes()
    assert shown.body.endswith("😀…")
    assert 3000 < len(json.dumps(shown.payload, ensure_ascii=False).encode()) <= 3993 + 40


def test_a_long_text_is_cut_to_what_a_phone_takes(push_catcher: PushCatcher) -> None:
    """REQ NO-04: FCM refuses more than 4,096 bytes, and so does the stand-in; the text gives way, the data stay."""
    data = {"url": "https://example.test/", "more": "y" * 1900}
    message = queue_push(make_device().user, title="ü" * 200, body="😀" * 1000, data=data)
    run_due(at(0))
    (shown,) = push_catcher.pushes()
    assert (stored(message).status, shown.payload["data"]["more"]) == (PushStatus.SENT, "y" * 1900)
    assert shown.body.endswith("😀…")
    body = {"message": {"token": "x", "notification": {"title": "x" * 4096}}}
    request = {"Authorization": f"Bearer {fcm.account.token()[1]}"}
    address = f"{push_catcher.url}/v1/projects/p/messages:send"
    assert requests.post(address, json=body, headers=request, timeout=10).status_code == 400
    body["message"]["notification"] = {"title": "x" * 3900}
    assert requests.post(address, json=body, headers=request, timeout=10).status_code == 200


def test_a_delivery_without_a_job_gets_one(push_catcher: PushCatcher) -> None:
    """REQ OP-03: nothing that is due is forgotten, and nothing gets a second job."""
    ada = make_device().user
    lost, _ = queue_push(ada), queue_push(ada)
    job_of(lost).delete()
    assert sending.requeue_orphans(now=at(59)) == 0
    assert sending.requeue_orphans(now=at(61)) == 1
    assert sending.requeue_orphans(now=at(61)) == 0
    run_due(at(62))
    assert stored(lost).status == PushStatus.SENT


@pytest.mark.parametrize("data", [{"from": "x"}, {"google.x": "x"}, {"receipt": "x"}, {"x": "y" * 2000}])
def test_data_that_no_provider_carries_is_refused(data: dict[str, str]) -> None:
    """REQ NO-04: what would fail on its way fails where it is written."""
    with pytest.raises(ValueError, match="Push data"):
        queueing.queue([new_push(make_user(), data=data)], now=NOON)
    assert not PushMessage.objects.exists()


def test_a_message_of_no_kind_is_refused_at_the_door(push_catcher: PushCatcher) -> None:
    """REQ NO-05: a room that pushes what people cannot choose about finds out with its first message."""
    ada = make_device().user
    with pytest.raises(ValueError, match="of no kind that comes by push: gossip"):
        push.push([new_push(ada), new_push(ada, kind="gossip")], now=NOON)
    assert not PushMessage.objects.exists()
    push.push([new_push(ada)], now=NOON)
    assert PushMessage.objects.get().kind == "announcements"
