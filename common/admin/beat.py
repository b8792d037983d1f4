"""Celery beat's schedules, in the look of the other screens; changes are in the audit history (REQ OP-04).

Django asks ``User.has_perm``, which only operators pass: members see none of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest
from django_celery_beat import admin as theirs
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from common import clock
from common.admin.lookups import NarrowLists
from common.admin.scoping import policy
from common.admin.times import time_words
from common.audit.history import AuditHistoryMixin
from common.audit.services import Changes, changes_between, record, snapshot
from common.schedules.models import ScheduledRun
from common.schedules.services import standing_of


class AuditedAdmin(AuditHistoryMixin, NarrowLists):
    """Each change by a person is one entry of the audit history; Django's own log is left out."""

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        """Save, and record what differs."""
        before = type(obj)._default_manager.filter(pk=obj.pk).first() if change else None
        super().save_model(request, obj, form, change)
        self.record(request, "update" if change else "create", obj, changes_between(before or {}, obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Record, and delete."""
        self.record(request, "delete", obj, {})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Record each, and delete them."""
        with transaction.atomic():
            for obj in queryset:
                self.record(request, "delete", obj, {})
            super().delete_queryset(request, queryset)

    def record(self, request: HttpRequest, verb: str, obj: Model, changes: Changes) -> None:
        """Write the entry."""
        record(
            actor=policy().actor(request),
            action=f"beat.{verb}_{self.opts.model_name}",
            subject=obj,
            organization_id=None,
            changes=changes,
            now=clock.now(),
        )

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave it to the audit history."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave it to the audit history."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Leave it to the audit history."""


class _TaskSelectWidget(UnfoldAdminSelectWidget, theirs.TaskSelectWidget):
    """Their choice of tasks in our look."""


class ScheduledTaskForm(theirs.PeriodicTaskForm):
    """Their form in our look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = _TaskSelectWidget()


for _model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(_model)


@admin.register(PeriodicTask)
class ScheduledTaskAdmin(AuditedAdmin, theirs.PeriodicTaskAdmin):
    """What runs when."""

    form = ScheduledTaskForm
    # Theirs carries a script that our Content-Security-Policy refuses; it only repeats a schedule in words.
    change_form_template = None
    list_display = ("name", "enabled", "scheduler", "last_run_at", "last_success", "standing")
    list_select_related = ("interval", "crontab", "solar", "clocked")
    list_filter = ("enabled", "one_off", "task")
    date_hierarchy = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[PeriodicTask]:
        """Return the entries with what is known of their runs."""
        run = ScheduledRun.objects.filter(name=OuterRef("name"))
        wanted = ("known_since", "succeeded_at", "failures", "error")
        known = {f"run_{field}": Subquery(run.values(field)) for field in wanted}
        entries: QuerySet[PeriodicTask] = super().get_queryset(request).annotate(**known)
        return entries

    @admin.display(description="Last success")
    def last_success(self, entry: Any) -> str:
        """Say when a worker last finished it."""
        return time_words(entry.run_succeeded_at)

    @admin.display(description="State")
    def standing(self, entry: Any) -> str:
        """Say in words whether it runs when it should."""
        if entry.run_known_since is None:
            return "Not run yet"
        run = ScheduledRun(
            name=entry.name,
            known_since=entry.run_known_since,
            succeeded_at=entry.run_succeeded_at,
            failures=entry.run_failures,
            error=entry.run_error,
        )
        found = standing_of(entry, run, now=clock.now())
        words = [f"Late by {round(found.late_seconds / 60)} min"] if found.late_seconds else []
        words += [f"failed {found.failures} times: {found.error}"] if found.failures else []
        return "; ".join(words) or "In time"

    @admin.action(description="Enable the chosen", permissions=["change"])
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Enable them."""
        with self._recorded(request, queryset):
            super().enable_tasks(request, queryset)

    @admin.action(description="Disable the chosen", permissions=["change"])
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Disable them."""
        with self._recorded(request, queryset):
            super().disable_tasks(request, queryset)

    @admin.action(description="Toggle the chosen", permissions=["change"])
    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Enable those that are disabled, disable the others."""
        with self._recorded(request, queryset):
            super().toggle_tasks(request, queryset)

    @admin.action(description="Run the chosen now", permissions=["change"])
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Send them to the workers now."""
        for task in queryset:
            self.record(request, "run", task, {})
        super().run_tasks(request, queryset)

    @contextmanager
    def _recorded(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> Iterator[None]:
        """Record what the block changes about the tasks, in one transaction with it."""
        with transaction.atomic():
            before = {task.pk: snapshot(task) for task in queryset.select_for_update(of=("self",))}
            yield
            for task in PeriodicTask.objects.filter(pk__in=before):
                self.record(request, "update", task, changes_between(before[task.pk], task))


class _UsersInline(TabularInline, theirs.PeriodicTaskInline):
    """Which tasks follow a schedule."""


class ScheduleAdmin(AuditedAdmin):
    """A schedule that tasks may follow."""

    inlines = (_UsersInline,)


@admin.register(CrontabSchedule)
class CrontabAdmin(ScheduleAdmin, theirs.CrontabScheduleAdmin):
    """Times as cron writes them."""

    inlines = (_UsersInline,)


@admin.register(ClockedSchedule)
class ClockedAdmin(ScheduleAdmin, theirs.ClockedScheduleAdmin):
    """One instant."""

    inlines = (_UsersInline,)


admin.site.register((IntervalSchedule, SolarSchedule), ScheduleAdmin)
