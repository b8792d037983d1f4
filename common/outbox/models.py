"""The table of jobs. Only ``common.outbox`` writes it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce

from common.outbox.ids import new_id
from common.outbox.types import NO_ORGANIZATION, JobStatus, Lane
from common.outbox.words import kind_words


class Job(models.Model):
    """Something to be done, written in the transaction that needs it.

    ``claim`` counts how often a worker took it and never goes back: it is what a worker must still hold to
    finish. ``attempts`` is what the retry schedule counts. ``alone``: the last claim took only this job, so if
    its worker was lost, this job is the one to suspect. ``again``: it was wanted once more while it ran.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=100)
    lane = models.CharField(max_length=20, choices=Lane.choices)
    pool = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=200, null=True, blank=True)
    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.PENDING)
    run_at = models.DateTimeField()
    not_after = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField()
    claim = models.PositiveIntegerField(default=0)
    alone = models.BooleanField(default=False)
    again = models.BooleanField(default=False)
    lease_until = models.DateTimeField(null=True, blank=True)
    errors = models.JSONField(default=list, blank=True)
    error_group = models.CharField(max_length=32, default="", blank=True)
    note = models.CharField(max_length=500, default="", blank=True)
    trace_id = models.CharField(max_length=128, default="", blank=True)
    organization_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "common_job"
        # What is waiting, running, dead or to be deleted is always few beside what is done: partial indexes.
        indexes: ClassVar = [
            models.Index("lane", "pool", "run_at", "id", condition=Q(status="pending"), name="job_pending"),
            models.Index(
                "lane",
                "pool",
                Coalesce("organization_id", Value(NO_ORGANIZATION, output_field=models.UUIDField())),
                "run_at",
                "id",
                condition=Q(status="pending", lane="bulk"),
                name="job_pending_turns",
            ),
            models.Index("lane", "lease_until", condition=Q(status="running"), name="job_running"),
            models.Index("error_group", "finished_at", condition=Q(status="dead"), name="job_dead"),
            models.Index(
                "finished_at", condition=Q(status__in=["done", "discarded", "expired"]), name="job_finished"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(status__in=["pending", "running"], dedupe_key__isnull=False),
                name="job_dedupe_key",
            ),
            models.CheckConstraint(condition=Q(status__in=JobStatus.values), name="job_status_known"),
            models.CheckConstraint(condition=Q(lane__in=Lane.values), name="job_lane_known"),
            models.CheckConstraint(
                condition=Q(status="running", lease_until__isnull=False)
                | (~Q(status="running") & Q(lease_until__isnull=True)),
                name="job_leased_while_running",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "running"], finished_at__isnull=True)
                | (~Q(status__in=["pending", "running"]) & Q(finished_at__isnull=False)),
                name="job_finished_at_its_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{kind_words(self.kind)}, job {str(self.id)[-8:]}"


class DeadLetter(Job):
    """A job that is left to people: the rows of the console."""

    class Meta:
        proxy = True
        verbose_name = "dead letter"
