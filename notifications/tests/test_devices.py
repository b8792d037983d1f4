"""REQ NO-04: devices register by a checked form, belong to one person, and are taken off."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_member, make_superuser, make_user
from common.audit import history_of
from common.errors import Forbidden, NotFound, RateLimited
from config.local_stack.testing.race import Race
from notifications.errors import DeviceAlreadyOff, DeviceLimit
from notifications.models import PushDelivery, PushDevice, PushMessage
from notifications.services import devices
from notifications.services.devices import (
    NewDevice,
    deactivate_device,
    devices_of,
    register_device,
    unregister_device,
)
from notifications.services.push.sending import DEVICE_OFF, deliver
from notifications.tests.devices import fcm_token, make_device, phone, subscription

pytestmark = pytest.mark.django_db

URL = "/api/v1/me/devices"
NO_KEYS = {"p256dh": "AAAA", "auth": "AAAA"}


def test_a_phone_registers_is_listed_and_taken_off(client: Client) -> None:
    """REQ NO-04: 201, then listed with a masked token; DELETE twice is 204 twice, and it is listed no more."""
    user, given = make_user(), phone(app="visitor")
    answer = client.post(URL, given, content_type="application/json", headers=bearer(user))
    assert answer.status_code == 201
    told = answer.json()
    assert (told["provider"], told["platform"], told["app"]) == ("fcm", "android", "visitor")
    assert told["token"] == "•••AAAAAA"
    assert given["token"] not in answer.content.decode()
    listed = client.get(URL, headers=bearer(user)).json()
    assert (listed["count"], listed["results"]) == (1, [told])
    for _ in range(2):
        gone = client.delete(f"{URL}/{told['id']}", headers=bearer(user))
        assert gone.status_code == 204
    assert client.get(URL, headers=bearer(user)).json()["results"] == []
    row = PushDevice.objects.get()
    assert (row.is_active, row.disabled_reason) == (False, devices.UNREGISTERED)


def test_a_browser_registers_with_its_keys(client: Client) -> None:
    """REQ NO-04: a subscription of an allowed push service is kept with the keys that encrypt for it."""
    given = subscription()
    answer = client.post(URL, given, content_type="application/json", headers=bearer(make_user()))
    assert answer.status_code == 201
    row = PushDevice.objects.get()
    assert (row.token, row.p256dh, row.auth) == (
        given["token"],
        given["keys"]["p256dh"],
        given["keys"]["auth"],
    )


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"provider": "required", "platform": "required", "token": "required"}),
        (phone("short"), {"token": "not_a_token"}),
        (phone(platform="watch"), {"platform": "invalid_choice"}),
        (phone(provider="apns"), {"provider": "invalid_choice"}),
        (phone(colour="red"), {"colour": "unknown_field"}),
        (phone(app="x" * 101), {"app": "max_length"}),
        (phone(app="a\tb"), {"app": "too_long"}),
        ({**subscription(), "platform": "ios"}, {"platform": "invalid_choice"}),
        ({**subscription("https://evil.example/push")}, {"token": "host_not_allowed"}),
        ({**subscription("http://fcm.googleapis.com/x")}, {"token": "host_not_allowed"}),
        ({**subscription(), "keys": NO_KEYS}, {"keys.p256dh": "not_a_key", "keys.auth": "not_a_key"}),
        ({**subscription(), "keys": {"p256dh": "AAAA"}}, {"keys.auth": "required"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_kept(
    client: Client, body: dict[str, object], fields: dict[str, str]
) -> None:
    """REQ NO-04, NO-05: format check by field; a subscription at a host that is not allowed is refused."""
    answer = client.post(URL, body, content_type="application/json", headers=bearer(make_user()))
    assert answer.status_code == 400
    assert {one["field"]: one["code"] for one in answer.json()["errors"]} == fields
    assert not PushDevice.objects.exists()


def test_nobody_in_particular_has_no_devices(client: Client) -> None:
    """REQ NO-04: every door asks who calls; nothing is kept."""
    device = make_device(make_user())
    assert client.get(URL).status_code == 401
    assert client.post(URL, phone(), content_type="application/json").status_code == 401
    assert client.delete(f"{URL}/{device.pk}").status_code == 401
    assert PushDevice.objects.filter(is_active=True).count() == 1


def test_another_persons_device_is_not_there(client: Client) -> None:
    """REQ NO-04: 404 as for one that never was; it goes on taking messages."""
    device, rival = make_device(make_user()), make_user()
    for device_id in (device.pk, uuid4()):
        assert client.delete(f"{URL}/{device_id}", headers=bearer(rival)).status_code == 404
    assert client.get(URL, headers=bearer(rival)).json()["count"] == 0
    assert PushDevice.objects.get().is_active


def written_to(user: User, device: PushDevice) -> PushDelivery:
    """Return a message to the person that waits for the device."""
    message = PushMessage.objects.create(
        user=user, kind="announcements", title="Yours", body="", dedupe_key=str(uuid4()), created_at=NOW
    )
    return PushDelivery.objects.create(message=message, device=device, created_at=NOW)


def test_a_known_token_moves_to_who_registers_it(client: Client) -> None:
    """REQ NO-04: one installation is one person's: 200; what waited for its former owner is not read on it."""
    former, new, token = make_user(), make_user(), fcm_token()
    device = make_device(
        former, token=token, is_active=False, disabled_reason="gone", disabled_at=NOW, failure_count=4,
        failing_since=NOW, last_error="UNREGISTERED",
    )  # fmt: skip
    waiting = written_to(former, device)
    answer = client.post(URL, phone(token), content_type="application/json", headers=bearer(new))
    assert (answer.status_code, answer.json()["id"]) == (200, str(device.pk))
    row = PushDevice.objects.get()
    assert (row.user, row.is_active, row.disabled_reason, row.disabled_at) == (new, True, "", None)
    assert (row.failure_count, row.failing_since, row.last_error) == (0, None, "")
    assert deliver(waiting.pk, is_last_attempt=False, now=NOW) is None
    waiting.refresh_from_db()
    assert (waiting.sent_at, waiting.attempts, waiting.last_error) == (None, 0, DEVICE_OFF)
    assert not devices_of(former).exists()
    with pytest.raises(NotFound):
        unregister_device(former, device.pk, now=NOW)


