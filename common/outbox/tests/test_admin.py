"""The console of dead letters: seen by those whose role reaches it, acted on by POST with a reason."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.models import Organization, User
from accounts.tests.factories import make_member, make_organization, make_superuser
from common import clock
from common.audit.models import AuditEntry
from common.outbox.models import Job
from common.outbox.tests.factories import make_dead

pytestmark = pytest.mark.django_db
LIST = reverse("admin:common_deadletter_changelist")
RETRY = reverse("admin:common_deadletter_act", args=["retry"])
DISCARD = reverse("admin:common_deadletter_act", args=["discard"])


@pytest.fixture(autouse=True)
def _kinds(kind: Callable[..., Any]) -> None:
    kind(lambda job: None)
    kind(lambda job: None, name="test.other")


@pytest.fixture
def house() -> Organization:
    """Give an organization."""
    return make_organization(name="Harbour Hall")


def signed_in(user: User) -> Client:
    """Return a browser of the user."""
    client = Client()
    client.force_login(user)
    return client


def staff_of(house: Organization, role: str = "staff") -> Client:
    """Return a browser of a member."""
    return signed_in(make_member(role, organization=house))


def detail(job: Job) -> str:
    """Return the address of a dead letter."""
    return reverse("admin:common_deadletter_change", args=[job.pk])


def dead_in(house: Organization | None, **fields: Any) -> Job:
    """Write a job that died an hour ago."""
    at = clock.now() - timedelta(hours=1)
    return make_dead(organization_id=house.pk if house else None, at=at, **fields)


def test_staff_see_the_errors_in_groups_and_the_jobs(house: Organization) -> None:
    """What died, how often, of what, and whose it is, on one page. REQ OP-03, PA-05."""
    dead_in(house, error="ValueError: order 17 lost")
    dead_in(house, error="ValueError: order 18 lost")
    page = staff_of(house).get(LIST)
    text = page.content.decode()
    assert page.context["error_groups"][0].count == 2
    assert text.count("ValueError: order 18 lost") == 2
    assert "Harbour Hall" in text
    assert "3 of 3" in text


@pytest.mark.parametrize("role", ["analyst", "scanner"])
def test_analysts_and_scanners_have_no_access(house: Organization, role: str) -> None:
    """Whose role does not reach dead letters is turned away from every address. REQ EV-04."""
    job = dead_in(house)
    client = staff_of(house, role)
    for address in (LIST, detail(job), f"{RETRY}?ids={job.pk}", reverse("admin:common_job_changelist")):
        answer = client.get(address)
        assert answer.status_code in {302, 403}
        assert str(job.pk) not in answer.content.decode().replace(f"next={address}", "")
    assert client.post(f"{RETRY}?ids={job.pk}", {"reason": "why"}).status_code in {302, 403}
    assert Job.objects.get().status == "dead"


def test_a_rival_sees_and_changes_nothing(house: Organization) -> None:
    """Another organization's dead letters are not there: not in lists, groups, pages, acts or filters. REQ EV-04."""
    job, nobodys = dead_in(house, error="ValueError: theirs"), dead_in(None, error="ValueError: nobody")
    rival = staff_of(make_organization())
    page = rival.get(LIST).content.decode()
    assert "theirs" not in page
    assert "nobody" not in page
    assert "Harbour Hall" not in page
    for one in (job, nobodys):
        answer = rival.get(detail(one))
        assert answer.status_code == 302
        assert answer["Location"] == reverse("admin:index")
        for address in (f"{RETRY}?ids={one.pk}", f"{DISCARD}?group={one.error_group}", f"{RETRY}?all=1"):
            assert rival.get(address).status_code == 404
            rival.post(address, {"reason": "why"})
        history = rival.get(reverse("admin:common_deadletter_history", args=[one.pk]))
        assert history.status_code == 302
    filtered = rival.get(f"{LIST}?organization={house.pk}")
    assert filtered.context["cl"].result_count == 0
    assert set(Job.objects.values_list("status", flat=True)) == {"dead"}
    assert not AuditEntry.objects.exists()


def test_an_operator_sees_what_belongs_to_nobody(house: Organization) -> None:
    """Jobs without an organization are the operators'. REQ EV-04."""
    dead_in(house)
    dead_in(None)
    assert signed_in(make_superuser()).get(LIST).context["cl"].result_count == 2
    assert staff_of(house).get(LIST).context["cl"].result_count == 1


def test_the_page_of_a_job_shows_all_but_secrets(house: Organization) -> None:
    """Payload, errors and trace id for reading, nothing to edit, secrets masked. REQ PA-05."""
    job = dead_in(house, payload={"order": "o-17", "access_code": "OPEN-SESAME"})
    page = staff_of(house).get(detail(job))
    text = page.content.decode()
    assert "o-17" in text
    assert "OPEN-SESAME" not in text
    assert "trace-1" in text
    assert text.count("ValueError: boom") == 3
    assert 'name="_save"' not in text
    refused = staff_of(house).post(detail(job), {"kind": "test.other"})
    assert refused.status_code == 403
    assert Job.objects.get().kind == "test.job"


