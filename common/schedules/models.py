"""How the runs of a schedule ended, as a worker saw it; beat itself knows only what it sent."""

from django.db import models


class ScheduledRun(models.Model):
    """One schedule of beat, by its name: its last end and its last success. Written by workers and by the watch."""

    name = models.CharField(primary_key=True, max_length=200)
    # Since when it is watched: one that never ran is late from here on.
    known_since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    # In a row, since it last succeeded.
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        app_label = "common"
        verbose_name = "run by the clock"
        verbose_name_plural = "runs by the clock"

    def __str__(self) -> str:
        """Name the schedule."""
        return self.name
