"""Every e-mail that was ever due, with its frozen words and its story."""

import uuid

from django.db import models
from django.db.models import Q


class EmailStatus(models.TextChoices):
    """How far an e-mail got; a status never goes backwards."""

    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complained"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class EmailMessage(models.Model):
    """One e-mail to one recipient, rendered when it became due, so that a repetition says the same."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization_id = models.UUIDField(null=True, blank=True)
    user_id = models.UUIDField(null=True, blank=True)
    template = models.CharField(max_length=80)
    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=300)
    text_body = models.TextField()
    html_body = models.TextField(blank=True)
    is_urgent = models.BooleanField(default=False)
    status = models.CharField(max_length=12, choices=EmailStatus.choices, default=EmailStatus.QUEUED)
    dedupe_key = models.CharField(max_length=200, unique=True)
    # What it is about, for timelines: ("order", its id).
    about_type = models.CharField(max_length=20, blank=True)
    about_id = models.UUIDField(null=True, blank=True)
    provider_message_id = models.CharField(max_length=255, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=["organization_id", "-created_at"], name="email_organization"),
            models.Index(fields=["about_type", "about_id"], name="email_about"),
            # Counting what went out in the last minute, in all and per recipient.
            models.Index(fields=["sent_at"], condition=Q(sent_at__isnull=False), name="email_sent_at"),
            models.Index(fields=["to", "sent_at"], condition=Q(sent_at__isnull=False), name="email_to_sent_at"),
        ]
