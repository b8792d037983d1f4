"""Every announcement to sockets, and the counter of each stream."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.outbox.ids import new_id


class RealtimeState(models.TextChoices):
    """How far an announcement got. It is read by its number from ``numbered`` on, whether it was pushed or not."""

    NEW = "new", "New"
    NUMBERED = "numbered", "Numbered"
    PUBLISHED = "published", "Published"
    # Redis was away for too long, or its own time was over: nobody was pushed to, whoever asks may read it.
    LATE = "late", "Not pushed in time"


class RealtimeStream(models.Model):
    """The counter of one stream. It outlives the stream's events, so that no number is given twice."""

    stream = models.CharField(primary_key=True, max_length=100)
    last_seq = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(last_seq__gt=0), name="realtime_stream_counts_up")
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.last_seq}"


class RealtimeEvent(models.Model):
    """One announcement to a room, written in the transaction that made it true; the relay numbers it.

    ``id`` is the order of writing, ``seq`` the number in the stream. ``shard`` is the part of all streams that one
    relay works at a time.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(default=new_id, editable=False)
    stream = models.CharField(max_length=100)
    shard = models.PositiveSmallIntegerField()
    seq = models.BigIntegerField(null=True)
    event = models.CharField(max_length=80)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=RealtimeState.choices, default=RealtimeState.NEW)
    created_at = models.DateTimeField()
    # Past it nobody is pushed to any more.
    not_after = models.DateTimeField()
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        indexes: ClassVar = [
            # What the relay still has to do is always few.
            models.Index(fields=["shard", "id"], name="realtime_new", condition=Q(state="new")),
            models.Index(
                fields=["shard", "seq", "id"], name="realtime_numbered", condition=Q(state="numbered")
            ),
            models.Index(fields=["created_at"], name="realtime_age"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stream", "seq"], condition=Q(seq__isnull=False), name="realtime_one_number_once"
            ),
            models.CheckConstraint(condition=Q(state__in=RealtimeState.values), name="realtime_state_known"),
            models.CheckConstraint(
                condition=Q(state="new", seq__isnull=True) | (~Q(state="new") & Q(seq__isnull=False)),
                name="realtime_numbered_once_seen",
            ),
            models.CheckConstraint(
                condition=Q(state="published", published_at__isnull=False)
                | (~Q(state="published") & Q(published_at__isnull=True)),
                name="realtime_published_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.stream} {self.seq or '-'}"
