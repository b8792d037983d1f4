"""Devices and preferences as staff see them. REQ NO-04, NO-05, EV-03, EV-04."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_member, make_superuser, make_user
from common import audit
from common.audit.models import AuditEntry
from common.types import SYSTEM
from events.models import Registration
from events.tests.factories import make_event
from notifications.kinds import Channel
from notifications.models import MutedBy, NotificationPreferences, PushDevice
from notifications.tests.devices import make_device
from notifications.tests.preferences import mute, muted_of, quiet_at_night

pytestmark = pytest.mark.django_db

SCREENS = (PushDevice, NotificationPreferences)


def address(row: Model | type[Model], page: str = "changelist") -> str:
    """Return the address of a screen, or of a row's page."""
    args = [row.pk] if isinstance(row, Model) else []
    return reverse(f"admin:notifications_{row._meta.model_name}_{page}", args=args)


def act(client: Client, name: str, row: Model) -> Any:
    """Confirm an act."""
    given = {"ids": [str(row.pk)], "confirmed": "1", "reason": "They asked by phone"}
    return client.post(f"{address(type(row))}act/{name}/", given, follow=True)


@pytest.fixture
def guest() -> User:
    """Give somebody with a device and choices, who is registered for an event."""
    guest = make_user("guest@example.test")
    Registration.objects.create(event=make_event(), user=guest, created_at=NOW)
    make_device(guest, token="secret-token:" + "x" * 40 + "SEENEN", last_error="UNAVAILABLE")
    mute(guest, "reports", Channel.EMAIL, by=MutedBy.UNSUBSCRIBE)
    quiet_at_night(guest, "Europe/Berlin")
    return guest


def staff_of(guest: User, role: str = "staff") -> User:
    """Return a member of the organization whose event the guest belongs to."""
    return make_member(role, organization=guest.registrations.get().event.organization)


def rows_of(guest: User) -> list[Model]:
    """Return what there is of a person."""
    return [guest.push_devices.get(), guest.notification_preferences]


def test_staff_see_people_of_their_events(client: Client, guest: User) -> None:
    """Why nothing arrives can be told at the desk: device, last error, choices; the token only by its end."""
    client.force_login(staff_of(guest))
    device, chosen = rows_of(guest)
    shown = (
        client.get(address(PushDevice)).content.decode()
        + client.get(address(device, "change")).content.decode()
    )
    for word in ("guest@example.test", "•••SEENEN", "UNAVAILABLE", "FCM"):
        assert word in shown
    assert "secret-token" not in shown
    listed = client.get(address(NotificationPreferences)).content.decode()
    assert "Scheduled reports by e-mail" in listed
    page = client.get(address(chosen, "change")).content.decode()
    assert "Scheduled reports by e-mail: switched off by a link to unsubscribe" in page
    assert "22:00 to 07:00, Europe/Berlin" in page


@pytest.mark.parametrize("role", ["owner", "staff", "analyst"])
def test_another_organization_sees_nobody(client: Client, guest: User, role: str) -> None:
    """A person is there for those whose event they belong to: lists are empty, pages and acts find nothing."""
    client.force_login(make_member(role))
    for row in rows_of(guest):
        assert b"guest@example.test" not in client.get(address(type(row))).content
        for page in ("change", "history"):
            answer = client.get(address(row, page))
            assert answer.status_code in {302, 403, 404}
            assert b"guest@example.test" not in answer.content
    device, chosen = rows_of(guest)
    for name, row in (("deactivate", device), ("test_push", device), ("reset", chosen)):
        assert act(client, name, row).status_code in {403, 404}
    _is_untouched(guest)


def test_staff_change_nothing_of_a_person(client: Client, guest: User) -> None:
    """Devices and choices are a person's towards every organization: staff are offered no such act, and refused."""
    client.force_login(staff_of(guest, "owner"))
    device, chosen = rows_of(guest)
    for row, name, label in ((device, "deactivate", "Deactivate"), (chosen, "reset", "Reset")):
        assert f"act/{name}/" not in client.get(address(row, "change")).content.decode()
        assert f'value="{name}"' not in client.get(address(type(row))).content.decode()
        answer = act(client, name, row)
        assert "Your role does not allow this" in answer.content.decode(), label
        assert client.get(reverse(f"admin:notifications_{row._meta.model_name}_add")).status_code == 403
        assert client.post(address(row, "delete"), {"post": "yes"}).status_code == 403
    _is_untouched(guest)


def _is_untouched(guest: User) -> None:
    assert guest.push_devices.get().is_active
    assert muted_of(guest) == {("reports", "email")}
    assert not AuditEntry.objects.exists()


def test_operators_act_with_a_reason(client: Client, guest: User) -> None:
    """Audited, and once: a device that is off is offered nothing more."""
    client.force_login(make_superuser())
    device, chosen = rows_of(guest)
    assert "Switched off." in act(client, "deactivate", device).content.decode()
    assert "Everything comes again." in act(client, "reset", chosen).content.decode()
    assert not guest.push_devices.get().is_active
    assert muted_of(guest) == set()
    assert sorted(AuditEntry.objects.values_list("action", "reason")) == [
        ("notifications.deactivate_device", "They asked by phone"),
        ("notifications.reset_preferences", "They asked by phone"),
    ]
    assert "act/deactivate/" not in client.get(address(device, "change")).content.decode()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_page_of_people_costs_a_fixed_number_of_queries(client: Client, screen: type[Model]) -> None:
    """REQ EV-04: as many for one person as for several."""
    client.force_login(make_superuser())
    spent = []
    for people in (1, 4):
        for number in range(people):
            user = make_user()
            make_device(user, now=NOW + timedelta(minutes=number))
            mute(user, "reports", Channel.EMAIL)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address(screen)).status_code == 200
        spent.append(len(queries))
    assert spent[0] == spent[1]


def test_a_history_tells_what_ones_own_organization_did(client: Client, guest: User) -> None:
    """A guest of two: neither reads who of the other, or of the house, did what and why; operators read all. EV-04."""
    rival = make_event()
    Registration.objects.create(event=rival, user=guest, created_at=NOW)
    device, chosen = rows_of(guest)
    mine, theirs = staff_of_event(guest, 0), staff_of_event(guest, 1)
    for actor, event, reason in (
        (mine, 0, "ours-to-know"),
        (theirs, 1, "theirs-to-know"),
        (None, None, "house-only"),
    ):
        for row in (device, chosen):
            audit.record(
                actor=SYSTEM if actor is None else actor_of(actor),
                action="notifications.send_test_push",
                subject=row,
                organization_id=None if event is None else organizations_of(guest)[event],
                reason=reason,
                now=NOW,
            )
    for who, told in (
        (mine, {"ours-to-know"}),
        (theirs, {"theirs-to-know"}),
        (make_superuser(), {"ours-to-know", "theirs-to-know", "house-only"}),
    ):
        client.force_login(who)
        for row in (device, chosen):
            page = client.get(address(row, "history")).content.decode()
            assert {one for one in ("ours-to-know", "theirs-to-know", "house-only") if one in page} == told
            other = theirs if who == mine else mine
            assert who.is_superuser or other.email not in page


def organizations_of(guest: User) -> list[UUID]:
    """Return the organizations whose events the guest belongs to, the first registration first."""
    return list(guest.registrations.order_by("id").values_list("event__organization_id", flat=True))


def staff_of_event(guest: User, number: int) -> User:
    """Return a member of the organization of the guest's n-th event."""
    return make_member("staff", organization=Organization.objects.get(pk=organizations_of(guest)[number]))
