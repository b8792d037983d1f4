"""Figures of a day, computed from raw events, and which of them have to be computed again."""

from django.db import models
from django.db.models import Q

from analytics.models.tracking import TrackedType


class DailyFigure(models.Model):
    """How often something was told on one day of the event's time zone, and by how many visitors.

    ``entity_id`` null: of all entities of the type together, because visitors of several cannot be added up.
    """

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    type = models.CharField(max_length=30, choices=TrackedType.choices)
    entity_id = models.UUIDField(null=True, blank=True)
    count = models.PositiveBigIntegerField()
    visitors = models.PositiveBigIntegerField()
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event", "day", "type", "entity_id"], name="daily_figure_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(type__in=TrackedType.values) & Q(count__gte=1), name="daily_figure_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.type} on {self.day}"


class DirtyDay(models.Model):
    """A day of an event that has to be computed again. Appended with the events, in their transaction."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField()
    day = models.DateField()
    marked_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["event_id", "day"], name="analytics_dirty_day")]

    def __str__(self) -> str:
        return f"{self.event_id} on {self.day}"


class Refresh(models.Model):
    """How computing an event's figures goes: when a day last succeeded, and rounds in a row with one that failed."""

    event = models.OneToOneField("events.Event", on_delete=models.CASCADE, related_name="+", primary_key=True)
    # The time zone that the figures were computed in: with another one every day is another.
    time_zone = models.CharField(max_length=64, blank=True)
    # While some are of another one, or are marked for it week by week: which, and through which day they are marked.
    next_zone = models.CharField(max_length=64, blank=True, default="", db_default="")
    marked_through = models.DateField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"refresh of {self.event_id}"
