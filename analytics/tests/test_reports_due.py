"""What begins when: once, whoever looks at the clock; what was missed, paused, moved and over."""

import threading
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts.tests.factories import make_member
from analytics.models import ReportRun, ScheduledReport
from analytics.services.reports import due as reports_due
from analytics.services.reports.asking import run_now
from analytics.services.reports.defining import pause_report, resume_report, update_report
from analytics.services.reports.due import start_due
from analytics.tests.reports import given, make_report, runs
from common.errors import Conflict
from common.models import Job
from common.types import SYSTEM
from config.local_stack.testing.race import Race
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

# A Friday in Berlin, 12:00 there.
NOW = datetime(2096, 10, 19, 10, tzinfo=UTC)
ENDS = datetime(2097, 6, 1, 12, tzinfo=UTC)


def berlin(**fields: Any) -> Event:
    """Create an event of Berlin that goes on for long."""
    return make_event(**{"time_zone": "Europe/Berlin", "starts_at": NOW, "ends_at": ENDS, **fields})


def at(day: int, hour: int, minute: int = 0, month: int = 10) -> datetime:
    return datetime(2096, month, day, hour, minute, tzinfo=UTC)


def test_a_report_begins_once_when_its_local_time_comes() -> None:
    """REQ AN-07, AN-11: 08:00 at the event, in summer 06:00 and in winter 07:00 UTC; a job for each run."""
    report = make_report(berlin(), now=NOW)
    assert report.next_run_at == at(20, 6)
    assert start_due(now=at(20, 5, 59)).begun == 0
    assert [start_due(now=at(20, 6)).begun for _ in range(3)] == [1, 0, 0]
    run = ReportRun.objects.get()
    assert (run.kind, run.state, run.due_at, str(run.first)) == (
        "scheduled",
        "pending",
        at(20, 6),
        "2096-10-19",
    )
    job = Job.objects.get()
    assert (job.kind, job.lane, job.payload) == ("analytics.build_report", "bulk", {"run_id": str(run.pk)})
    assert job.organization_id == report.event.organization_id
    for day in range(21, 29):
        start_due(now=at(day, 12))
    report.refresh_from_db()
    # The clocks went back on the 28th.
    assert report.next_run_at == at(29, 7)
    assert ReportRun.objects.count() == 9


def test_clocks_that_show_a_time_twice_run_it_once() -> None:
    """REQ AN-11: 02:30 on the day the clocks go back; looked at each half hour of that night."""
    report = make_report(berlin(), now=at(27, 12), at=time(2, 30))
    begun = [start_due(now=at(27, 22) + timedelta(minutes=30 * step)).begun for step in range(12)]
    assert sum(begun) == 1
    assert ReportRun.objects.get().due_at == at(28, 0, 30)
    report.refresh_from_db()
    assert report.next_run_at == at(29, 1, 30)


def test_of_several_that_were_missed_the_newest_is_made() -> None:
    """REQ AN-07: after an outage one catch-up; the older ones are told as skipped, not sent."""
    report = make_report(berlin(), now=NOW)
    assert start_due(now=at(24, 3)).begun == 1
    assert runs(report) == [
        ("scheduled", "skipped", "2096-10-19"),
        ("scheduled", "skipped", "2096-10-20"),
        ("scheduled", "skipped", "2096-10-21"),
        ("scheduled", "pending", "2096-10-22"),
    ]
    assert Job.objects.count() == 1
    assert start_due(now=at(24, 3)).begun == 0
    report.refresh_from_db()
    assert report.next_run_at == at(24, 6)


def test_after_a_long_outage_the_history_stays_short() -> None:
    """REQ AN-07: a season away is 31 lines, which say how many there were before."""
    report = make_report(berlin(), now=NOW)
    start_due(now=NOW + timedelta(days=100))
    told = list(report.runs.filter(state="skipped").order_by("due_at").values_list("note", flat=True))
    assert len(told) == 31
    assert told[0].endswith("68 before it as well.")
    assert told[1].endswith("was sent.")


def test_what_lies_in_a_pause_is_not_sent() -> None:
    """REQ AN-07: neither while it is paused nor after it goes on; what is still ahead is."""
    report = make_report(berlin(), now=NOW)
    pause_report(actor=SYSTEM, report_id=report.pk, now=at(20, 5))
    assert start_due(now=at(22, 12)).begun == 0
    with pytest.raises(Conflict):
        pause_report(actor=SYSTEM, report_id=report.pk, now=at(20, 5))
    resumed = resume_report(actor=SYSTEM, report_id=report.pk, now=at(22, 12))
    assert (resumed.next_run_at, start_due(now=at(22, 13)).begun) == (at(23, 6), 0)
    with pytest.raises(Conflict):
        resume_report(actor=SYSTEM, report_id=report.pk, now=at(22, 12))
    pause_report(actor=SYSTEM, report_id=report.pk, now=at(23, 4))
    assert resume_report(actor=SYSTEM, report_id=report.pk, now=at(23, 5)).next_run_at == at(23, 6)


