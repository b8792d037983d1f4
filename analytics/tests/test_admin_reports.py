"""The staff's screens of scheduled reports: schedule, pause, run now, read the history, each by its role."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from analytics.models import DeliveryOutcome, ReportDelivery, ReportRun, ScheduledReport
from analytics.services.reports.building import mark_failed
from analytics.services.reports.due import start_due
from analytics.tests.reports import make_report, member
from common import clock
from common.audit.models import AuditEntry
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LIST = "/admin/analytics/scheduledreport/"
NEW = {
    "name": "For the board", "cadence": "weekly", "weekday": "0", "day_of_month": "", "local_time": "08:00",
    "formats": ["csv", "pdf"],
}  # fmt: skip


@pytest.fixture
def event() -> Event:
    """Give an event in Berlin."""
    return make_event(time_zone="Europe/Berlin", title="Conf")


def enter(client: Client, event: Event, role: str = "staff") -> User:
    """Sign a member of the event's organization in."""
    person = member(event, role)
    client.force_login(person)
    return person


def do(client: Client, name: str, report: ScheduledReport, reason: str = "Because") -> Any:
    """Confirm an act."""
    return client.post(f"{LIST}act/{name}/", {"ids": [str(report.pk)], "confirmed": "1", "reason": reason})


def page_of(client: Client, report: ScheduledReport, **query: Any) -> str:
    """Return the report's page."""
    answer = client.get(f"{LIST}{report.pk}/change/", query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_report_is_scheduled_and_changed(client: Client, event: Event) -> None:
    """REQ AN-07: by the event's clocks, to its organization's people; the next run stands there."""
    staff, reader = enter(client, event), member(event)
    page = client.get(f"{LIST}add/").content.decode()
    assert ("Europe/Berlin" in page, reader.email in page) == (True, True)
    people = [str(staff.pk), str(reader.pk)]
    assert client.post(f"{LIST}add/", {**NEW, "recipient_ids": people}).status_code == 302
    report = ScheduledReport.objects.get()
    assert report.next_run_at is not None
    local = report.next_run_at.astimezone(event.zone)
    assert (report.event, f"{local:%a %H:%M}", report.created_by) == (event, "Mon 08:00", staff)
    assert list(report.recipients.values_list("user_id", flat=True).order_by("user__email")) == sorted(
        [staff.pk, reader.pk], key=lambda pk: staff.email if pk == staff.pk else reader.email
    )
    page = page_of(client, report)
    assert f"{local:%H:%M} CE" in page
    assert "Nothing yet" in page
    change = {**NEW, "cadence": "monthly", "day_of_month": "31", "recipient_ids": people[:1]}
    assert client.post(f"{LIST}{report.pk}/change/", change).status_code == 302
    report.refresh_from_db()
    assert (report.weekday, report.day_of_month, report.recipients.count()) == (None, 31, 1)
    assert "Day 31 or the last of the month, 08:00 Europe/Berlin" in client.get(LIST).content.decode()


def test_who_was_overtaken_looks_again_and_decides(client: Client, event: Event) -> None:
    """REQ AN-07, EV-04: a colleague's change is not undone by an old page; the page that tells of it can be saved."""
    staff = enter(client, event)
    given = {**NEW, "recipient_ids": [str(staff.pk)]}
    client.post(f"{LIST}add/", given)
    report = ScheduledReport.objects.get()
    shown = re.compile(r'name="_shown" value="([^"]*)"')
    old = shown.findall(page_of(client, report))[0]
    client.post(f"{LIST}{report.pk}/change/", {**given, "name": "Theirs"})
    mine = {**given, "name": "Mine", "weekday": "2"}
    refused = client.post(f"{LIST}{report.pk}/change/", {**mine, "_shown": old}).content.decode()
    assert "it is “Theirs” now" in refused
    report.refresh_from_db()
    assert (report.name, report.weekday) == ("Theirs", 0)
    told = {**mine, "_shown": shown.findall(refused)[0]}
    assert client.post(f"{LIST}{report.pk}/change/", told).status_code == 302
    report.refresh_from_db()
    assert (report.name, report.weekday) == ("Mine", 2)


def test_what_is_wrong_is_told_at_its_field(client: Client, event: Event) -> None:
    """REQ AN-07: rules are the service's; nobody outside of the organization can be chosen; nothing is written."""
    staff = enter(client, event)
    fine = {**NEW, "recipient_ids": [str(staff.pk)]}
    for wrong, words in (
        ({"weekday": ""}, "Choose a day of the week."),
        ({"cadence": "monthly"}, "Give a day from 1 to 31"),
        ({"formats": []}, "This field is required."),
        ({"local_time": "25:00"}, "Enter a valid time."),
        ({"recipient_ids": [str(member(make_event()).pk)]}, "Select a valid choice."),
    ):
        answer = client.post(f"{LIST}add/", {**fine, **wrong})
        assert answer.status_code == 200
        assert words in answer.content.decode(), wrong
    assert not ScheduledReport.objects.exists()


def test_of_several_events_one_is_chosen_first(client: Client, event: Event) -> None:
    """REQ AN-07: whose clocks and whose people; another organization's event is not there."""
    enter(client, event)
    other = make_event(organization=event.organization, title="Second")
    page = client.get(f"{LIST}add/").content.decode()
    assert "Which event is the report of?" in page
    assert str(other.pk) in page
    assert client.get(f"{LIST}add/", {"event": str(other.pk)}).status_code == 200
    for wrong in (str(make_event().pk), "x"):
        assert client.get(f"{LIST}add/", {"event": wrong}).status_code == 404


def test_staff_act_with_a_reason(client: Client, event: Event) -> None:
    """REQ AN-07, EV-04: pause, resume, run now and archive by POST, each in the history; analysts only look."""
    report = make_report(event, now=clock.now())
    enter(client, event, "analyst")
    page = page_of(client, report)
    assert ("act/pause/" in page, "act/run_now/" in page, 'name="name"' in page) == (False, False, False)
    assert do(client, "pause", report).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    enter(client, event)
    page = page_of(client, report)
    assert ("act/pause/" in page, "act/resume/" in page, "act/leave/" in page) == (True, False, False)
    assert client.get(f"{LIST}act/run_now/", {"ids": str(report.pk)}).status_code == 200
    assert not ReportRun.objects.exists(), "a look is no act"
    for name in ("run_now", "pause", "resume", "archive"):
        assert do(client, name, report, f"Why {name}").status_code == 302, name
    report.refresh_from_db()
    assert (report.is_archived, report.runs.get().kind) == (True, "run_now")
    told = (
        AuditEntry.objects.filter(subject_id=str(report.pk)).order_by("id").values_list("reason", flat=True)
    )
    assert list(told) == ["", "Why run_now", "Why pause", "Why resume", "Why archive"]
    page = page_of(client, report)
    assert ("act/pause/" in page, "act/run_now/" in page, 'name="name"' in page) == (False, False, False)


def test_a_second_click_says_that_nothing_was_begun(client: Client, event: Event) -> None:
    """REQ AN-07: asked for twice it is made once, and whoever asked again is told so."""
    enter(client, event)
    report = make_report(event, now=clock.now())
    for words in ("It is being made, for ", "nothing new was begun"):
        do(client, "run_now", report)
        assert words in page_of(client, report)
    assert report.runs.count() == 1


def test_who_gets_it_takes_oneself_off(client: Client, event: Event) -> None:
    """REQ AN-07, NO-05: an analyst needs nobody for that."""
    reader = enter(client, event, "analyst")
    report = make_report(event, reader, member(event), now=clock.now())
    assert "act/leave/" in page_of(client, report)
    assert do(client, "leave", report).status_code == 302
    assert not report.recipients.filter(user=reader).exists()
    assert "act/leave/" not in page_of(client, report)


def test_the_history_tells_each_time_and_each_person(client: Client, event: Event) -> None:
    """REQ AN-07: 25 a page, the newest first; a failed one is made again from there, with a reason."""
    now = clock.now()
    report = make_report(event, now=now)
    assert report.next_run_at is not None
    for day in range(27):
        start_due(now=report.next_run_at + day * DAY)
    newest = report.runs.latest("due_at")
    mark_failed(newest.pk, "OSError: no space left", now=now)
    gone = member(event)
    ReportDelivery.objects.create(
        run=newest, user=gone, address=gone.email, outcome=DeliveryOutcome.LOST_ROLE
    )
    enter(client, event)
    page = page_of(client, report)
    for words in ("1–25 of 27", "OSError: no space left", f"{gone.email}: May not see analytics any more"):
        assert words in page
    assert "26–27 of 27" in page_of(client, report, p=2)
    again = f"{LIST}{report.pk}/runs/{newest.pk}/retry/"
    assert again in page
    assert client.get(again).status_code == 200
    client.post(again, {"reason": ""})
    newest.refresh_from_db()
    assert newest.state == "failed"
    client.post(again, {"reason": "There is room"})
    newest.refresh_from_db()
    assert newest.state == "pending"
    assert AuditEntry.objects.get(action="analytics.retry_report").reason == "There is room"
    enter(client, event, "analyst")
    assert client.post(again, {"reason": "Me too"}).status_code == 403


def test_nothing_of_others_is_seen(client: Client, event: Event) -> None:
    """REQ EV-03: other organizations' reports are not there, on the list, their pages and their acts."""
    theirs = make_report(make_event(), name="Rival figures", now=clock.now())
    enter(client, event, "owner")
    assert "Rival figures" not in client.get(LIST).content.decode()
    assert client.get(f"{LIST}{theirs.pk}/change/").status_code in {302, 404}
    assert do(client, "run_now", theirs).status_code == 404
    run = ReportRun.objects.create(
        report=theirs, kind="run_now", due_at=clock.now(), local_day=clock.now().date(), first="2026-01-01",
        last="2026-01-01", created_at=clock.now(), state="failed", finished_at=clock.now(),
    )  # fmt: skip
    assert client.post(f"{LIST}{theirs.pk}/runs/{run.pk}/retry/", {"reason": "x"}).status_code == 404
    run.refresh_from_db()
    assert run.state == "failed"


def test_the_list_and_the_page_cost_a_fixed_number_of_queries(client: Client, event: Event) -> None:
    """REQ AN-07: however many reports, times and people."""
    enter(client, event)
    now = clock.now()
    report = make_report(event, member(event), member(event), now=now)
    client.get(LIST)  # what is cached for the process is cached now
    page_of(client, report)
    costs = []
    for more in (1, 2):
        make_report(event, now=now, name=f"Other {more}")
        start_due(now=now + more * 2 * DAY)
        for run in report.runs.all():
            for _ in range(2):
                gone = member(event)
                ReportDelivery.objects.create(run=run, user=gone, address=gone.email, outcome="inactive")
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
            page_of(client, report)
        costs.append(len(queries))
    assert costs[0] == costs[1]
