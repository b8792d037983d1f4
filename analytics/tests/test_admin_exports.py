"""Downloading a report in the admin."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import make_member
from analytics.services import exports
from analytics.tests.factories import make_place
from common import clock
from common.audit.models import AuditEntry
from common.concurrency import take

pytestmark = pytest.mark.django_db


def test_a_report_is_downloaded_from_the_console(client: Client) -> None:
    """REQ AN-06: asked for by a form, sent as a file, and in the event's history."""
    event = make_place().event
    url = reverse("admin:analytics_event_export", args=[event.pk])
    analyst = make_member("analyst", organization=event.organization)
    client.force_login(analyst)
    page = client.get(url)
    assert page.status_code == 200
    assert b'value="xlsx"' in page.content
    today = clock.now().date()
    answer = client.get(url, {"format": "pdf", "date_from": today - timedelta(days=3), "date_to": today})
    assert answer.getvalue().startswith(b"%PDF")
    assert answer["Content-Disposition"].endswith('.pdf"')
    assert AuditEntry.objects.get(action="analytics.export").actor_id == analyst.pk


def test_what_is_no_report_is_said_at_its_field(client: Client) -> None:
    """REQ AN-03: days that are no range and unknown formats; no file, nothing in the history."""
    event = make_place().event
    url = reverse("admin:analytics_event_export", args=[event.pk])
    client.force_login(make_member("analyst", organization=event.organization))
    for asked, said in (
        (
            {"format": "csv", "date_from": "2026-02-02", "date_to": "2026-02-01"},
            "The end has to be the same day as the start",
        ),
        ({"format": "csv", "date_from": "2020-02-02", "date_to": "2026-02-01"}, "At most 365 days"),
        ({"format": "doc"}, "not one of the available choices"),
    ):
        page = client.get(url, asked)
        assert (page.status_code, said in page.content.decode()) == (400, True), said
    assert not AuditEntry.objects.exists()


def test_too_many_at_once_are_told_to_wait(client: Client) -> None:
    """REQ AN-11: the page says so, with 429 and when to come again; no file, nothing in the history."""
    event = make_place().event
    client.force_login(make_member("analyst", organization=event.organization))
    taken = [take(exports._AT_ONCE, str(event.organization_id)) for _ in range(2)]
    url = reverse("admin:analytics_event_export", args=[event.pk])
    page = client.get(url, {"format": "csv"})
    assert (page.status_code, page["Retry-After"]) == (429, "10")
    assert "Too many of these are under way" in page.content.decode()
    assert not AuditEntry.objects.exists()
    taken.pop().leave()
    assert client.get(url, {"format": "csv"}).getvalue().startswith(b"section,")


def test_another_organizations_event_is_not_there(client: Client) -> None:
    """REQ EV-03, EV-04: 404 for others; a scanner does not come in; writing is no way to ask."""
    event = make_place().event
    url = reverse("admin:analytics_event_export", args=[event.pk])
    client.force_login(make_member("owner"))
    assert client.get(url, {"format": "csv"}).status_code == 404
    client.force_login(make_member("scanner", organization=event.organization))
    assert client.get(url, {"format": "csv"}).status_code == 302
    client.force_login(make_member("owner", organization=event.organization))
    assert client.post(url, {"format": "csv"}).status_code == 405
    assert not AuditEntry.objects.exists()