@pytest.mark.parametrize(("address", "status"), [(RETRY, "pending"), (DISCARD, "discarded")])
def test_an_act_asks_by_get_and_does_by_post(house: Organization, address: str, status: str) -> None:
    """Looking changes nothing; a POST with a reason acts, tells of each row, and is audited. REQ PA-05, EV-04."""
    jobs = [dead_in(house), dead_in(house)]
    client = staff_of(house)
    target = f"{address}?ids={jobs[0].pk}&ids={jobs[1].pk}"
    assert client.get(target).status_code == 200
    assert set(Job.objects.values_list("status", flat=True)) == {"dead"}
    answer = client.post(target, {"reason": "mended"})
    assert (answer.context["done"], answer.context["total"]) == (2, 2)
    assert set(Job.objects.values_list("status", flat=True)) == {status}
    entries = AuditEntry.objects.values_list("actor_label", "reason", "organization_id").distinct()
    assert list(entries) == [(User.objects.get(pk=client.session["_auth_user_id"]).email, "mended", house.pk)]
    again = client.post(target, {"reason": "mended"})
    assert again.context["done"] == 0
    assert "not dead any more" in again.content.decode()


@pytest.mark.parametrize("reason", ["", "   ", "x" * 481])
def test_without_a_reason_nothing_happens(house: Organization, reason: str) -> None:
    """The form comes back with the error at the field. REQ PA-05."""
    job = dead_in(house)
    answer = staff_of(house).post(f"{DISCARD}?ids={job.pk}", {"reason": reason})
    assert answer.context["form"].errors["reason"]
    assert answer.context["results"] is None
    assert Job.objects.get().status == "dead"


def test_an_act_without_the_forms_token_is_refused(house: Organization) -> None:
    """Another site cannot make a signed-in person's browser act. REQ OP-05."""
    job = dead_in(house)
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_member("staff", organization=house))
    assert client.post(f"{DISCARD}?ids={job.pk}", {"reason": "why"}).status_code == 403
    assert Job.objects.get().status == "dead"


def test_a_group_is_retried_and_the_rest_left(house: Organization) -> None:
    """One error mended: its jobs run again, others stay; another organization's of the same error too. REQ PA-05."""
    group = [dead_in(house, error="ValueError: a 1").pk, dead_in(house, error="ValueError: a 2").pk]
    dead_in(house, error="ValueError: b")
    dead_in(make_organization(), error="ValueError: a 3")
    name = Job.objects.get(pk=group[0]).error_group
    staff_of(house).post(f"{RETRY}?group={name}", {"reason": "why"})
    assert set(Job.objects.filter(status="pending").values_list("pk", flat=True)) == set(group)


def test_all_that_match_the_filters_are_acted_on(house: Organization) -> None:
    """More than fit on a page, chosen by the list's filters and search. REQ PA-05."""
    for _ in range(60):
        dead_in(house, kind="test.other")
    dead_in(house)
    client = staff_of(house)
    ticked = {
        "action": "discard_selected",
        "select_across": "1",
        "_selected_action": [Job.objects.first().pk],
    }  # type: ignore[union-attr]
    opened = client.post(f"{LIST}?kind=test.other", ticked)
    assert opened["Location"] == f"{DISCARD}?kind=test.other&all=1"
    assert "Discard: 60 dead letters" in client.get(opened["Location"]).content.decode()
    client.post(opened["Location"], {"reason": "why"})
    assert Job.objects.filter(status="discarded", kind="test.other").count() == 60
    assert Job.objects.filter(status="dead", kind="test.job").count() == 1


def test_ticked_rows_open_the_act(house: Organization) -> None:
    """The list's action leads to the page that asks why. REQ PA-05."""
    job = dead_in(house)
    opened = staff_of(house).post(LIST, {"action": "retry_selected", "_selected_action": [job.pk]})
    assert opened["Location"] == f"{RETRY}?ids={job.pk}"
    assert Job.objects.get().status == "dead"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=test.other", 1), ("lane=bulk", 1), ("age=hour", 1), ("age=day", 1), ("age=older", 1),
        ("q=test.other", 1), ("q=zebra", 1), ("q=nothing", 0), ("age=nonsense", 2),
    ],
)  # fmt: skip
def test_filters_and_search_narrow_the_list(house: Organization, query: str, found: int) -> None:
    """Kind, lane, age and words of the error find their jobs. REQ OP-03."""
    now = clock.now()
    make_dead(organization_id=house.pk, at=now - timedelta(days=8), error="ValueError: zebra")
    make_dead(
        organization_id=house.pk, at=now - timedelta(minutes=1), kind="test.other", lane="bulk", error="E: x"
    )
    assert staff_of(house).get(f"{LIST}?{query}").context["cl"].result_count == found


