"""How the figures of an event's ads stand, and when the work on them last succeeded."""

from django.db import models
from django.db.models import Q


class AdFigures(models.Model):
    """In which time zone an event's days were computed, and through which day they are frozen.

    The row is locked by whoever computes or freezes the event's days. ``frozen_until`` is the instant at which
    ``frozen_day`` ended in the zone of that time: raw events from it on belong to later days, whatever the zone
    is changed to, so none counts twice and none is lost.
    """

    event = models.OneToOneField("events.Event", on_delete=models.PROTECT, related_name="+", primary_key=True)
    time_zone = models.CharField(max_length=64)
    frozen_day = models.DateField(null=True, blank=True)
    frozen_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(frozen_day__isnull=True, frozen_until__isnull=True)
                | Q(frozen_day__isnull=False, frozen_until__isnull=False),
                name="ad_figures_frozen_whole",
            )
        ]

    def __str__(self) -> str:
        return f"figures of {self.event_id}"


class AdCalendar(models.Model):
    """When a day of a time zone begins and ends, for the view of daily figures: SQL that nobody can tell it to.

    A day has a row for each UTC day that it touches, so that the view finds it by equality.
    """

    time_zone = models.CharField(max_length=64)
    utc_day = models.DateField()
    day = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["time_zone", "utc_day", "day"], name="ad_calendar_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day} in {self.time_zone}"


class AdRun(models.Model):
    """When a job that runs by the clock last succeeded; read by ``/metrics``."""

    job = models.CharField(max_length=40, primary_key=True)
    succeeded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.job
