"""What runs by the clock."""

import json

import pytest
from celery import current_app
from django.apps import apps
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from config.schedules import SCHEDULES, Schedule, ensure_schedules
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db


def test_every_schedule_is_in_the_database_and_names_a_task_that_exists() -> None:
    """Beat finds its entries after a migration, and a worker knows each task. REQ OP-04."""
    current_app.loader.import_default_modules()
    assert set(PeriodicTask.objects.values_list("name", flat=True)) >= {one.name for one in SCHEDULES}
    assert {one.task for one in SCHEDULES} <= set(current_app.tasks)


# What the requirements promise: so often, or at this time of day (UTC).
_PROMISED = {
    "payments.sweep_due_holds": (5, "minutes"),  # OF-08
    "offers.deactivate_ended": (30, "minutes"),  # OF-09
    "payments.reconcile_daily": ("3", "10"),  # PA-12
    "waitlist.expire_offers": (1, "minutes"),  # WL-05
    "waitlist.fill_sessions": (5, "minutes"),  # WL-05
    "ads.deactivate_ended": (1, "hours"),  # AD-06
    "ads.refresh_daily": (1, "hours"),  # AD-06
    "ads.drop_old_events": ("2", "0"),  # AD-06
    "analytics.refresh": (1, "minutes"),  # AN-04: less than five minutes old
    "notifications.send_due_emails": (1, "minutes"),  # NO-01
    "notifications.clean_push_devices": ("3", "40"),  # NO-04
}


def test_jobs_run_when_they_were_promised() -> None:
    """Each interval and time of day that a requirement names.

    REQ OF-08, OF-09, PA-12, WL-05, AD-06, AN-04, NO-01, NO-04.
    """
    found: dict[str, tuple[object, object]] = {}
    for entry in PeriodicTask.objects.filter(task__in=_PROMISED, enabled=True):
        assert entry.task not in found
        if entry.crontab is None:
            assert entry.interval is not None
            found[entry.task] = (entry.interval.every, entry.interval.period)
            continue
        daily = entry.crontab
        found[entry.task] = (daily.hour, daily.minute)
        assert str(daily.timezone) == "UTC"
        assert {daily.day_of_week, daily.day_of_month, daily.month_of_year} == {"*"}
    assert found == _PROMISED


@pytest.mark.parametrize("entry", SCHEDULES, ids=lambda entry: str(entry.task))
def test_each_schedule_can_be_run(entry: Schedule, stripe_sandbox: SandboxProcess) -> None:
    """A worker that gets what beat sends runs it to its end, on a product without rows. REQ OP-04."""
    current_app.loader.import_default_modules()
    sent = PeriodicTask.objects.get(name=entry.name)
    result = current_app.tasks[sent.task].apply(json.loads(sent.args), json.loads(sent.kwargs), throw=True)
    assert result.successful()


def test_what_staff_changed_stays_changed() -> None:
    """A schedule that was switched off stays off through the next migration. REQ OP-04."""
    PeriodicTask.objects.filter(name=SCHEDULES[0].name).update(enabled=False)
    count = PeriodicTask.objects.count()
    ensure_schedules(apps.get_app_config("house"))
    call_command("migrate", verbosity=0)
    assert PeriodicTask.objects.count() == count
    assert not PeriodicTask.objects.get(name=SCHEDULES[0].name).enabled


def test_a_schedule_that_was_deleted_comes_back() -> None:
    """What is missing is filled in. REQ OP-04."""
    PeriodicTask.objects.filter(name=SCHEDULES[-1].name).delete()
    ensure_schedules(apps.get_app_config("house"))
    assert PeriodicTask.objects.filter(name=SCHEDULES[-1].name, enabled=True).exists()