def test_registering_again_keeps_what_waits_for_the_person() -> None:
    """REQ NO-04: the app says it is there at each start; that takes nothing away, and it is not a second device."""
    user, token = make_user(), fcm_token()
    device = make_device(user, token=token)
    waiting = written_to(user, device)
    later = NOW + timedelta(days=1)
    found, is_new = register_device(user, NewDevice(**phone(token)), now=later)
    assert (found.pk, is_new, found.last_seen_at) == (device.pk, False, later)
    waiting.refresh_from_db()
    assert (waiting.device, waiting.status) == (device, "queued")


def test_what_was_taken_off_comes_back_when_asked_for_alone(client: Client) -> None:
    """REQ NO-04: an app that registers by itself names its device: removed, or forgotten since, it stays off."""
    user, token = make_user(), fcm_token()
    device = make_device(user, token=token)
    unregister_device(user, device.pk, now=NOW)
    off = PushDevice.objects.values().get()
    for named in (device.pk, uuid4()):
        again = phone(token, device=str(named))
        answer = client.post(URL, again, content_type="application/json", headers=bearer(user))
        assert (answer.status_code, answer.json()["code"]) == (409, "device_removed")
    assert PushDevice.objects.values().get() == off
    answer = client.post(URL, phone(token), content_type="application/json", headers=bearer(user))
    assert (answer.status_code, answer.json()["id"]) == (200, str(device.pk))
    assert PushDevice.objects.get().is_active


@pytest.mark.parametrize("reason", ["", devices.BY_STAFF, "It was not seen for 30 days"])
def test_what_its_person_did_not_take_off_comes_back_by_itself(reason: str) -> None:
    """REQ NO-04: a browser that was away, or whose subscription is another by now, says that it is there."""
    user = make_user()
    device = make_device(
        user, is_active=not reason, disabled_reason=reason, disabled_at=NOW if reason else None
    )
    for token in (device.token, fcm_token()):
        found, _ = register_device(user, NewDevice(**phone(token), device=device.pk), now=NOW)
        assert found.is_active


def test_anothers_device_is_taken_over_though_they_took_it_off() -> None:
    """REQ NO-04: who registers it now reads what comes there, so nobody else's messages do."""
    former, new = make_user(), make_user()
    device = make_device(former)
    unregister_device(former, device.pk, now=NOW)
    found, _ = register_device(new, NewDevice(**phone(device.token), device=device.pk), now=NOW)
    assert (found.pk, found.user, found.is_active) == (device.pk, new, True)


def test_a_token_under_another_name_of_its_app_is_one_device() -> None:
    """REQ NO-04: an update that names its app leaves nothing to its former owner, nor two copies to its own."""
    former, new, token = make_user(), make_user(), fcm_token()
    old, other = make_device(former, token=token), make_device(former)
    waiting = written_to(former, old)
    found, is_new = register_device(new, NewDevice(**phone(token, app="visitor")), now=NOW)
    assert (is_new, set(devices_of(new)), set(devices_of(former))) == (True, {found}, {other})
    old.refresh_from_db()
    assert (old.is_active, old.disabled_reason, old.disabled_at) == (False, devices.REGISTERED_AGAIN, NOW)
    assert deliver(waiting.pk, is_last_attempt=False, now=NOW) is None
    waiting.refresh_from_db()
    assert (waiting.sent_at, waiting.last_error) == (None, DEVICE_OFF)
    register_device(new, NewDevice(**phone(token)), now=NOW)
    assert [one.app for one in devices_of(new)] == [""]


