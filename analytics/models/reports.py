"""Reports that go out by the clock: what goes to whom and when, and the history of each time."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from analytics.types.exports import ReportFormat

MAXIMUM_NAME = 200


class Cadence(models.TextChoices):
    """How often, and with it the days that a report covers: yesterday, the last 7 days, the last month."""

    DAILY = "daily", "Daily"
    WEEKLY = "weekly", "Weekly"
    MONTHLY = "monthly", "Monthly"


class Weekday(models.IntegerChoices):
    """The day of the week, as Python counts."""

    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class RunKind(models.TextChoices):
    """Why a report was made: its time had come, or somebody asked."""

    SCHEDULED = "scheduled", "By schedule"
    RUN_NOW = "run_now", "Asked for"


class RunState(models.TextChoices):
    """How far one making got. What became of each e-mail is the outbox's to say."""

    PENDING = "pending", "Being made"
    QUEUED = "queued", "In the outbox"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


class DeliveryOutcome(models.TextChoices):
    """What was done for one of the people of a report."""

    QUEUED = "queued", "E-mail queued"
    LOST_ROLE = "lost_role", "May not see analytics any more"
    INACTIVE = "inactive", "The account is switched off"


class ScheduledReport(models.Model):
    """A report of one event that goes to some of its organization's people at a time of day by the event's clocks.

    ``handled_through`` is the last local day that needs nothing any more: a report goes out at most once a local day.
    ``next_run_at`` follows from it; null: paused, archived, or the event is over. ``planned_zone`` and
    ``planned_end`` are what it was worked out from: when the event has others, it is worked out again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="scheduled_reports")
    name = models.CharField(max_length=MAXIMUM_NAME)
    cadence = models.CharField(max_length=7, choices=Cadence.choices, default=Cadence.WEEKLY)
    weekday = models.PositiveSmallIntegerField(null=True, blank=True, choices=Weekday.choices)
    day_of_month = models.PositiveSmallIntegerField(null=True, blank=True)
    local_time = models.TimeField()
    formats = ArrayField(models.CharField(max_length=4, choices=ReportFormat.choices))
    is_paused = models.BooleanField(default=False, editable=False)
    is_archived = models.BooleanField(default=False, editable=False)
    handled_through = models.DateField(editable=False)
    next_run_at = models.DateTimeField(null=True, blank=True, editable=False)
    planned_zone = models.CharField(max_length=64, editable=False)
    planned_end = models.DateTimeField(editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        editable=False,
    )  # fmt: skip
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(cadence="daily", weekday__isnull=True, day_of_month__isnull=True)
                | Q(cadence="weekly", weekday__range=(0, 6), day_of_month__isnull=True)
                | Q(cadence="monthly", weekday__isnull=True, day_of_month__range=(1, 31)),
                name="report_cadence_has_its_day",
            ),
            models.CheckConstraint(
                condition=Q(formats__contained_by=ReportFormat.values) & Q(formats__len__gte=1) & ~Q(name=""),
                name="report_has_name_and_formats",
            ),
            models.CheckConstraint(
                condition=Q(next_run_at__isnull=True) | Q(is_paused=False, is_archived=False),
                name="report_paused_has_no_next_run",
            ),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], condition=Q(next_run_at__isnull=False), name="report_due"),
        ]

    def __str__(self) -> str:
        return self.name


class ReportRecipient(models.Model):
    """Somebody who gets a report, as long as they may see analytics."""

    id = models.BigAutoField(primary_key=True)
    report = models.ForeignKey(
        ScheduledReport, on_delete=models.CASCADE, related_name="recipients", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "user"], name="report_recipient_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user}"


class ReportRun(models.Model):
    """One time that a report was due or asked for: which days it covers, and what came of it.

    ``local_day`` is the day of the event's clocks that it is for. Two constraints hold that a report is not made
    twice for the same instant, nor by schedule for the same day.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.ForeignKey(ScheduledReport, on_delete=models.PROTECT, related_name="runs", db_index=False)
    kind = models.CharField(max_length=9, choices=RunKind.choices)
    due_at = models.DateTimeField()
    local_day = models.DateField()
    first = models.DateField()
    last = models.DateField()
    state = models.CharField(max_length=7, choices=RunState.choices, default=RunState.PENDING)
    # Why it failed or was skipped; of one that went out: what was left out of it.
    note = models.CharField(max_length=500, blank=True)
    # [{"name", "size"}] of what went along.
    files = models.JSONField(default=list)
    is_stale = models.BooleanField(default=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-due_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["report", "kind", "due_at"], name="report_run_once_an_instant"),
            models.UniqueConstraint(
                fields=["report", "local_day"], condition=Q(kind="scheduled"), name="report_run_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=RunKind.values)
                & Q(state__in=RunState.values)
                & Q(first__lte=F("last"))
                & (
                    Q(state="pending", finished_at__isnull=True)
                    | ~Q(state="pending") & Q(finished_at__isnull=False)
                ),
                name="report_run_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report} {self.first} to {self.last}"


class ReportDelivery(models.Model):
    """What was done for one person at one time: their e-mail, or why they got none."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ReportRun, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    address = models.EmailField(max_length=254)
    outcome = models.CharField(max_length=9, choices=DeliveryOutcome.choices)
    email = models.ForeignKey(
        "notifications.EmailMessage", null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("address",)
        constraints = [
            models.UniqueConstraint(fields=["run", "user"], name="report_delivery_once"),
            models.CheckConstraint(
                condition=Q(outcome="queued", email__isnull=False)
                | Q(outcome__in=["lost_role", "inactive"], email__isnull=True),
                name="report_delivery_has_its_email",
            ),
        ]

    def __str__(self) -> str:
        return self.address
