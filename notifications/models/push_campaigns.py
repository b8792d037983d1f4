"""One push to many."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.outbox.ids import new_id


class PushAudience(models.TextChoices):
    """Whom a campaign goes to. Others are registered by the rooms that know them (``services.audiences``)."""

    REGISTERED = "registered", "Everybody who is registered for the event"
    TIER = "tier", "Holders of a ticket of one tier"


class PushCampaign(models.Model):
    """One send to many, under one id. Its people are taken in the order of their ids, batch by batch.

    ``kept_…`` counts those of its messages that were forgotten since, as its figures count.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization_id = models.UUIDField()
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="push_campaigns")
    audience = models.CharField(max_length=20)
    # What of the audience: the tier. None: all of the event.
    audience_id = models.UUIDField(null=True, blank=True)
    audience_label = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=80)
    title = models.CharField(max_length=100)
    body = models.CharField(max_length=500)
    url = models.CharField(max_length=500, blank=True, default="")
    created_by = models.UUIDField()
    created_at = models.DateTimeField()
    # The last person whose message was written; all are when there is ``written_at``.
    cursor = models.UUIDField(null=True, blank=True)
    people = models.PositiveIntegerField(default=0)
    without_device = models.PositiveIntegerField(default=0)
    written_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    kept_sent = models.PositiveIntegerField(default=0, db_default=0)
    kept_delivered = models.PositiveIntegerField(default=0, db_default=0)
    kept_opened = models.PositiveIntegerField(default=0, db_default=0)
    kept_failed = models.PositiveIntegerField(default=0, db_default=0)
    kept_suppressed = models.PositiveIntegerField(default=0, db_default=0)
    kept_cancelled = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = "push campaign"
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["organization_id", "-created_at"], name="push_campaign_organization"),
            models.Index(
                fields=["created_at"],
                condition=Q(written_at__isnull=True, cancelled_at__isnull=True),
                name="push_campaign_open",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(without_device__lte=models.F("people")), name="push_campaign_counts"
            ),
        ]

    def __str__(self) -> str:
        return self.title