def test_another_time_of_day_sends_no_second_one_that_day() -> None:
    """REQ AN-11: changed after it went out, from 08:00 to 18:00, it goes out again tomorrow."""
    person = make_member("analyst")
    event = berlin(organization=person.memberships.get().organization)
    report = make_report(event, person, now=NOW)
    start_due(now=at(20, 6))
    changed = update_report(
        actor=SYSTEM, report_id=report.pk, given=given(person, at=time(18)), now=at(20, 7)
    )
    assert changed.next_run_at == at(21, 16)
    renamed = update_report(
        actor=SYSTEM, report_id=report.pk, given=given(person, at=time(18), name="Other"), now=at(21, 17)
    )
    assert renamed.next_run_at == at(21, 16), "a new name is no new plan: what is due stays due"


@pytest.mark.parametrize(
    ("zone", "expected"), [("America/New_York", (21, 12)), ("Pacific/Auckland", (20, 19))]
)
def test_it_follows_the_events_time_zone(zone: str, expected: tuple[int, int]) -> None:
    """REQ AN-11: 08:00 there, from the next look on; and no local day has two."""
    event = berlin()
    report = make_report(event, now=NOW)
    start_due(now=at(20, 6))
    Event.objects.filter(pk=event.pk).update(time_zone=zone)
    assert start_due(now=at(20, 7)).replanned == 1
    report.refresh_from_db()
    assert (report.next_run_at, report.planned_zone) == (at(*expected), zone)
    assert start_due(now=at(20, 7)).replanned == 0
    assert report.runs.count() == 1


def test_it_ends_with_its_event_and_goes_on_with_it() -> None:
    """REQ AN-07: a daily one ends 7 days after the event; an event that is prolonged has it again, from then on."""
    event = berlin(ends_at=at(21, 12))
    report = make_report(event, now=NOW)
    for day in range(20, 32):
        start_due(now=at(day, 12))
    report.refresh_from_db()
    assert (report.next_run_at, report.runs.count()) == (None, 9)
    Event.objects.filter(pk=event.pk).update(ends_at=ENDS)
    start_due(now=at(5, 12, month=11))
    report.refresh_from_db()
    assert (report.next_run_at, report.runs.count()) == (at(6, 7, month=11), 9)


def test_one_that_fails_holds_up_no_other() -> None:
    """REQ AN-07: a report that cannot be begun is logged, and tried again at the next look; the others begin."""
    event = berlin()
    broken, fine = make_report(event, now=NOW), make_report(event, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.report_id = '{broken.pk}' THEN RAISE EXCEPTION 'disk full'; END IF; RETURN NEW; END $$; "
            "CREATE TRIGGER refuse BEFORE INSERT ON analytics_reportrun FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    assert start_due(now=at(20, 6)).begun == 1
    assert (fine.runs.count(), broken.runs.count()) == (1, 0)
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON analytics_reportrun; DROP FUNCTION refuse()")
    assert start_due(now=at(20, 7)).begun == 1


def unlocked(rows: QuerySet[ScheduledReport], **_: Any) -> QuerySet[ScheduledReport]:
    """Stand where ``select_for_update`` stood: nobody waits, nobody steps back."""
    return rows


def meeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the report's lock off, and let two schedulers meet between their look and their writing."""
    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
    both, due = threading.Barrier(2, timeout=20), reports_due._due

    def wait(report: ScheduledReport, *, now: datetime) -> Any:
        both.wait()
        return due(report, now=now)

    monkeypatch.setattr(reports_due, "_due", wait)


@pytest.mark.django_db(transaction=True)
def test_eight_schedulers_begin_each_report_once(race: Race) -> None:
    """REQ AN-11: eight look at the same moment, at three reports: three runs, three jobs."""
    event = berlin()
    for _ in range(3):
        make_report(event, now=NOW)
    begun = race(8, lambda _: start_due(now=at(20, 6)).begun)
    assert (sum(begun), ReportRun.objects.count(), Job.objects.count()) == (3, 3, 3)  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_constraint_still_holds(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-11: two that meet with the lock off: the database has one run of that day, and one job."""
    make_report(berlin(), now=NOW)
    meeting(monkeypatch)
    begun = race(2, lambda _: start_due(now=at(20, 6)).begun)
    assert (sorted(begun), ReportRun.objects.count(), Job.objects.count()) == ([0, 1], 1, 1)  # type: ignore[type-var]


@pytest.mark.django_db(transaction=True)
def test_control_without_lock_and_constraint_it_begins_twice(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control of the two above: with both off the report would go out twice."""
    make_report(berlin(), now=NOW)
    meeting(monkeypatch)
    constraints = [one for one in ReportRun._meta.constraints if "once" in one.name]
    with connection.schema_editor() as editor:
        for one in constraints:
            editor.remove_constraint(ReportRun, one)
    try:
        race(2, lambda _: start_due(now=at(20, 6)).begun)
        assert (ReportRun.objects.count(), Job.objects.count()) == (2, 2)
    finally:
        ReportRun.objects.all().delete()
        with connection.schema_editor() as editor:
            for one in constraints:
                editor.add_constraint(ReportRun, one)


@pytest.mark.django_db(transaction=True)
def test_four_clicks_at_once_make_one_run(race: Race) -> None:
    """REQ AN-07: the report's lock lets one ask, and gives the others its run."""
    report = make_report(berlin(), now=NOW)
    asked = race(4, lambda _: run_now(actor=SYSTEM, report_id=report.pk, now=NOW).pk)
    assert (len(set(asked)), report.runs.count(), Job.objects.count()) == (1, 1, 1)