def test_a_person_has_so_many_devices(settings: Settings) -> None:
    """REQ NO-04: one too many is refused and nothing changes; a known one, and one instead of another, is none more."""
    settings.PUSH_DEVICES_PER_PERSON = 2
    user = make_user()
    first, second = make_device(user), make_device(user)
    with pytest.raises(DeviceLimit):
        register_device(user, NewDevice(**phone()), now=NOW)
    assert set(devices_of(user)) == {first, second}
    register_device(user, NewDevice(**phone(first.token)), now=NOW)
    unregister_device(user, second.pk, now=NOW)
    register_device(user, NewDevice(**phone()), now=NOW)
    assert devices_of(user).count() == 2


def test_registering_is_limited(settings: Settings) -> None:
    """REQ NO-04: a person who registers without an end is asked to wait; others are not."""
    settings.PUSH_REGISTER_RATE_LIMIT = 2
    user, token = make_user(), fcm_token()
    for _ in range(2):
        register_device(user, NewDevice(**phone(token)), now=NOW)
    with pytest.raises(RateLimited):
        register_device(user, NewDevice(**phone()), now=NOW)
    assert PushDevice.objects.count() == 1
    register_device(make_user(), NewDevice(**phone()), now=NOW)


def test_operators_alone_switch_a_device_off() -> None:
    """REQ NO-04: it takes every organization's messages: no organization's owner may; audited, once."""
    device = make_device(make_user())
    owner, operator = actor_of(make_member("owner")), actor_of(make_superuser())
    with pytest.raises(Forbidden):
        deactivate_device(device.pk, actor=owner, reason="x", now=NOW)
    assert PushDevice.objects.get().is_active
    off = deactivate_device(device.pk, actor=operator, reason="Stolen", now=NOW)
    assert (off.is_active, off.disabled_reason, off.disabled_at) == (False, devices.BY_STAFF, NOW)
    with pytest.raises(DeviceAlreadyOff):
        deactivate_device(device.pk, actor=operator, reason="Stolen", now=NOW)
    assert [(one.action, one.reason) for one in history_of(device)] == [
        ("notifications.deactivate_device", "Stolen")
    ]


def register(user: User, token: str | None = None) -> tuple[PushDevice, bool]:
    return register_device(user, NewDevice(**phone(token)), now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_people_with_one_token_at_once(race: Race) -> None:
    """REQ NO-04: both are told yes, one row is left, and it is one's alone."""
    people, token = [make_user() for _ in range(6)], fcm_token()
    outcomes = race(6, lambda number: register(people[number], token))
    assert all(isinstance(one, tuple) for one in outcomes)
    row = PushDevice.objects.get()
    assert sum(devices_of(one).count() for one in people) == 1
    assert row.user in people


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False])
def test_one_token_under_many_names_at_once(
    race: Race, monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    """REQ NO-04: one row of it is left on; control: without the token's lock nobody sees the others' rows."""
    user, token = make_user(), fcm_token()
    for number in range(4):
        make_device(
            user, token=token, app=f"app {number}", is_active=False, disabled_reason="gone", disabled_at=NOW
        )
    if not is_locked:
        monkeypatch.setattr(devices, "_lock_token", lambda _token: None)
    given = [NewDevice(**phone(token, app=f"app {number}")) for number in range(4)]
    calls = [partial(register_device, make_user(), new, now=NOW) for new in given]
    # They wait for their rows, when they have looked for others that are on.
    outcomes = race.behind(PushDevice.objects.all(), calls)
    assert all(isinstance(one, tuple) for one in outcomes)
    assert PushDevice.objects.filter(is_active=True).count() == (1 if is_locked else 4)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False])
def test_one_person_with_many_devices_at_once(
    race: Race, settings: Settings, monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    """REQ NO-04: of eight at once as many get in as one may have; control: without the person's lock more do."""
    settings.PUSH_DEVICES_PER_PERSON, settings.PUSH_REGISTER_RATE_LIMIT = 2, 100
    user = make_user()
    if not is_locked:
        monkeypatch.setattr(devices, "_lock", lambda _user: None)
    # They wait for the person: with the lock before they count, without it as they commit, when all have counted.
    outcomes = race.behind(User.objects.filter(pk=user.pk), [lambda: register(user)] * 8)
    refused = sum(isinstance(one, DeviceLimit) for one in outcomes)
    assert devices_of(user).count() == 8 - refused
    assert refused == (6 if is_locked else 0)
