"""What happened to ads: each valid event once, what was not valid in buckets, and the figures of a day."""

from django.db import models
from django.db.models import Q

from ads.models.ads import Ad, AdPlacement


class EventKind(models.TextChoices):
    """What a token can be redeemed for."""

    IMPRESSION = "impression", "Impression"
    VIEWABLE = "viewable", "Viewable impression"
    CLICK = "click", "Click"


class InvalidReason(models.TextChoices):
    """Why an event was not counted."""

    DUPLICATE = "duplicate", "Counted before"
    EXPIRED = "expired", "Token ran out"
    FORGED = "forged", "Not our token"
    FOREIGN = "foreign", "Token of another ad or viewer"
    BOT = "bot", "Automated client"
    STAFF = "staff", "The organizer's own people"
    FLOOD = "flood", "Too many of one viewer"


class AdEvent(models.Model):
    """A valid impression, viewable impression or click: one for each decision and kind.

    The table is partitioned by ``issue_day``, the UTC day its token was issued, so the key holds across partitions
    whatever the clock says when the token is redeemed (tokens die before their partition). ``viewer`` is a keyed
    hash: nobody is named here. ``billed_micros`` is what this event was billed; ``unbilled_micros`` what it would
    have been, had there been budget left: over-delivery. No constraint points to the ad: ads are never deleted.
    """

    pk = models.CompositePrimaryKey("issue_day", "decision_id", "kind")
    issue_day = models.DateField()
    decision_id = models.UUIDField()
    kind = models.CharField(max_length=10, choices=EventKind.choices)
    ad = models.ForeignKey(
        Ad, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    event_id = models.UUIDField()
    session_id = models.UUIDField(null=True, blank=True)
    placement = models.CharField(max_length=20, choices=AdPlacement.choices)
    viewer = models.UUIDField()
    occurred_at = models.DateTimeField()
    billed_micros = models.BigIntegerField(default=0)
    unbilled_micros = models.BigIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "ads_adevent"

    def __str__(self) -> str:
        return f"{self.kind} of {self.ad_id}"


class InvalidCount(models.Model):
    """How many events of a kind were refused for a reason, in a quarter of an hour of UTC.

    Quarters because every time zone's days begin on one. Ad and event are null where the token did not tell.
    """

    id = models.BigAutoField(primary_key=True)
    slot = models.DateTimeField()
    event_id = models.UUIDField(null=True, blank=True)
    ad_id = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=10, choices=EventKind.choices)
    reason = models.CharField(max_length=10, choices=InvalidReason.choices)
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "ad_id", "slot", "kind", "reason"],
                name="ad_invalid_count_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(kind__in=EventKind.values) & Q(reason__in=InvalidReason.values),
                name="ad_invalid_count_known",
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="ad_invalid_count_positive"),
        ]
        indexes = [models.Index(fields=["slot"], name="ad_invalid_count_slot")]

    def __str__(self) -> str:
        return f"{self.count} {self.reason} {self.kind}"


class InvalidSample(models.Model):
    """One refused event of those counted, to look at. Address and client are shortened; nobody is named."""

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField()
    event_id = models.UUIDField(null=True, blank=True)
    ad_id = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=10, choices=EventKind.choices)
    reason = models.CharField(max_length=10, choices=InvalidReason.choices)
    viewer = models.UUIDField(null=True, blank=True)
    network = models.CharField(max_length=43, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-occurred_at", "-id")
        indexes = [
            models.Index(fields=["event_id", "-occurred_at", "-id"], name="ad_invalid_sample_event"),
            models.Index(fields=["occurred_at"], name="ad_invalid_sample_time"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.kind}"


class AdDaily(models.Model):
    """The figures of one ad on one day of its event's time zone, recomputed from ``AdEvent`` until it is frozen.

    A click belongs to the day it was made, so a day may have more clicks than impressions. Frozen before the first
    raw partition of the day is dropped; from then on this row is the record.
    """

    pk = models.CompositePrimaryKey("ad_id", "day")
    ad = models.ForeignKey(Ad, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="+", db_index=False)
    impressions = models.PositiveBigIntegerField(default=0)
    viewable = models.PositiveBigIntegerField(default=0)
    clicks = models.PositiveBigIntegerField(default=0)
    unique_viewers = models.PositiveBigIntegerField(default=0)
    billed_impressions = models.PositiveBigIntegerField(default=0)
    billed_clicks = models.PositiveBigIntegerField(default=0)
    billed_micros = models.PositiveBigIntegerField(default=0)
    unbilled_micros = models.PositiveBigIntegerField(default=0)
    unbilled_impressions = models.PositiveBigIntegerField(default=0, db_default=0)
    unbilled_clicks = models.PositiveBigIntegerField(default=0, db_default=0)
    invalid_impressions = models.PositiveBigIntegerField(default=0)
    invalid_clicks = models.PositiveBigIntegerField(default=0)
    computed_at = models.DateTimeField()
    frozen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["event", "day"], name="ad_daily_event_day")]

    def __str__(self) -> str:
        return f"{self.ad_id} on {self.day}"


class AdDirtyDay(models.Model):
    """A day of an event whose figures have to be computed again. Appended with the events, in their transaction."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField()
    day = models.DateField()
    marked_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["event_id", "day"], name="ad_dirty_event_day")]

    def __str__(self) -> str:
        return f"{self.event_id} on {self.day}"
