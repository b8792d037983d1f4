"""REQ EV-04: the admin shows and changes only what a member's roles reach, and every change is in the
history."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, User
from accounts.tests.factories import make_member, make_membership, make_organization, make_superuser
from common.audit.models import AuditEntry
from events.models import Event, Session
from events.tests.factories import make_attendance, make_session

pytestmark = pytest.mark.django_db

FORM = {
    "slug": "new", "title": "New", "description": "", "time_zone": "Europe/Berlin", "currency": "EUR",
    "visibility": "public", "starts_at_0": "2026-12-01", "starts_at_1": "10:00", "ends_at_0": "2026-12-02",
    "ends_at_1": "10:00",
}  # fmt: skip


def enter(client: Client, user: User) -> Client:
    """Sign in to the admin."""
    client.force_login(user)
    return client


def test_lists_and_pages_end_at_the_organization(client: Client) -> None:
    """REQ EV-04: a member sees their rows alone; another organization's page is not there; operators see
    all."""
    mine, theirs = make_session(), make_session()
    enter(client, make_member("staff", organization=mine.event.organization))
    for model, own, other in (("event", mine.event, theirs.event), ("session", mine, theirs)):
        page = client.get(f"/admin/events/{model}/").content.decode()
        assert own.title in page
        assert other.title not in page
        assert client.get(f"/admin/events/{model}/{own.pk}/change/").status_code == 200
        assert client.get(f"/admin/events/{model}/{own.pk}/history/").status_code == 200
        assert client.get(f"/admin/events/{model}/{other.pk}/change/").status_code == 302
    assert client.get("/admin/accounts/user/").status_code == 403
    enter(client, make_superuser())
    assert theirs.title in client.get("/admin/events/session/").content.decode()


def test_saving_is_scoped_validated_and_audited(client: Client) -> None:
    """REQ EV-04: a foreign organization in the form and a bad value are refused; a good one is in the
    history."""
    organization, foreign = make_organization(), make_organization()
    enter(client, make_member("staff", organization=organization))
    for wrong in ({"organization": foreign.pk}, {"time_zone": "Mars/Base"}, {"ends_at_0": "2026-11-30"}):
        answer = client.post("/admin/events/event/add/", {"organization": organization.pk, **FORM, **wrong})
        assert answer.status_code == 200
        assert (Event.objects.count(), AuditEntry.objects.count()) == (0, 0)
    answer = client.post("/admin/events/event/add/", {"organization": organization.pk, **FORM})
    assert answer.status_code == 302
    assert Event.objects.get().organization == organization
    assert AuditEntry.objects.get().action == "events.create_event"


def test_times_are_those_of_the_events_place(client: Client) -> None:
    """REQ EV-01: ten o'clock in a form is ten o'clock where the event is, and is shown so again, with its zone."""
    organization = make_organization()
    enter(client, make_member("staff", organization=organization))
    client.post("/admin/events/event/add/", {"organization": organization.pk, **FORM})
    event = Event.objects.get()
    assert event.starts_at.isoformat() == "2026-12-01T09:00:00+00:00"
    page = client.get(f"/admin/events/event/{event.pk}/change/").content.decode()
    assert 'value="10:00:00"' in page
    assert "As clocks at the event say: Europe/Berlin." in page
    assert "1 Dec 2026, 10:00 CET" in client.get("/admin/events/event/").content.decode()
    form = {
        "event": event.pk, "slug": "talk", "title": "Talk", "description": "", "starts_at_0": "2026-12-01",
        "starts_at_1": "11:00", "ends_at_0": "2026-12-01", "ends_at_1": "12:00", "maximum_capacity": "",
    }  # fmt: skip
    client.post("/admin/events/session/add/", form)
    assert Session.objects.get().starts_at.isoformat() == "2026-12-01T10:00:00+00:00"
    assert "1 Dec 2026, 11:00 CET" in client.get("/admin/events/session/").content.decode()


def test_analyst_reads_only(client: Client) -> None:
    """REQ EV-04: an analyst sees a session and can neither save it nor act on it."""
    session = make_session(capacity=3)
    enter(client, make_member("analyst", organization=session.event.organization))
    assert client.get(f"/admin/events/session/{session.pk}/change/").status_code == 200
    assert client.post(f"/admin/events/session/{session.pk}/change/", {"title": "x"}).status_code == 403
    url = "/admin/events/session/act/change_capacity/"
    data = {"ids": [session.pk], "reason": "r", "maximum_capacity": 9, "confirmed": "1"}
    assert client.post(url, data).status_code == 403
    assert Session.objects.get().maximum_capacity == 3


def test_act_asks_first_and_answers_per_row(client: Client) -> None:
    """REQ EV-04: an act needs a POST and a reason, reaches own rows alone, and is audited."""
    mine, theirs = make_session(capacity=3), make_session(capacity=3)
    enter(client, make_member("staff", organization=mine.event.organization))
    url = "/admin/events/session/act/change_capacity/"
    assert client.get(url, {"ids": mine.pk}).status_code == 200
    assert client.get(url, {"ids": theirs.pk}).status_code == 404
    data = {"ids": [mine.pk, theirs.pk], "maximum_capacity": 9, "confirmed": "1"}
    assert client.post(url, data).status_code == 200
    assert set(Session.objects.values_list("maximum_capacity", flat=True)) == {3}
    page = client.post(url, {**data, "reason": "bigger room"}, follow=True).content.decode()
    assert "9 seats now." in page
    assert Session.objects.get(pk=theirs.pk).maximum_capacity == 3
    assert Session.objects.get(pk=mine.pk).maximum_capacity == 9
    assert AuditEntry.objects.get().reason == "bigger room"


def test_last_owner_stays(client: Client) -> None:
    """REQ EV-01: removing or demoting the last owner is refused, on the row, and nothing changes."""
    owner = make_membership("owner")
    enter(client, owner.user)
    data = {"ids": [owner.pk], "reason": "bye", "confirmed": "1"}
    page = client.post("/admin/accounts/membership/act/remove/", data).content.decode()
    assert "An organization needs an owner" in page
    answer = client.post(f"/admin/accounts/membership/{owner.pk}/change/", {"role": "staff"})
    assert answer.status_code == 200
    assert Membership.objects.get().role == "owner"


def test_roster_costs_the_same_at_fifty_rows(client: Client) -> None:
    """REQ EV-04: a list's queries do not grow with its rows."""
    session = make_session()
    enter(client, make_member("staff", organization=session.event.organization))
    counts = []
    for rows in (5, 45):
        for _ in range(rows):
            make_attendance(session)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/events/attendance/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
