"""The table of verified provider events. Only ``common.inbox`` writes it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q, TextChoices

from common.outbox.ids import new_id
from common.outbox.types import Lane


class InboxStatus(TextChoices):
    """Where an event stands. Failed and dead follow from its job; done, ignored and quarantined are verdicts."""

    RECEIVED = "received", "Received"
    PROCESSING = "processing", "Processing"
    DONE = "done", "Done"
    FAILED = "failed", "Failed, will be tried again"
    DEAD = "dead", "Dead"
    IGNORED = "ignored", "Ignored"
    QUARANTINED = "quarantined", "Quarantined"


class InboxEvent(models.Model):
    """One event of a provider, stored once after its signature was verified, with the bytes that were signed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=40)
    account = models.CharField(max_length=100, default="", blank=True)
    livemode = models.BooleanField()
    event_id = models.CharField(max_length=255)
    event_type = models.CharField(max_length=100)
    api_version = models.CharField(max_length=60, default="", blank=True)
    body = models.BinaryField()
    status = models.CharField(max_length=12, choices=InboxStatus.choices, default=InboxStatus.RECEIVED)
    note = models.CharField(max_length=500, default="", blank=True)
    job_id = models.UUIDField()
    job_kind = models.CharField(max_length=100)
    lane = models.CharField(max_length=20, choices=Lane.choices)
    deliveries = models.PositiveIntegerField(default=1)
    trace_id = models.CharField(max_length=128, default="", blank=True)
    received_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "common_inboxevent"
        verbose_name = "webhook"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "account", "livemode", "event_id"], name="inbox_event_once"
            ),
            models.CheckConstraint(condition=Q(status__in=InboxStatus.values), name="inbox_status_known"),
            models.CheckConstraint(condition=~Q(event_id=""), name="inbox_event_named"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["job_id"], name="inbox_job"),
            models.Index(fields=["-received_at", "id"], name="inbox_received"),
            models.Index("event_type", models.F("received_at").desc(), name="inbox_type"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"

    @property
    def content(self) -> bytes:
        """Return the body, byte for byte as it was verified."""
        return bytes(self.body)
