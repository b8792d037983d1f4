"""What front ends told: raw events by the day they came, the ledger that keeps each once, and what was refused."""

from django.db import models
from django.db.models import Q


class TrackedType(models.TextChoices):
    """What a front end may tell. Money, ads and queues are counted from their own books, never from here."""

    OFFER_VIEW = "OFFER_VIEW", "Offer seen"
    OFFER_CLICK = "OFFER_CLICK", "Offer clicked"
    OFFER_ADD_TO_CART = "OFFER_ADD_TO_CART", "Offer put in the cart"
    OFFER_PURCHASE = "OFFER_PURCHASE", "Offer bought"
    AD_IMPRESSION = "AD_IMPRESSION", "Ad shown"
    AD_CLICK = "AD_CLICK", "Ad clicked"
    WAITLIST_JOIN = "WAITLIST_JOIN", "Waitlist joined"
    WAITLIST_OFFER_ACCEPT = "WAITLIST_OFFER_ACCEPT", "Seat offer accepted"
    WAITLIST_OFFER_DECLINE = "WAITLIST_OFFER_DECLINE", "Seat offer declined"


class RefusalReason(models.TextChoices):
    """Why a tracked event was not kept."""

    INVALID = "invalid", "Not an event"
    UNKNOWN_TYPE = "unknown_type", "Unknown type"
    UNKNOWN_EVENT = "unknown_event", "Unknown event"
    UNKNOWN_ENTITY = "unknown_entity", "Not of that event"
    TOO_LATE = "too_late", "Too late"
    FUTURE = "future", "In the future"
    BOT = "bot", "Automated client"


class RawEvent(models.Model):
    """One event as a front end told it, kept once (``SeenEvent``).

    The table is partitioned by ``received_day`` (UTC), which no client can choose. ``occurred_at`` is the client's
    time, corrected by how far its clock was off when it sent. ``visitor`` is a keyed hash of the session token, of
    its own in each organization; the address is kept shortened. Nobody is named.
    """

    pk = models.CompositePrimaryKey("received_day", "organization_id", "id")
    received_day = models.DateField()
    organization_id = models.UUIDField()
    id = models.UUIDField()
    event_id = models.UUIDField()
    type = models.CharField(max_length=30, choices=TrackedType.choices)
    entity_id = models.UUIDField()
    visitor = models.UUIDField(null=True, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    network = models.CharField(max_length=43, blank=True)
    metadata = models.JSONField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "analytics_rawevent"

    def __str__(self) -> str:
        return f"{self.type} of {self.entity_id}"


class SeenEvent(models.Model):
    """The ids that were kept, of each organization: a retry of a front end counts nothing again.

    Not partitioned, because a unique key across partitions would have to hold a time, and a retry has another one.
    Deleted when no event so old is accepted any more.
    """

    pk = models.CompositePrimaryKey("organization_id", "id")
    organization_id = models.UUIDField()
    id = models.UUIDField()
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["seen_at"], name="seen_event_time")]

    def __str__(self) -> str:
        return str(self.id)


class RefusedCount(models.Model):
    """How many tracked events were refused for a reason on a UTC day. Without an event where none of ours was named."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    event_id = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=20, choices=RefusalReason.choices)
    count = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = "refused events"
        verbose_name_plural = "refused events"
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "day", "reason"], name="refused_count_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(reason__in=RefusalReason.values) & Q(count__gte=1), name="refused_count_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.reason}"
