"""What each person chose to get, and when not to be disturbed."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from notifications.kinds import MAXIMUM_NAME, Channel


class MutedBy(models.TextChoices):
    """By which way a kind was switched off."""

    SETTINGS = "settings", "In their settings"
    UNSUBSCRIBE = "unsubscribe", "By a link to unsubscribe"


class NotificationPreferences(models.Model):
    """One person's choices; no row: everything comes, at any time.

    Quiet hours are times of day in ``time_zone``; they go past midnight when the end is before the start.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="notification_preferences",
    )
    quiet_starts_at = models.TimeField(null=True, blank=True)
    quiet_ends_at = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "person's preferences"
        verbose_name_plural = "people's preferences"
        ordering = ("-changed_at", "user_id")
        indexes: ClassVar = [
            models.Index(fields=["-changed_at", "user"], name="preferences_newest"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(quiet_starts_at__isnull=True, quiet_ends_at__isnull=True)
                | (
                    Q(quiet_starts_at__isnull=False, quiet_ends_at__isnull=False)
                    & ~Q(quiet_starts_at=F("quiet_ends_at"))
                ),
                name="preferences_quiet_hours_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


class MutedKind(models.Model):
    """A person does without a kind of messages on a channel. What is not listed is sent."""

    id = models.BigAutoField(primary_key=True)
    preferences = models.ForeignKey(
        NotificationPreferences, on_delete=models.CASCADE, related_name="muted", db_index=False
    )
    kind = models.CharField(max_length=MAXIMUM_NAME)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    muted_by = models.CharField(max_length=12, choices=MutedBy.choices)
    muted_at = models.DateTimeField()

    class Meta:
        ordering = ("kind", "channel")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["preferences", "kind", "channel"], name="muted_kind_once"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="muted_kind_channel_known"),
            models.CheckConstraint(condition=Q(muted_by__in=MutedBy.values), name="muted_kind_way_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}"
