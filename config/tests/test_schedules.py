"""What runs by the clock."""

import pytest
from celery import current_app
from django.apps import apps
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from config.schedules import SCHEDULES, ensure_schedules

pytestmark = pytest.mark.django_db


def test_every_schedule_is_in_the_database_and_names_a_task_that_exists() -> None:
    """Beat finds its entries after a migration, and a worker knows each task. REQ OP-04."""
    current_app.loader.import_default_modules()
    assert set(PeriodicTask.objects.values_list("name", flat=True)) >= {one.name for one in SCHEDULES}
    assert {one.task for one in SCHEDULES} <= set(current_app.tasks)


def test_the_jobs_of_ads_run_when_they_were_promised() -> None:
    """Ended ads and the daily figures each hour, old events at 02:00 UTC every day. REQ AD-06."""
    entries = {one.task: one for one in PeriodicTask.objects.filter(task__startswith="ads.")}
    for task in ("ads.deactivate_ended", "ads.refresh_daily"):
        interval = entries[task].interval
        assert interval is not None
        assert (interval.every, interval.period) == (1, "hours"), task
    nightly = entries["ads.drop_old_events"].crontab
    assert nightly is not None
    assert (nightly.hour, nightly.minute, str(nightly.timezone)) == ("2", "0", "UTC")
    assert {nightly.day_of_week, nightly.day_of_month, nightly.month_of_year} == {"*"}


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
