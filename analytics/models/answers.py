"""The last good answers, for when a query fails: old figures that say so are better than none."""

from django.db import models


class LastAnswer(models.Model):
    """One part of an event's figures for a range of days, as it was last computed."""

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey("events.Event", on_delete=models.CASCADE, related_name="+", db_index=False)
    part = models.CharField(max_length=20)
    first = models.DateField()
    last = models.DateField()
    body = models.JSONField()
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "part", "first", "last"], name="last_answer_once")
        ]
        indexes = [models.Index(fields=["computed_at"], name="last_answer_time")]

    def __str__(self) -> str:
        return f"{self.part} of {self.event_id}"
