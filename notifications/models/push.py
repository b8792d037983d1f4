"""Devices that take push messages, and every message with how far it got on each of them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.outbox.ids import new_id
from notifications.models.push_campaigns import PushCampaign


class PushProvider(models.TextChoices):
    """Who carries a message to a device. Apple's devices come through FCM."""

    FCM = "fcm", "FCM"
    WEBPUSH = "webpush", "Web Push"


class PushPlatform(models.TextChoices):
    """What the device is."""

    IOS = "ios", "iOS"
    ANDROID = "android", "Android"
    WEB = "web", "Browser"


class PushDevice(models.Model):
    """One installation of one person that takes messages: a token of FCM, or the subscription of a browser.

    ``registered_at`` is the latest registration: a provider's "gone" that is older does not count against it.
    ``failure_count`` counts deliveries in a row that failed, ``failing_since`` when the first of them did.
    ``doubted_at``: since when it is open whether what its provider refuses is this device or our account.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_devices", db_index=False
    )
    provider = models.CharField(max_length=8, choices=PushProvider.choices)
    platform = models.CharField(max_length=8, choices=PushPlatform.choices)
    app = models.CharField(max_length=100, blank=True, default="")
    # The token of FCM, or the address (endpoint) of the subscription.
    token = models.TextField()
    token_hash = models.CharField(max_length=64)
    # Web Push: the keys that only this browser can read with (RFC 8291), in base64url.
    p256dh = models.CharField(max_length=120, blank=True, default="")
    auth = models.CharField(max_length=40, blank=True, default="")
    is_active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    disabled_at = models.DateTimeField(null=True, blank=True)
    failure_count = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    doubted_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    last_seen_at = models.DateTimeField()
    registered_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "push device"
        ordering = ("-registered_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["user", "-registered_at"], name="push_device_user"),
            models.Index(
                fields=["platform", "last_seen_at"], condition=Q(is_active=True), name="push_device_idle"
            ),
            models.Index(fields=["disabled_at"], condition=Q(is_active=False), name="push_device_off"),
            # A token under whatever name of its app.
            models.Index(fields=["token_hash"], condition=Q(is_active=True), name="push_device_token"),
            models.Index(fields=["-registered_at", "-id"], name="push_device_newest"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "app", "token_hash"], name="push_device_token_once"),
            models.CheckConstraint(
                condition=Q(provider__in=PushProvider.values) & Q(platform__in=PushPlatform.values),
                name="push_device_known",
            ),
            models.CheckConstraint(
                condition=~Q(provider="webpush") | (~Q(p256dh="") & ~Q(auth="")),
                name="push_device_web_has_keys",
            ),
            models.CheckConstraint(
                condition=Q(is_active=True, disabled_at__isnull=True)
                | (Q(is_active=False, disabled_at__isnull=False) & ~Q(disabled_reason="")),
                name="push_device_off_has_its_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_platform_display()}, {self.get_provider_display()}"


class PushStatus(models.TextChoices):
    """How far a message, or its delivery to one device, got. It never goes back; only a failed one is tried again."""

    QUEUED = "queued", "Queued"
    HELD = "held", "Held back"
    SUPPRESSED = "suppressed", "Suppressed"
    GROUPED = "grouped", "In a summary"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    OPENED = "opened", "Opened"


class PushMessage(models.Model):
    """One notice to one person, on all their devices.

    ``begun_at`` is when its sending began first: what the limits an hour count. ``deferred_at``: the person had enough,
    so it waits, and joins others of its kind in one ``summary``.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization_id = models.UUIDField(null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_messages", db_index=False
    )
    campaign = models.ForeignKey(
        PushCampaign, on_delete=models.PROTECT, null=True, blank=True, related_name="messages", db_index=False
    )
    kind = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    body = models.CharField(max_length=1000)
    data = models.JSONField(default=dict, blank=True)
    is_urgent = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=PushStatus.choices, default=PushStatus.QUEUED)
    status_reason = models.CharField(max_length=500, blank=True, default="")
    dedupe_key = models.CharField(max_length=200, unique=True)
    not_before = models.DateTimeField(null=True, blank=True)
    not_after = models.DateTimeField(null=True, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    deferred_at = models.DateTimeField(null=True, blank=True)
    summary = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="grouped", db_index=False
    )
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "push message"
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["organization_id", "-created_at"], name="push_organization"),
            models.Index(fields=["-created_at", "-id"], name="push_newest"),
            models.Index(fields=["user", "-created_at"], name="push_user"),
            models.Index(
                fields=["campaign", "status"], condition=Q(campaign__isnull=False), name="push_campaign"
            ),
            models.Index(fields=["summary"], condition=Q(summary__isnull=False), name="push_summary"),
            # What the limits an hour count.
            models.Index(
                fields=["user", "begun_at"], condition=Q(begun_at__isnull=False), name="push_user_hour"
            ),
            models.Index(
                fields=["campaign", "begun_at"],
                condition=Q(campaign__isnull=False, begun_at__isnull=False),
                name="push_campaign_hour",
            ),
            # Which campaigns are full: asked at each look of the workers, of the hour alone.
            models.Index(
                fields=["begun_at"],
                include=["campaign"],
                condition=Q(campaign__isnull=False, begun_at__isnull=False),
                name="push_campaigns_hour",
            ),
            models.Index(fields=["sent_at"], condition=Q(sent_at__isnull=False), name="push_sent_at"),
            # Few beside those that are sent.
            models.Index(
                fields=["user", "kind"],
                condition=Q(deferred_at__isnull=False, begun_at__isnull=True, status__in=["queued", "held"]),
                name="push_deferred",
            ),
            models.Index(
                fields=["created_at"], condition=Q(status__in=["queued", "held"]), name="push_waiting"
            ),
            models.Index(fields=["-created_at"], condition=Q(status="failed"), name="push_failed"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=PushStatus.values), name="push_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=["sent", "delivered", "opened"]) | Q(sent_at__isnull=False),
                name="push_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="suppressed") | ~Q(status_reason=""),
                name="push_suppressed_has_its_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class PushDelivery(models.Model):
    """One message on its way to one device: what a job works on. Its id is in the receipt that the device sends."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(
        PushMessage, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    # None: the device was forgotten since.
    device = models.ForeignKey(
        PushDevice, on_delete=models.SET_NULL, null=True, blank=True, related_name="deliveries"
    )
    status = models.CharField(max_length=10, choices=PushStatus.choices, default=PushStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # The provider asked to wait until then.
    not_before = models.DateTimeField(null=True, blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    provider_message_id = models.CharField(max_length=255, blank=True, default="")
    job_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "push delivery"
        verbose_name_plural = "push deliveries"
        ordering = ("created_at", "id")
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=Q(status="queued"), name="push_delivery_queued"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "device"], name="push_delivery_once"),
            models.CheckConstraint(
                condition=Q(status__in=PushStatus.values), name="push_delivery_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["sent", "delivered", "opened"]) | Q(sent_at__isnull=False),
                name="push_delivery_sent_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.created_at:%Y-%m-%d %H:%M:%S}"
