"""What the provider told of an e-mail after it took it, and the boxes that are not written to any more."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.outbox.ids import new_id
from notifications.models.email import EmailMessage


class EmailEventKind(models.TextChoices):
    """What a provider can tell. Opened and clicked say nothing about arrival: they are story, never a status."""

    SENT = "sent", "Sent on"
    DELAYED = "delayed", "Delayed, the provider goes on trying"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Could not be sent by the provider"
    SUPPRESSED = "suppressed", "Held back by the provider"
    BOUNCED = "bounced", "Bounced for good"
    SOFT_BOUNCED = "soft_bounced", "Bounced for now"
    COMPLAINED = "complained", "Complained about as unwanted"
    OPENED = "opened", "Opened"
    CLICKED = "clicked", "Clicked"


class EmailEvent(models.Model):
    """One event of the provider, once each however often it was delivered (``inbox_id``).

    An orphan has no message: what it is about is not known yet, or was never sent by us.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(
        EmailMessage, on_delete=models.CASCADE, related_name="events", null=True, db_index=False
    )
    inbox_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=12, choices=EmailEventKind.choices)
    # The message's box, for bounces in a row; empty while its message is not known.
    recipient_key = models.CharField(max_length=32, blank=True)
    # What the event says it is about: our id where it carries one, and the provider's.
    named_id = models.UUIDField(null=True)
    provider_message_id = models.CharField(max_length=255, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ("occurred_at", "id")
        indexes: ClassVar = [
            models.Index(fields=["message", "occurred_at"], name="email_event_story"),
            models.Index(
                fields=["received_at"], condition=Q(message__isnull=True), name="email_event_orphan"
            ),
            # Few beside what arrives: bounces in a row are looked for at each further one.
            models.Index(
                fields=["recipient_key", "-occurred_at"],
                condition=Q(kind__in=["soft_bounced", "delivered"]),
                name="email_event_box",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=EmailEventKind.values), name="email_event_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.occurred_at:%Y-%m-%d %H:%M:%S}"


class SuppressionReason(models.TextChoices):
    """Why a box is not written to any more."""

    HARD_BOUNCE = "hard_bounce", "It bounced for good"
    COMPLAINT = "complaint", "They called our mail unwanted"
    SOFT_BOUNCES = "soft_bounces", "It bounced too often in a row"
    REFUSED = "refused", "Its server does not know it"
    PROVIDER = "provider", "The provider does not write to it"
    BY_HAND = "by_hand", "Entered by hand"


class EmailSuppression(models.Model):
    """A box that nothing is sent to: the whole house's, since its server and its owner know one sender only.

    ``organization_id`` is whose e-mail brought it about, and decides who sees it; None: an operator's affair.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization_id = models.UUIDField(null=True, blank=True)
    recipient_key = models.CharField(max_length=32)
    address = models.EmailField(max_length=254)
    reason = models.CharField(max_length=12, choices=SuppressionReason.choices)
    detail = models.CharField(max_length=500, blank=True)
    message = models.ForeignKey(
        EmailMessage, on_delete=models.SET_NULL, related_name="suppressions", null=True, blank=True
    )
    since = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=255, blank=True)
    lifted_because = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "suppressed address"
        verbose_name_plural = "suppressed addresses"
        ordering = ("-since", "-id")
        indexes: ClassVar = [
            models.Index(fields=["-since", "-id"], name="suppression_newest"),
            models.Index(fields=["recipient_key", "-lifted_at"], name="suppression_lifted"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recipient_key"], condition=Q(lifted_at__isnull=True), name="suppression_stands_once"
            ),
            models.CheckConstraint(
                condition=Q(reason__in=SuppressionReason.values), name="suppression_reason_known"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | Q(lifted_at__gte=models.F("since")),
                name="suppression_lifted_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return self.address