@pytest.mark.parametrize("address", [LIST, reverse("admin:common_job_changelist")])
def test_the_lists_ask_no_more_for_more_rows(address: str) -> None:
    """50 rows of 50 organizations cost as many queries as 5. REQ EV-04."""
    client = signed_in(make_superuser())

    def queries(rows: int) -> int:
        Job.objects.all().delete()
        for number in range(rows):
            dead_in(make_organization(), error=f"Error{'x' * number}: boom")
        with CaptureQueriesContext(connection) as captured:
            page = client.get(address)
        assert page.context["cl"].result_count == rows
        return len(captured)

    assert queries(5) == queries(50)


def test_all_jobs_can_be_looked_at_but_not_touched(house: Organization) -> None:
    """The queue is shown as it stands, to those of its organization. REQ OP-03."""
    job = dead_in(house)
    job_list, page = reverse("admin:common_job_changelist"), reverse("admin:common_job_change", args=[job.pk])
    member, rival = staff_of(house), staff_of(make_organization())
    assert member.get(job_list).context["cl"].result_count == 1
    assert "ValueError: boom" in member.get(page).content.decode()
    assert rival.get(job_list).context["cl"].result_count == 0
    assert rival.get(page).status_code == 302
    operator = signed_in(make_superuser())
    assert operator.post(page, {"status": "done"}).status_code == 403
    assert (
        operator.post(reverse("admin:common_job_delete", args=[job.pk]), {"post": "yes"}).status_code == 403
    )
    assert operator.get(reverse("admin:common_job_add")).status_code == 403
    assert Job.objects.get().status == "dead"


def test_an_unknown_act_is_not_there(house: Organization) -> None:
    """Only the two acts exist, and an act on nothing is not there either. REQ PA-05."""
    client = staff_of(house)
    for address in (
        reverse("admin:common_deadletter_act", args=["edit"]),
        RETRY,
        f"{RETRY}?ids=x",
        f"{RETRY}?ids={uuid4()}",
    ):
        assert client.get(address).status_code == 404


@pytest.fixture
def task() -> PeriodicTask:
    """Give a schedule."""
    every = IntervalSchedule.objects.create(every=10, period="seconds")
    return PeriodicTask.objects.create(name="wake", task="common.outbox.wake_all", interval=every)


SCHEDULES = ("periodictask", "intervalschedule", "crontabschedule", "solarschedule", "clockedschedule")


@pytest.mark.parametrize("model", SCHEDULES)
def test_schedules_are_for_operators(task: PeriodicTask, house: Organization, model: str) -> None:
    """Every schedule is seen in admin, by operators alone. REQ OP-04."""
    address = reverse(f"admin:django_celery_beat_{model}_changelist")
    operator = signed_in(make_superuser())
    assert operator.get(address).status_code == 200
    assert operator.get(reverse(f"admin:django_celery_beat_{model}_add")).status_code == 200
    assert staff_of(house, "owner").get(address).status_code == 403


def test_a_changed_schedule_is_in_the_history(task: PeriodicTask) -> None:
    """An operator changes a schedule in admin; what it was and became is kept. REQ OP-04, EV-04."""
    operator = signed_in(make_superuser())
    page = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])
    form = operator.get(page).context["adminform"].form
    data = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    answer = operator.post(page, data | {"description": "every ten seconds"})
    assert answer.status_code == 302, answer.context["errors"]
    task.refresh_from_db()
    assert task.description == "every ten seconds"
    entry = AuditEntry.objects.get(action="beat.update_periodictask")
    assert entry.changes["description"] == ["", "every ten seconds"]
    history = operator.get(reverse("admin:django_celery_beat_periodictask_history", args=[task.pk]))
    assert "every ten seconds" in history.content.decode()


def test_switching_schedules_off_in_bulk_is_in_the_history(task: PeriodicTask) -> None:
    """The list's actions are audited too, deletion among them. REQ OP-04, EV-04."""
    operator = signed_in(make_superuser())
    address = reverse("admin:django_celery_beat_periodictask_changelist")
    operator.post(address, {"action": "disable_tasks", "_selected_action": [task.pk]})
    task.refresh_from_db()
    assert not task.enabled
    assert AuditEntry.objects.get().changes == {"enabled": [True, False]}
    operator.post(address, {"action": "delete_selected", "_selected_action": [task.pk], "post": "yes"})
    assert not PeriodicTask.objects.filter(pk=task.pk).exists()
    assert AuditEntry.objects.filter(action="beat.delete_periodictask").count() == 1
